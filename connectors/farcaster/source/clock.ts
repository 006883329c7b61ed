/** The source's clock: the wall's, or a simulated one that the source itself moves from round to round. */
import { setTimeout as sleep } from 'node:timers/promises'
import { HOUR, SECOND } from '../../../common/time.ts'

export interface Clock {
  /** It goes by itself: where it stands before what it has dated, it was set back. */
  readonly isWall: boolean
  /** ms. */
  now(): number
  /** Resolves when it is `time`, or at once when it was. Rejects when the source is stopped. */
  until(time: number): Promise<void>
  /** To be awaited before every request; spreads requests evenly. */
  pace(): Promise<void>
  /** The server asks for a pause of so many seconds. */
  pause(seconds: number): void
  /** Waits a moment before a question is asked again that nobody answered. */
  rest(): Promise<void>
}

const REST_MS = 250
const LONGEST_SLEEP = HOUR

/** ms, whatever the wall clock is set to. */
const elapsed = () => performance.now()

async function wait(until: number, now: () => number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  // Again and again: the clock may be set, and a timer has its longest.
  for (let left = until - now(); left > 0; left = until - now())
    await sleep(Math.min(left, LONGEST_SLEEP), undefined, { signal })
}

/** `perMinute`: at most so many requests begin in a minute. */
export function wallClock(perMinute: number, signal: AbortSignal): Clock {
  const spacing = (60 * SECOND) / perMinute
  let free = 0
  return {
    isWall: true,
    now: Date.now,
    until: (time) => wait(time, Date.now, signal),
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
