/** The source's clock: the wall's, or a simulated one that the source itself moves from round to round. */
import { uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { HOUR, MINUTE, SECOND } from '../../../common/time.ts'

export interface Clock {
  /** It goes by itself: where it stands before what it has dated, it was set back. */
  readonly isWall: boolean
  /** ms. */
  now(): number
  /**
   * Resolves when it is `time`, or at once when it was. Rejects when the source is stopped. `look` is told now and then in
   * which state it is.
   */
  until(time: number, look?: (state: ClockState) => void): Promise<void>
  /** To be awaited before every request; spreads requests evenly. */
  pace(): Promise<void>
  /** The server asks for a pause of so many seconds. */
  pause(seconds: number): void
  /** Waits a moment before a question is asked again that nobody answered. */
  rest(): Promise<void>
}

/** `now`: what is believed; `wall`: what the machine says, where that has jumped and isn't believed. ms */
export type ClockState = { now: number; wall: number | null }

const REST_MS = 250
const LONGEST_SLEEP = HOUR
/** So often it is looked at. */
export const LOOK_MS = 10 * SECOND
/** Clocks are corrected by so much, and nobody need know. */
export const CORRECTION = MINUTE

/** ms, for waits; whatever the wall clock is set to. */
const elapsed = () => performance.now()

async function wait(until: number, now: () => number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  // Again and again: a timer has its longest.
  for (let left = until - now(); left > 0; left = until - now())
    await sleep(Math.min(left, LONGEST_SLEEP), undefined, { signal })
}

/** What a trusted time is made from; tests have their own. ms */
export type Machine = {
  wall(): number
  /** Goes on evenly, whatever the wall clock is set to, and while the machine sleeps, too. */
  elapsed(): number
}

/** On Linux it counts sleep, which `performance.now()` does not. */
const MACHINE: Machine = { wall: Date.now, elapsed: () => uptime() * SECOND }

export type Trusted = {
  /** Goes on evenly from when it was looked at last, ms. */
  now(): number
  /** Follows corrections of the machine's clock. Returns what that says, ms, where it has jumped and isn't believed. */
  look(): number | null
}

/**
 * The machine's clock, checked against the time that goes by: where it jumps by more than a minute it is not believed until it
 * has jumped back. After sleep, of which the time that goes by tells too, it has not jumped. Made once in a process and looked
 * at all along: one that is made anew believes the clock that it finds.
 */
export function trusted({ wall, elapsed }: Machine = MACHINE): Trusted {
  /** What is believed: at `elapsed` it was `wall`. */
  let known = { wall: wall(), elapsed: elapsed() }
  const now = () => known.wall + elapsed() - known.elapsed
  return {
    now,
    look() {
      const read = { wall: wall(), elapsed: elapsed() }
      if (Math.abs(read.wall - now()) > CORRECTION) return read.wall
      known = read
      return null
    },
  }
}

/** Waits end by `time`, and none while the machine's clock isn't believed. `perMinute`: at most so many requests begin in one. */
export function wallClock(
  perMinute: number,
  signal: AbortSignal,
  time: Trusted = trusted(),
  pass = (ms: number): Promise<void> => sleep(ms, undefined, { signal }),
): Clock {
  const spacing = (60 * SECOND) / perMinute
  let free = 0
  return {
    isWall: true,
    now: time.now,
    async until(end, tell) {
      for (;;) {
        signal.throwIfAborted()
        const wall = time.look()
        const now = time.now()
        tell?.({ now, wall })
        if (wall === null && now >= end) return
        await pass(wall === null ? Math.min(end - now, LOOK_MS) : LOOK_MS)
      }
    },
    async pace() {
      const turn = Math.max(elapsed(), free)
      free = turn + spacing
      await wait(turn, elapsed, signal)
    },
    pause(seconds) {
      free = Math.max(free, elapsed() + seconds * SECOND)
    },
    rest: () => wait(elapsed() + REST_MS, elapsed, signal),
  }
}

export type Simulated = {
  /** ms. */
  start: number
  /** Simulated seconds in a second, at most; infinite: no pause at all. */
  speed: number
  /** Sets the clock of the hub; resolves when it stands there. Called again when the hub may have forgotten. */
  drive(time: number): Promise<void>
  signal: AbortSignal
}

/**
 * Stands while the source works, however long that takes, so that what a poll finds depends on the simulated time alone.
 * A delay is not made up for.
 */
export function simulatedClock({ start, speed, drive, signal }: Simulated): Clock {
  let time = start
  // The first step leads to where the log ends: only those after it take their time.
  let since = Number.NEGATIVE_INFINITY
  return {
    isWall: false,
    now: () => time,
    async until(next) {
      await wait(since + (next - time) / speed, elapsed, signal)
      since = elapsed()
      time = Math.max(time, next)
      await drive(time)
    },
    pace: async () => signal.throwIfAborted(),
    pause() {},
    async rest() {
      await sleep(REST_MS, undefined, { signal })
      await drive(time)
    },
  }
}
