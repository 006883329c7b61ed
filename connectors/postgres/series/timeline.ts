/**
 * How a series' bins become rows. Most bins of most series are empty, so successive bins that are the same are one
 * row. Pure: the caller holds the state and writes the rows, both in one transaction.
 */

/** Times in bins (ms / base bin). The bins [tail, next) are all of (count, covered, masked) and not yet rows. */
export type Timeline = {
  /** Begin of the bin to come; null before the first. A bin before it was applied already. */
  next: number | null
  /** Since `next`: zeros over covered time, until the next bin. */
  idle: boolean
  tail: number | null
  count: number
  covered: number
  masked: boolean
  /** The first bin, and the last one with events. */
  first: number | null
  lastEvent: number | null
  total: number
}

/** `n` equal bins from `bin` on. `idle`: they were never written as bins, an Idle record stands for them. */
export type BinRun = {
  bin: number
  n: number
  count: number
  covered: number
  masked: boolean
  idle: boolean
}

export const newTimeline = (): Timeline => ({
  next: null,
  idle: false,
  tail: null,
  count: 0,
  covered: 0,
  masked: false,
  first: null,
  lastEvent: null,
  total: 0,
})

type Bin = { count: number; covered: number; masked: boolean }

/** Applies the closed bin that begins at `bin`; returns whether it was new. Rows that are finished go to `rows`. */
export function addBin(line: Timeline, bin: number, value: Bin, rows: BinRun[]): boolean {
  if (line.next !== null && bin < line.next) return false
  const same =
    line.count === value.count &&
    line.covered === value.covered &&
    line.masked === value.masked &&
    line.tail !== null
  if (bin !== line.next || !same) {
    putAway(line, rows)
    // Time that neither bins nor an Idle record speak of isn't covered: it gets no row.
    if (line.idle && bin > line.next!) rows.push(idleRun(line.next!, bin))
    line.tail = bin
    line.count = value.count
    line.covered = value.covered
    line.masked = value.masked
  }
  line.idle = false
  line.next = bin + 1
  line.first ??= bin
  line.total += value.count
  if (value.count > 0) line.lastEvent = bin
  return true
}

/** Applies an Idle record: from `bin` on the series is silent. Returns whether it was new. */
export function addIdle(line: Timeline, bin: number, rows: BinRun[]): boolean {
  if (line.next !== null && (bin < line.next || line.idle)) return false
  if (bin !== line.next) {
    putAway(line, rows)
    line.next = bin
    line.first ??= bin
  }
  line.idle = true
  return true
}

export const idleRun = (bin: number, end: number): BinRun => ({
  bin,
  n: end - bin,
  count: 0,
  covered: 1,
  masked: false,
  idle: true,
})

function putAway(line: Timeline, rows: BinRun[]): void {
  if (line.tail === null) return
  const { tail, count, covered, masked } = line
  rows.push({ bin: tail, n: line.next! - tail, count, covered, masked, idle: false })
  line.tail = null
}
