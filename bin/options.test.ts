/** Whatever stands in an option or a variable: it is taken as it is meant, or refused in words before anything is done. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type Config, readConfig, settings } from '../app/config.ts'
import { FcmError } from '../common/errors.ts'
import { backfill } from './commands/backfill.ts'
import { exportRows } from './commands/export.ts'
import { hub } from './commands/hub.ts'
import { mcpServer } from './commands/mcp-server.ts'
import { run } from './commands/run.ts'
import { start } from './commands/start.ts'
import { duration, positiveNumber, time, wholeNumber } from './options.ts'

/** One message for a person: of one line, not too long, and nothing in it drives a terminal. */
function expectReadable(error: unknown): void {
  expect(error).toMatchObject({ name: 'FcmError', code: 'OPTION_INVALID', exit: 2 })
  const { message } = error as FcmError
  expect(message).not.toMatch(/[\p{Cc}\u202e\u2066]/u)
  expect(message.length).toBeLessThan(1500)
}

const HOSTILE = [
  '\0',
  'x\ny',
  '\r\n',
  '\u001b[31mred',
  '\u202eevil',
  'x'.repeat(100_000),
  '\ud800',
  '__proto__',
]
const NO_NUMBER = [
  'true',
  'false',
  'null',
  'NaN',
  'Infinity',
  '[]',
  '{}',
  '0x50',
  '1e3',
  '8_0',
  '٣',
  ' 80',
  '80\n',
  '+8',
]

describe('settings', () => {
  const read = (name: keyof Config, value: string, from: 'flag' | 'environment'): unknown => {
    const { env } = settings.find(([n]) => n === name)![1]
    const config = from === 'flag' ? readConfig({ [name]: value }, {}) : readConfig({}, { [env]: value })
    return config[name]
  }
  const wrong: Partial<Record<keyof Config, string[]>> = {
    dataDir: [],
    host: [],
    mcp: [],
    follow: [],
    allowedHosts: ['a b', 'a:80', 'a,', 'http://a', ...HOSTILE],
    mcpEnv: [
      'A B',
      'A,',
      '1A',
      'A=B',
      'DATABASE_URL',
      'A,KAFKA_USER',
      'SCHEMA_REGISTRY_URL,A',
      ...HOSTILE.filter((v) => !/^\w+$/.test(v)),
    ],
    anyone: ['write', 'admin', 'read;ops', 'READ', 'read,', ...HOSTILE],
    databaseUrl: ['mysql://x', 'host', ' postgres://x', ...HOSTILE],
    kafkaBrokers: ['kafka', 'kafka:', 'a:1,', 'a:1, b:2', 'http://a:1', ...HOSTILE],
    kafkaTls: ['yes', '1', 'TRUE', ...HOSTILE],
    kafkaPlainInClear: ['yes', '1', 'TRUE', ...HOSTILE],
    kafkaUser: ['user:password', 'plain:user', 'md5:a:b', ...HOSTILE],
    kafkaSessionSeconds: ['5', '301', '6.5', ...NO_NUMBER, ...HOSTILE],
    schemaRegistryUrl: ['registry:8081', 'ftp://x', 'http://', ...HOSTILE],
    port: ['-1', '65536', '80.5', '9'.repeat(400), ...NO_NUMBER, ...HOSTILE],
    metricsPort: ['-1', '65536', '80.5', ...NO_NUMBER, ...HOSTILE],
    partitions: ['0', '257', '1.9', ...NO_NUMBER, ...HOSTILE],
    batchSize: ['0', '10001', '1.9', ...NO_NUMBER, ...HOSTILE],
    checkpointSeconds: ['-0.1', '3601', ...NO_NUMBER, ...HOSTILE],
    preset: ['Classic', 'classic ', 'constructor', ...HOSTILE],
    scorer: ['WASM', 'tfjs', ...HOSTILE],
    alertsPerDay: ['-1', '100001', '1.5', ...NO_NUMBER, ...HOSTILE],
    source: ['Server', 'a b', '-x', 'x'.repeat(65), ...HOSTILE],
    minFollowers: ['-1', '1.5', ...NO_NUMBER, ...HOSTILE],
    pollSeconds: ['59', '604801', '60.5', ...NO_NUMBER, ...HOSTILE],
    requestsPerMinute: ['29', '60001', ...NO_NUMBER, ...HOSTILE],
    textDays: ['0', '3651', '1.9', ...NO_NUMBER, ...HOSTILE],
    logLevel: ['INFO', 'trace', ...HOSTILE],
  }

  test.each(settings.map(([name]) => name))('%s', (name) => {
    expect(wrong).toHaveProperty(name)
    for (const value of wrong[name]!)
      for (const from of ['flag', 'environment'] as const) {
        let error: unknown
        try {
          error = `${JSON.stringify(value.slice(0, 50))} gave ${read(name, value, from)}`
        } catch (thrown) {
          error = thrown
        }
        expectReadable(error)
      }
  })

  test('a number that is written as one is that number', () => {
    expect(read('port', '08080', 'flag')).toBe(8080)
    expect(read('checkpointSeconds', '0.5', 'environment')).toBe(0.5)
    expect(readConfig({ port: 81 }, {})).toMatchObject({ port: 81 })
  })

  test('an empty variable is none, an empty flag is refused where it can not be meant', () => {
    for (const [, { env }] of settings) expect(readConfig({}, { [env]: '' })).toEqual(readConfig({}, {}))
    for (const name of ['dataDir', 'port', 'mcp', 'follow'])
      expect(() => readConfig({ [name]: '' }, {})).toThrow(FcmError)
  })

  test('what is in a URL of a database is not repeated', () => {
    for (const [env, value] of Object.entries({
      DATABASE_URL: 'mysql://root:hunter2@db',
      KAFKA_USER: 'root:hunter2',
      SCHEMA_REGISTRY_URL: 'root:hunter2@registry',
    })) {
      const reading = () => readConfig({}, { [env]: value })
      expect(reading).toThrow(`${env} "..."`)
      expect(reading).not.toThrow(/hunter2/)
    }
  })
})

