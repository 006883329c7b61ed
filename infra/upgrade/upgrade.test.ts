/** A data directory that the previous release made, and was killed over, is gone on with: results as if it had always been this one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { holdExports } from '../../app/golden.fixture.ts'
import { fcm, temporaryDir } from '../../app/testing.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { previousRelease } from './previous.ts'

const previous = previousRelease()
const { dir, remove } = temporaryDir()
afterAll(() => {
  remove()
  previous?.remove()
})

/** The simulated network whose results are pinned. */
const SIMULATE = ['start', '--seed', '1', '--port', '0', '--data-dir', dir, '--sim-until']

test.skipIf(!previous)('a data directory', { timeout: 600_000 }, async () => {
  const run = (until: string) =>
    spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', previous!.fcm, ...SIMULATE, until],
      // A checkpoint at every batch, so that it leaves some of its own behind.
      {
        env: { PATH: process.env.PATH, HOME: process.env.HOME, FCM_CHECKPOINT_SECONDS: '0' },
        stdio: 'ignore',
      },
    )
  const [code] = await once(run('2026-01-06T06:00:00Z'), 'exit')
  expect(code).toBe(0)
  // And in the middle of its work.
  const killed = run('2026-01-06T10:00:00Z')
  await sleep(2500)
  killed.kill('SIGKILL')
  if (killed.exitCode === null && killed.signalCode === null) await once(killed, 'exit')
  const { code: now, stderr } = await fcm([...SIMULATE, '2026-01-06T14:00:00Z'])
  expect({ code: now, stderr }).toMatchObject({ code: 0 })
  await holdExports('simulated', dir, LIVE, 10_000)
})
