/** What goes wrong is said in words: what happened, why, and what to do. */

import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, fcm, spawnFcm, temporaryDir } from '../app/testing.ts'
import { VERSION } from '../app/version.ts'
import { putDatabase } from '../connectors/postgres/made.fixture.ts'

const { dir, remove } = temporaryDir()
afterAll(remove)
/** A data directory with a database in it, that is called so. */
function dataDirOf(name: string): string {
  putDatabase(join(dir, name))
  return join(dir, name)
}

const STACK = /\n\s+at |node:internal|\.ts:\d+/

/** Nothing was printed but one message for a person. */
function expectExplained({ code, stderr }: Ended, exit: number, words: RegExp): void {
  expect(stderr).toMatch(words)
  expect(stderr).not.toMatch(STACK)
  expect(code).toBe(exit)
}

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
    expectExplained(await fcm([...args, ...(args[0] === 'strat' ? [] : ['--data-dir', dir])]), 2, words)
  })

  test('a bad value in the environment is named by its variable', async () => {
    expectExplained(
      await fcm(['lag', '--data-dir', dir], { FCM_PARTITIONS: 'many' }),
      2,
      /FCM_PARTITIONS "many"/,
    )
    const secret = await fcm(['lag', '--data-dir', dir], { DATABASE_URL: 'mysql://root:hunter2@db/x' })
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
      expect((await fcm([command, '--help'])).stdout).toMatch(/Examples?:\n {2}(npx fcm|DATABASE_URL)/)
    }
    expect(await fcm(['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n` })
  })
})

describe('files', () => {
  test('an archive that is not there', async () => {
    const missing = join(dir, 'missing.ndjson')
    expectExplained(
      await fcm(['backfill', missing, '--run', 'x', '--data-dir', dir]),
      2,
      /Can't read .*missing.ndjson/,
    )
  })

  test('a data directory that is a file', async () => {
    const file = join(dir, 'file')
    writeFileSync(file, '')
    expectExplained(
      await fcm(['migrate', '--data-dir', file]),
      3,
      /Can't use the data directory .* it is a file/,
    )
  })

  test('a data directory that is not there is not made, but where something is put into it', async () => {
    const nowhere = join(dir, 'nowhere')
    for (const command of ['lag', 'gaps', 'runs list', 'dead-letters list', 'export counts', 'requests'])
      expectExplained(
        await fcm([...command.split(' '), '--data-dir', nowhere]),
        2,
        /There is no data directory/,
      )
    const { code, stdout } = await fcm(['doctor', '--data-dir', nowhere])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/!.*there is none yet/)])
    expect(existsSync(nowhere)).toBe(false)
  })

  test('a database that does not answer', { timeout: 120_000 }, async () => {
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
    expectExplained(
      await fcm(['migrate', '--data-dir', join(dir, 'd')], env),
      4,
      /The database does not answer/,
    )
  })
})

describe('beside a process that owns the data directory', () => {
  const owned = dataDirOf('owned')
  let owner: ReturnType<typeof spawnFcm>
  beforeAll(async () => {
    owner = spawnFcm(['run', 'count', 'store', 'api', '--data-dir', owned, '--port', '0'])
    await owner.says('serving')
  }, 30_000)
  afterAll(async () => {
    owner.kill('SIGTERM')
    expect(await owner.ended).toMatchObject({ code: 0 })
  })

  test('a second one is refused', async () => {
    const second = await fcm(['start', '--data-dir', owned, '--port', '0'])
    expectExplained(second, 3, new RegExp(`is in use by process ${owner.pid}\\.`))
  })

  test('commands ask it', async () => {
    expect(await fcm(['runs', 'list', '--data-dir', owned])).toMatchObject({ code: 0 })
    expect((await fcm(['lag', '--data-dir', owned])).stdout).toMatch(/fcm.live.count/)
    expect((await fcm(['dead-letters', 'list', '--data-dir', owned])).stdout).toMatch(/has no dead letters/)
    expectExplained(await fcm(['export', 'counts', '--run', 'none', '--data-dir', owned]), 2, /no run "none"/)
    const { stdout, code } = await fcm(['doctor', '--data-dir', owned])
    expect(stdout).toMatch(/ok {4}Database/)
    expect(stdout).toMatch(/! {5}Roles of run live: source, sum, detect are not at work/)
    expect(code).toBe(0)
  })
})

test('--fresh clears a log that is damaged; without it, one is told', { timeout: 120_000 }, async () => {
  const damaged = join(dir, 'damaged')
  mkdirSync(damaged)
  writeFileSync(join(damaged, 'log.sqlite'), 'noise'.repeat(2000))
  const start = ['start', '--sim-until', '2026-01-05T01:00:00Z', '--port', '0', '--data-dir', damaged]
  expectExplained(await fcm(start), 4, /can't be used: .* Begin anew with --fresh/)
  expect(await fcm([...start, '--fresh'])).toMatchObject({ code: 0 })
  // Nobody is at work on what it has left, and that is told.
  const doctor = await fcm(['doctor', '--data-dir', damaged])
  expect(doctor.stdout).toMatch(
    /^FAIL {2}Roles of run live: none is at work: nothing is watched\n {6}`fcm start`/m,
  )
  expect(doctor.code).toBe(1)
  const lag = await fcm(['lag', '--data-dir', damaged])
  expect(lag.stdout).toMatch(/fcm\.live\.store/)
  expect(lag.stderr).toMatch(/No process is at work on run live: nothing is watched/)
  expect(lag.code).toBe(1)
  // Another seed would mix two networks.
  expectExplained(
    await fcm([...start, '--seed', '8']),
    2,
    /holds a simulation with seed 4, not a simulation with seed 8/,
  )
})

test('a log file that can not be written stops nothing', { timeout: 120_000 }, async () => {
  const full = dataDirOf('full')
  symlinkSync('/dev/full', join(full, 'fcm.log'))
  const start = ['start', '--sim-until', '2026-01-05T00:10:00Z', '--port', '0', '--data-dir', full]
  expect(await fcm(start)).toMatchObject({ code: 0 })
})

test('what a process that was killed has left does not lead to a stranger on its port', {
  timeout: 120_000,
}, async () => {
  const [a, b] = [dataDirOf('a'), dataDirOf('b')]
  const other = spawnFcm(['run', 'api', '--data-dir', b, '--port', '0'])
  await other.says('serving')
  const { url } = JSON.parse(readFileSync(join(b, 'owner.json'), 'utf8'))
  const start = ['start', '--sim-until', '2026-01-05T00:10:00Z', '--port', '0', '--data-dir', a]
  expect(await fcm(start)).toMatchObject({ code: 0 })
  // That process id is in use again, and so is its port.
  writeFileSync(join(a, 'owner.json'), JSON.stringify({ pid: process.pid, url, token: 'not that of b' }))
  expect((await fcm(['export', 'counts', '--data-dir', a])).stdout).toMatch(/casts:/)
  expect((await fcm(['export', 'counts', '--data-dir', b])).stdout).not.toMatch(/casts:/)
  other.kill('SIGTERM')
  expect(await other.ended).toMatchObject({ code: 0 })
})

test('a port in use', { timeout: 120_000 }, async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ended = await fcm(['start', '--data-dir', dataDirOf('p'), '--port', String(port)])
  expectExplained(ended, 3, new RegExp(`Port ${port} on 127.0.0.1 is taken`))
  server.close()
})