describe('values', () => {
  test('a time is one that there is', () => {
    expect(time('--from', '2024-02-29')).toBe(Date.UTC(2024, 1, 29))
    expect(time('--from', '2024-02-29T23:59:59.5Z')).toBe(Date.UTC(2024, 1, 29, 23, 59, 59, 500))
    const bad = [
      '2023-02-29',
      '2024-02-30T00:00:00Z',
      '2024-01-01T24:00Z',
      '2024-13-01',
      '2024-01-01T00:00:60Z',
    ]
    for (const value of [
      ...bad,
      '2024-01-01T00:00:00',
      '2024-01-01T00:00:00+02:00',
      '+012024-01-01',
      '',
      ...HOSTILE,
    ])
      expect(() => time('--from', value), value).toThrow(/must be a time in UTC/)
  })

  test('any time that there is comes back', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        expect(time('--from', date.toISOString())).toBe(date.getTime())
      }),
    )
  })

  test('a length of time has an end', () => {
    expect(duration('--sim-until', '36500d')).toBe(36500 * 86_400_000)
    for (const value of ['5300w', `${'9'.repeat(400)}w`, '1.5h', '-1h', 'h', '1y', '', ...HOSTILE])
      expect(() => duration('--sim-until', value), value).toThrow(/must be a length of time/)
  })

  test('numbers', () => {
    for (const value of ['-1', '1.5', '9'.repeat(20), '', ...NO_NUMBER, ...HOSTILE])
      expect(() => wholeNumber('--seed', value), value).toThrow(/must be a whole number/)
    for (const value of ['0', '-1', '0.0', '9'.repeat(400), '', ...NO_NUMBER, ...HOSTILE])
      expect(() => positiveNumber('--speed', value), value).toThrow(/must be a number above 0/)
    expect(positiveNumber('--speed', '0.25')).toBe(0.25)
  })
})

describe('commands', () => {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-options-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  // A command that was refused has made nothing.
  afterEach(() => {
    expect(readdirSync(dir)).toEqual([])
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM')
  })

  const all = [start, run, backfill, exportRows, hub, mcpServer]
  async function refusal(args: string[]): Promise<unknown> {
    const program = new Command('fcm').exitOverride().configureOutput({ writeErr: () => {} })
    for (const command of all) command(program)
    const dataDir = ['hub', 'mcp-server'].includes(args[0]!) ? [] : ['--data-dir', join(dir, 'data')]
    return program.parseAsync(['node', 'fcm', ...args, ...dataDir]).then(
      () => 'it was not refused',
      (error: unknown) => error,
    )
  }

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

  test.each(['', '..', 'a/b', 'A', '-', 'x'.repeat(41), ...HOSTILE])(
    'backfill --run, name %#',
    async (name) => {
      const error = await refusal(['backfill', 'x', `--run=${name}`])
      expect(error).toMatchObject({ code: 'RUN_NAME_INVALID', exit: 2 })
      expect((error as FcmError).message).not.toMatch(/\n/)
    },
  )

  test.each([
    ['start', '--unknown'],
    ['start', 'extra'],
    ['start', '--seed'],
    ['run'],
    ['run', 'cook'],
    ['backfill', '--run', 'x'],
    ['backfill', 'x'],
    ['export', 'everything'],
    ['export', 'counts', '--format', 'xml'],
    ['export', 'counts', '--resolution', '2h'],
    ['hub', '--archive', 'x', '--seed', '1'],
    ['hub', '--driven', '--at', '2026-01-01'],
    ['hub', '--driven', '--speed', '2'],
    ['hub', '--errors', 'mine'],
  ])('%s %s %s %s', async (...args) => {
    const error = await refusal(args.filter((arg) => arg !== undefined))
    expect(error).toBeInstanceOf(CommanderError)
    expect((error as CommanderError).exitCode).not.toBe(0)
  })

  test.each(['--seed=3', '--speed=2', '--sim-until=1h', '--fault=cut'])(
    'start --mcp with %s',
    async (option) => {
      expectReadable(await refusal(['start', '--mcp', 'http://127.0.0.1:1/mcp', option]))
    },
  )
})
