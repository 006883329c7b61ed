import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../../common/time.ts'
import { type Machine, simulatedClock, trusted, wallClock } from './clock.ts'

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

/** A machine whose time goes by as it sleeps, and whose clock is `off` by what is said for so many ms since its start. */
function machineOf(off: (elapsed: number) => number) {
  let gone = 0
  const asleep: number[] = []
  const go = (ms: number) => {
    gone += ms
  }
  const machine: Machine = { wall: () => START + gone + off(gone), elapsed: () => gone }
  const pass = async (ms: number) => {
    asleep.push(ms)
    go(ms)
  }
  const clock = (signal = never) => wallClock(1200, signal, time, pass)
  const time = trusted(machine)
  return { machine, time, clock, asleep, gone: () => gone, go }
}
const START = Date.UTC(2026, 0, 5)

test('a machine’s clock that jumps is not believed, and noticed within the wait', async () => {
  for (const jump of [2 * HOUR, -2 * HOUR]) {
    const isWrong = (gone: number) => gone >= 25 * SECOND && gone < 95 * SECOND
    const { gone, ...machine } = machineOf((t) => (isWrong(t) ? jump : 0))
    const clock = machine.clock()
    const states: [number, number | null][] = []
    await clock.until(START + MINUTE, ({ now, wall }) => states.push([now - START, wall && wall - START]))
    // It should have ended after a minute, while nothing was known of the time.
    expect(gone()).toBe(100 * SECOND)
    const wrong = states.filter(([, wall]) => wall !== null)
    expect(wrong[0]).toEqual([30 * SECOND, 30 * SECOND + jump])
    expect(wrong).toHaveLength(7)
    expect(states.every(([now], i) => now === i * 10 * SECOND)).toBe(true)
    expect(clock.now()).toBe(START + 100 * SECOND)
  }
})

/** The states that a wait for `end` is told of in a day: it is given up then, where it hasn't ended. */
async function statesOf({ clock, gone }: ReturnType<typeof machineOf>, end: number) {
  const stop = new AbortController()
  const states: { at: number; wall: number | null }[] = []
  const wait = clock(stop.signal).until(end, ({ wall }) => {
    states.push({ at: gone(), wall })
    if (gone() > DAY) stop.abort(new Error('stopped'))
  })
  const ended = await wait.then(
    () => true,
    () => false,
  )
  return { ended, states }
}

test('a clock that has jumped is not believed for going on evenly, and is once it has jumped back', async () => {
  const onwards = machineOf((t) => (t >= 30 * SECOND ? 2 * HOUR : 0))
  expect((await statesOf(onwards, START + HOUR)).ended).toBe(false)
  expect(onwards.time.now()).toBe(START + onwards.gone())
  const back = machineOf((t) => (t >= 30 * SECOND && t < 6 * MINUTE ? 2 * HOUR : 0))
  const { ended, states } = await statesOf(back, START + MINUTE)
  expect([ended, back.gone(), back.time.now()]).toEqual([true, 6 * MINUTE, START + 6 * MINUTE])
  expect(states.filter(({ wall }) => wall !== null)).toHaveLength(33)
})

test('a clock that jumps again and again is never believed', async () => {
  const machine = machineOf((t) => Math.floor(t / (4 * MINUTE)) * 10 * MINUTE)
  expect((await statesOf(machine, START + 30 * MINUTE)).ended).toBe(false)
})

test('a machine that slept is believed at once: as much time has gone by', async () => {
  const { clock, time, go, gone } = machineOf(() => 0)
  let slept = false
  const walls: (number | null)[] = []
  await clock().until(START + HOUR, ({ wall }) => {
    walls.push(wall)
    if (gone() === MINUTE && !slept) {
      slept = true
      go(8 * HOUR)
    }
  })
  expect(new Set(walls)).toEqual(new Set([null]))
  expect([gone(), time.now()]).toEqual([8 * HOUR + MINUTE + 10 * SECOND, START + gone()])
})

test('whoever begins to wait after a jump waits by the time from before', async () => {
  const machine = machineOf((t) => (t >= MINUTE ? 2 * HOUR : 0))
  machine.go(2 * MINUTE)
  // As after a retry, or after another process was the source.
  expect(machine.clock().now()).toBe(START + 2 * MINUTE)
  expect((await statesOf(machine, START + HOUR)).ended).toBe(false)
})

test('the time that goes by goes on beside the clock of this machine', async () => {
  const time = trusted()
  await sleep(300)
  expect(time.look()).toBe(null)
  expect(Math.abs(time.now() - Date.now())).toBeLessThan(250)
})

test('a clock that is corrected by seconds is followed, and within a round goes on evenly', async () => {
  const { machine, go, ...made } = machineOf(
    (t) => Math.min(t / 100, 50 * SECOND) + (t > 2 * HOUR ? HOUR : 0),
  )
  const clock = made.clock()
  await clock.until(START + HOUR)
  expect(Math.abs(clock.now() - machine.wall())).toBeLessThan(SECOND)
  go(HOUR + MINUTE)
  expect(clock.now() - START).toBeLessThan(2 * HOUR + 2 * MINUTE)
})

test('a wait of an hour is looked at each ten seconds, and ends to the millisecond', async () => {
  const { clock, asleep, gone } = machineOf(() => 0)
  await clock().until(START + HOUR + 1)
  expect([gone(), asleep.length, asleep.at(-1)]).toEqual([HOUR + 1, 361, 1])
})
