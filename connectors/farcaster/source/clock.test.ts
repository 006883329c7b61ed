import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../common/time.ts'
import { simulatedClock, wallClock } from './clock.ts'

afterEach(() => void vi.restoreAllMocks())
const never = new AbortController().signal

/** When each of `n` turns comes, in ms from now. */
async function turns(clock: { pace(): Promise<void> }, n: number): Promise<number[]> {
  const began = performance.now()
  return Promise.all(Array.from({ length: n }, () => clock.pace().then(() => performance.now() - began)))
}
const isOver = (wait: Promise<unknown>) => Promise.race([wait.then(() => true), sleep(60, false)])

test('requests are spread evenly, and wait where the server asks for it', async () => {
  const clock = wallClock(1200, never)
  const spread = await turns(clock, 4)
  for (const [i, time] of spread.entries()) expect(time).toBeGreaterThan(i * 50 - 5)
  clock.pause(0.3)
  const [first, second] = await turns(clock, 2)
  expect(first).toBeGreaterThan(280)
  expect(second).toBeGreaterThan(330)
})

test('a pause of months is waited for', async () => {
  const stop = new AbortController()
  const clock = wallClock(6000, stop.signal)
  clock.pause(3_000_000)
  const turn = clock.pace()
  expect(await isOver(turn.catch(() => {}))).toBe(false)
  stop.abort()
  await expect(turn).rejects.toThrow()
})

test('waits until it is time, also when the clock is set back meanwhile', async () => {
  const clock = wallClock(6000, never)
  let back = 0
  const now = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => now() - back)
  const due = Date.now() + 100
  const wait = clock.until(due)
  back = 150
  expect(await Promise.race([wait.then(() => true), sleep(180, false)])).toBe(false)
  await wait
  expect(Date.now()).toBeGreaterThanOrEqual(due - 2)
})

test('stopped, every wait ends at once', async () => {
  const stop = new AbortController()
  const clock = wallClock(1, stop.signal)
  await clock.pace()
  const waits = [clock.pace(), clock.until(Date.now() + HOUR), clock.rest()].map((wait) =>
    wait.then(
      () => 'waited',
      () => 'stopped',
    ),
  )
  stop.abort()
  expect(await Promise.all(waits)).toEqual(['stopped', 'stopped', 'stopped'])
})

test('a simulated clock drives the hub, no faster than its speed, and stands in between', async () => {
  const driven: number[] = []
  const drive = async (time: number) => void driven.push(time)
  const clock = simulatedClock({ start: 0, speed: 600, drive, signal: never })
  await clock.until(HOUR)
  const began = performance.now()
  await clock.until(HOUR + MINUTE)
  expect(performance.now() - began).toBeGreaterThan((MINUTE / SECOND / 600) * SECOND - 5)
  await clock.rest()
  expect(clock.now()).toBe(HOUR + MINUTE)
  expect(driven).toEqual([HOUR, HOUR + MINUTE, HOUR + MINUTE])
})

test('at the lowest speed, a simulated clock waits longer than a timer can', async () => {
  const stop = new AbortController()
  const clock = simulatedClock({ start: 0, speed: 1e-9, drive: async () => {}, signal: stop.signal })
  await clock.until(HOUR)
  const wait = clock.until(2 * HOUR)
  expect(await isOver(wait.catch(() => {}))).toBe(false)
  stop.abort()
  await expect(wait).rejects.toThrow()
})

test('a wall clock that jumps ahead ends a wait, and paces as before', async () => {
  const clock = wallClock(1200, never)
  let ahead = 0
  const now = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
  const wait = clock.until(Date.now() + 50)
  ahead = 24 * HOUR
  expect(await isOver(wait)).toBe(true)
  await clock.pace()
  ahead = -24 * HOUR
  const [first, second] = await turns(clock, 2)
  expect(second! - first!).toBeGreaterThan(40)
  expect(second).toBeLessThan(1000)
})
