/** What goes wrong is said in words: what happened, why, and what to do. */
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fcm, temporaryDir } from '../app/testing.ts'
import { VERSION } from '../app/version.ts'
import { dataDirIn, expectExplained, here } from './testing.ts'

const { dir, remove } = temporaryDir()
afterAll(remove)

describe('options', () => {
  test.for([
    [['start', '--colour'], /unknown option '--colour'/],
    [['strat'], /unknown command 'strat'/],
    [['start', '--port', 'http'], /--port "http": must be integer/],
    [['start', '--port', '70000'], /must be <= 65535/],
    [['start', '--speed', '-1'], /--speed "-1": must be a number above 0/],
    [['start', '--seed', '1.5'], /--seed "1.5": must be a whole number/],
    [['start', '--sim-until', 'tomorrow'], /must be a time in UTC, or a length of time such as 12h/],
    [['start', '--preset', 'magic'], /must be one of calibrated, classic/],
    [['export', 'everything'], /unknown command 'everything'/],
    [['export', 'counts', '--from', '5 May'], /--from "5 May": must be a time in UTC/],
    [['backfill', 'x.ndjson'], /required option '--run <name>'/],
    [['backfill', 'x.ndjson', '--run', '../up'], /"..\/up" can't name a run/],
    [['run', 'cook'], /Allowed choices are source, count/],
    [['start', '--mcp', 'npx x', '--seed', '3'], /--seed: is of the simulation, and --mcp .* polls a server/],
    [['start', '--fault', 'flood'], /flood/],
    [['start', '--follow', 'a b'], /--follow "a b": "a b" is neither the URL nor the id of a channel/],
    [['start', '--poll-seconds', '5'], /--poll-seconds "5": must be >= 60/],
  ] as const)('%s', async ([args, words]) => {
    expectExplained(await here([...args, ...(args[0] === 'strat' ? [] : ['--data-dir', dir])]), 2, words)
  })

  test('are refused by the program as well', async () => {
    expectExplained(await fcm(['start', '--colour']), 2, /unknown option '--colour'/)
    expectExplained(
      await fcm(['start', '--port', 'http', '--data-dir', dir]),
      2,
      /--port "http": must be integer/,
    )
  })

  test('a bad value in the environment is named by its variable', async () => {
    expectExplained(
      await here(['lag', '--data-dir', dir], { FCM_PARTITIONS: 'many' }),
      2,
      /FCM_PARTITIONS "many"/,
    )
    const secret = await here(['lag', '--data-dir', dir], { DATABASE_URL: 'mysql://root:hunter2@db/x' })
    expectExplained(secret, 2, /DATABASE_URL/)
    expect(secret.stderr).not.toMatch(/hunter2/)
  })

  test('--help shows an example, --version the version', async () => {
    for (const command of [
      'start',
      'run',
      'backfill',
      'export',
      'lag',
      'gaps',
      'requests',
      'hub',
      'migrate',
      'doctor',
    ]) {
      expect((await here([command, '--help'])).stdout).toMatch(/Examples?:\n {2}(npx fcm|DATABASE_URL)/)
    }
    expect(await fcm(['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n` })
  })
})

describe('files', () => {
  test('an archive that is not there', async () => {
    const missing = join(dir, 'missing.ndjson')
    expectExplained(
      await here(['backfill', missing, '--run', 'x', '--data-dir', dataDirIn(dir, 'f')]),
      2,
      /Can't read .*missing.ndjson/,
    )
  })

  test('a database that does not answer', async () => {
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
    expectExplained(
      await here(['migrate', '--data-dir', join(dir, 'd')], env),
      4,
      /The database does not answer/,
    )
  })
})

test('a port in use', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ended = await here(['start', '--data-dir', dataDirIn(dir, 'p'), '--port', String(port)])
  expectExplained(ended, 3, new RegExp(`Port ${port} on 127.0.0.1 is taken`))
  server.close()
})
