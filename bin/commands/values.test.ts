/** Whatever is given to an option of a command: what is not meant is refused in words before anything is done. */
import { afterAll, afterEach, describe, test } from 'vitest'
import { expectReadable, HOSTILE, NO_NUMBER } from '../../app/hostile.fixture.ts'
import { refusing } from './refusal.fixture.ts'

describe('commands', () => {
  const { refusal, expectNothingMade, remove } = refusing()
  afterEach(expectNothingMade)
  afterAll(remove)

  const values = (option: string, bad: string[]) => bad.map((value): [string, string] => [option, value])
  const numbers = [...NO_NUMBER, ...HOSTILE, '-1', '']
  test.each([
    ...values('start --seed', [...numbers, '2147483649']),
    ...values('start --speed', [...numbers, '0']),
    ...values('start --sim-until', ['2026-02-30', '99999999999w', 'now', '', ...HOSTILE]),
    ...values('start --fault', [
      '',
      'flood',
      '429,rate=2',
      '429,rate=',
      'slow,seconds=-1',
      '500,seconds=1',
      ...HOSTILE,
    ]),
    ...values('start --fault', ['cut,from=2026-02-30', 'cut,rate', 'cut,__proto__=1', 'hang,seconds=1e9']),
    ...values('start --follow', [
      'a,,b',
      ',',
      'a b',
      '/base',
      'x\0',
      ...HOSTILE.filter((v) => !/^[\w]+$/.test(v)),
    ]),
    ...values('start --port', numbers),
    ...values('run source --seed', numbers),
    ...values('run source --speed', numbers),
    ...values('hub --port', [...numbers, '65536']),
    ...values('hub --speed', [...NO_NUMBER, '-1', '\0', 'x\ny', '__proto__']),
    ...values('hub --at', ['2026-02-30', '']),
    ...values('mcp-server --http', [...numbers, '65536']),
    ...values('mcp-server --timeout', [...numbers, '0', '3601']),
    ...values('mcp-server --hub', [
      '',
      'hub',
      'ftp://x',
      'http://',
      'http://u:p@x',
      'http://x?key=1',
      ...HOSTILE,
    ]),
    ...values('mcp-server --channels', ['', 'javascript:0']),
    ...values('export counts --from', ['2024-02-30', ...HOSTILE]),
    ...values('export counts --to', ['tomorrow']),
    ...values('backfill x --run r --from', ['2024-02-30', ...HOSTILE]),
  ])('%s, value %#', async (option, value) => expectReadable(await refusal([...option.split(' '), value])))
})
