/** When a cast is polled for its replies and reactions, and what has therefore been seen (DESIGN, rules 1, 2). Ages in ms. */
import { DAY, HOUR, LATENESS, MINUTE } from '../../../common/time.ts'

/** What is signed under a cast while it is at most this old is watched. */
export const WATCHED = DAY

/** The last poll comes L after the watch ends, so that it also finds what arrived late. */
const LAST = WATCHED + LATENESS

/** The ages at which a cast is polled: 5, 10, 20 and 40 minutes, every full hour, and once more at the end. */
export const AGES: readonly number[] = [
  ...[5, 10, 20, 40].map((minutes) => minutes * MINUTE),
  ...Array.from({ length: WATCHED / HOUR }, (_, i) => (i + 1) * HOUR),
  LAST,
]

/** No poll waits longer for the next one. */
export const LONGEST_WAIT = HOUR

/** When the last poll that was due at `now` was due, for a cast signed at `time`; null before the first. */
export function lastDue(time: number, now: number): number | null {
  // Asked of every cast in every round: a loop takes a tenth of the time of `findLast`.
  for (let i = AGES.length - 1; i >= 0; i--) if (AGES[i]! <= now - time) return time + AGES[i]!
  return null
}

/** Whether a poll falls due after `after`, at `now` at the latest. */
export const isDue = (time: number, after: number, now: number): boolean =>
  (lastDue(time, now) ?? Number.NEGATIVE_INFINITY) > after

/**
 * Up to here all under the cast has been seen, once every poll that was due at `now` has been made; infinite when it is
 * no longer watched. A cast too young to be polled restricts nothing: what is under it is younger than `now` - L.
 */
export function seenTo(time: number, now: number): number {
  if (now - time >= LAST) return Number.POSITIVE_INFINITY
  const due = lastDue(time, now)
  return due === null ? Number.POSITIVE_INFINITY : due - LATENESS
}
