/** The same activity gives the same bytes: after kill -9 at random moments, in any batches, on any partitions. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { here } from '../bin/testing.ts'
import { createRandom } from '../models/random.ts'
import { LIVE } from '../pipeline/topology.ts'
import { holdExports, record } from './golden.fixture.ts'
import { dataDir, exportsOf, fcm, spawnFcm, temporaryDir } from './testing.ts'

/** A day and a half: long enough for series to be judged, and for a warning to open and end. */
const SIMULATE = ['start', '--sim-until', '2026-01-06T14:00:00Z', '--port', '0', '--seed', '1']
/** Checkpoints at every batch, so that a restart has one to begin at. */
const OFTEN = { FCM_CHECKPOINT_SECONDS: '0' }

const dirs: { dir: string; remove(): void }[] = []
const newDir = (made = dataDir()): string => {
  dirs.push(made)
  return made.dir
}
let undisturbed: Record<string, string>
let undisturbedDir: string

beforeAll(async () => {
  const dir = newDir(temporaryDir())
  const { code, stderr } = await fcm([...SIMULATE, '--data-dir', dir])
  expect(stderr).not.toMatch(/fault/)
  expect(code).toBe(0)
  undisturbed = await exportsOf(dir)
  undisturbedDir = dir
})
afterAll(() => {
  for (const { remove } of dirs) remove()
  record()
})

test('the undisturbed run has something to compare', () => {
  for (const [what, least] of Object.entries({ counts: 10_000, signals: 1_000, alerts: 10 })) {
    expect(undisturbed[what]!.split('\n').length, what).toBeGreaterThan(least)
  }
})

test('its results are those that are held', () => holdExports('simulated', undisturbedDir, LIVE, 10_000))

test('killed at random moments and started again, it ends with the same bytes', async () => {
  const dir = newDir()
  const random = createRandom('moments of death')
  for (let life = 0; life < 5; life++) {
    const process = spawnFcm([...SIMULATE, '--data-dir', dir], OFTEN)
    await Promise.race([process.ended, sleep(1000 + random.int(3000))])
    process.kill('SIGKILL')
    await process.ended
  }
  const { code } = await here([...SIMULATE, '--data-dir', dir], OFTEN)
  expect(code).toBe(0)
  expect(await exportsOf(dir)).toEqual(undisturbed)
})

test('stopped with SIGINT it ends well, and goes on', async () => {
  const dir = newDir()
  const process = spawnFcm([...SIMULATE, '--data-dir', dir])
  await process.says('Dashboard')
  await sleep(1500)
  process.kill('SIGINT')
  expect(await process.ended).toMatchObject({ code: 0 })
  expect((await here([...SIMULATE, '--data-dir', dir])).code).toBe(0)
  expect(await exportsOf(dir)).toEqual(undisturbed)
})

describe('batches and partitions', () => {
  test.for([
    ['25', '8'],
    ['10000', '1'],
  ])('batches of %s on %s partitions give the same bytes', async ([batch, partitions]) => {
    const dir = newDir()
    const args = [...SIMULATE, '--data-dir', dir, '--batch-size', batch!, '--partitions', partitions!]
    expect((await here(args)).code).toBe(0)
    expect(await exportsOf(dir)).toEqual(undisturbed)
  })
})
