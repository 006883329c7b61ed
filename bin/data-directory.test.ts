/** A data directory: made where it may be, refused in words where it can not be used, and cleared when that is said. */
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { spawnFcm, temporaryDir } from '../app/testing.ts'
import { dataDirIn, expectExplained, here } from './testing.ts'

const { dir, remove } = temporaryDir()
afterAll(remove)

describe('files', () => {
  test('a data directory that is a file', async () => {
    const file = join(dir, 'file')
    writeFileSync(file, '')
    expectExplained(
      await here(['migrate', '--data-dir', file]),
      3,
      /Can't use the data directory .* it is a file/,
    )
  })

  test('a data directory that is not there is not made, but where something is put into it', async () => {
    const nowhere = join(dir, 'nowhere')
    for (const command of ['lag', 'gaps', 'runs list', 'dead-letters list', 'export counts', 'requests'])
      expectExplained(
        await here([...command.split(' '), '--data-dir', nowhere]),
        2,
        /There is no data directory/,
      )
    const { code, stdout } = await here(['doctor', '--data-dir', nowhere])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/!.*there is none yet/)])
    expect(existsSync(nowhere)).toBe(false)
  })
})

describe('the data directory', () => {
  test('is this user’s alone', async () => {
    const made = join(dir, 'deep', 'down')
    expect(await here(['migrate', '--data-dir', made])).toMatchObject({ code: 0 })
    expect(statSync(made).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir, 'deep')).mode & 0o777).toBe(0o700)
  })

  test.runIf(existsSync('/proc/self'))(
    'on what is no file system is refused, not tried for ever',
    async () => {
      for (const where of ['/proc/fcm', '/proc/fcm/deep']) {
        const { code, stderr } = await here(['start', '--data-dir', where, '--port', '0'])
        expect(stderr).toMatch(/^fcm: Can't use the data directory \/proc\/fcm/)
        expect(code).toBe(3)
      }
    },
  )

  test('that is in use is said to be by which process', async () => {
    const data = join(dir, 'used')
    const first = spawnFcm(['run', 'count', '--data-dir', data])
    onTestFinished(() => void first.kill('SIGKILL'))
    await first.says('"role":"count"')
    const { code, stderr } = await here(['start', '--data-dir', data, '--port', '0'])
    expect(stderr).toContain(`is in use by process ${first.pid}.`)
    expect(code).toBe(3)
  })
})

test('--fresh clears a log that is damaged; without it, one is told', async () => {
  const damaged = join(dir, 'damaged')
  mkdirSync(damaged)
  writeFileSync(join(damaged, 'log.sqlite'), 'noise'.repeat(2000))
  const start = ['start', '--sim-until', '2026-01-05T01:00:00Z', '--port', '0', '--data-dir', damaged]
  expectExplained(await here(start), 4, /can't be used: .* Begin anew with --fresh/)
  expect(await here([...start, '--fresh'])).toMatchObject({ code: 0 })
  // Nobody is at work on what it has left, and that is told.
  const doctor = await here(['doctor', '--data-dir', damaged])
  expect(doctor.stdout).toMatch(
    /^FAIL {2}Roles of run live: none is at work: nothing is watched\n {6}`fcm start`/m,
  )
  expect(doctor.code).toBe(1)
  const lag = await here(['lag', '--data-dir', damaged])
  expect(lag.stdout).toMatch(/fcm\.live\.store/)
  expect(lag.stderr).toMatch(/Run live: none is at work: nothing is watched\. `fcm start`/)
  expect(lag.code).toBe(1)
  // Another seed would mix two networks.
  expectExplained(
    await here([...start, '--seed', '8']),
    2,
    /holds a simulation with seed 4, not a simulation with seed 8/,
  )
})

test('a log file that can not be written stops nothing', async () => {
  const full = dataDirIn(dir, 'full')
  symlinkSync('/dev/full', join(full, 'fcm.log'))
  const start = ['start', '--sim-until', '2026-01-05T00:10:00Z', '--port', '0', '--data-dir', full]
  expect(await here(start)).toMatchObject({ code: 0 })
})
