/** The source's clock: the wall's, or a simulated one that the source itself moves from round to round. */
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

/** `now`: what is believed; `wall`: what the machine says, where that has jumped and isn't believed yet. ms */
export type ClockState = { now: number; wall: number | null }

const REST_MS = 250
const LONGEST_SLEEP = HOUR
/** So often it is looked at. */
const LOOK_MS = 10 * SECOND
/** Clocks are corrected by so much, and nobody need know. */
export const CORRECTION = MINUTE
/** A clock that has jumped is believed once it has gone on evenly for so long: the machine had slept, or was set right. */
export const DOUBT = 5 * MINUTE

/** ms, whatever the wall clock is set to. */
const elapsed = () => performance.now()

async function wait(until: number, now: () => number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  // Again and again: a timer has its longest.
  for (let left = until - now(); left > 0; left = until - now())
    await sleep(Math.min(left, LONGEST_SLEEP), undefined, { signal })
}

/** What a wall clock is made from; tests have their own. ms */
export type Machine = {
  wall(): number
  /** Goes on evenly, whatever the wall clock is set to. */
  elapsed(): number
  sleep(ms: number): Promise<void>
}

/**
 * The machine's clock, checked against the time that goes by: where it jumps by more than a minute it is not believed, and no
 * wait ends, until it has jumped back or has gone on for five minutes. Between waits it goes on evenly. So what is dated by a
 * clock that was wrong for a moment is nothing. `perMinute`: at most so many requests begin in a minute.
 */
export function wallClock(
  perMinute: number,
  signal: AbortSignal,
  machine: Machine = { wall: Date.now, elapsed, sleep: (ms) => sleep(ms, undefined, { signal }) },
): Clock {
  const spacing = (60 * SECOND) / perMinute
  let free = 0
  /** What is believed: at `elapsed` it was `wall`. */
  let known = { wall: machine.wall(), elapsed: machine.elapsed() }
  /** The same of a clock that has jumped. */
  let jumped: typeof known | null = null
  const since = (then: typeof known) => then.wall + machine.elapsed() - then.elapsed

  /** What the machine says, where that isn't believed. */
  function look(): number | null {
    const read = { wall: machine.wall(), elapsed: machine.elapsed() }
    const isNear = (then: typeof known) => Math.abs(read.wall - since(then)) <= CORRECTION
    const isSettled = jumped !== null && isNear(jumped) && read.elapsed - jumped.elapsed >= DOUBT
    if (isNear(known) || isSettled) {
      known = read
      jumped = null
      return null
    }
    if (!jumped || !isNear(jumped)) jumped = read
    return read.wall
  }

  return {
    isWall: true,
    now: () => since(known),
    async until(time, tell) {
      for (;;) {
        signal.throwIfAborted()
        const wall = look()
        const now = since(known)
        tell?.({ now, wall })
        if (wall === null && now >= time) return
        await machine.sleep(wall === null ? Math.min(time - now, LOOK_MS) : LOOK_MS)
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
