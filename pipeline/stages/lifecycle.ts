import { BASE, DAY } from '../../common/time.ts'

/** After this many covered bins in a row without an event a series goes idle. */
export const IDLE_BINS = DAY / BASE

/** Where a series stands: it writes bins from its first event until 24 covered hours without one, and again from the next. */
export type Line = {
  /** Start of the next bin; null before the first event. */
  next: number | null
  idle: boolean
  /** Covered bins without an event since the last event. */
  empty: number
}

export const newLine = (): Line => ({ next: null, idle: true, empty: 0 })

/**
 * Takes the bin at `start` as closed with `count` events, and says what is to be written: the bin (`bin`), the bin and
 * that the series is idle from its end (`last`), that the bin is unknown while idle (`unknown`), or nothing.
 */
export function close(
  line: Line,
  start: number,
  count: number,
  masked: boolean,
): 'bin' | 'last' | 'unknown' | null {
  if (line.idle && count === 0) {
    if (line.next === null) return null
    line.next = start + BASE
    return masked ? 'unknown' : null
  }
  line.idle = false
  line.next = start + BASE
  if (count > 0) line.empty = 0
  else if (!masked) line.empty++
  if (line.empty < IDLE_BINS) return 'bin'
  line.idle = true
  line.empty = 0
  return 'last'
}
