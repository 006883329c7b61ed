/** Sums a series' base bins to the bins of a resolution. Pure and streaming: rows in, rows out, in order of time. */
import { BASE, BASE_SECONDS, ceilTo } from '../../../common/time.ts'
import type { Span } from '../database/questions.ts'
import type { CountRow } from './series.ts'

/** `n` equal base bins from `bin` on (ms / base bin), as in the view `bins`. */
export type BinRow = { bin: number; n: number; count: number; covered: number; idle: boolean }

export type SummingOptions = {
  series: string
  resolution: number
  /** Of the starts of the bins that are wanted, and of the data: [from, to) in base bins. */
  from: number
  to: number
  /** Also bins that were never written because the series was idle. */
  fill: boolean
  /** Tallies of late arrivals, by start. */
  late: readonly { start: number; count: number }[]
  /** Spans (ms) inside idle time that are not zeros, by begin. */
  unknown: readonly { from: number; to: number }[]
}

/** The base bins of those bins of a resolution that begin in `span` and before `end`, in base bins. */
export function binRange(span: Span, resolution: number, end: number): { from: number; to: number } {
  const length = resolution * 1000
  const edge = (time: number) => ceilTo(time, length) / BASE
  const clamp = (bin: number) => Math.max(0, Math.min(end, bin))
  return {
    from: span.from === undefined ? 0 : clamp(edge(span.from)),
    to: span.to === undefined ? end : clamp(edge(span.to)),
  }
}

export interface Summing {
  /** Takes base bins, later than those before, and yields the bins that are thereby finished. */
  add(row: BinRow): Iterable<CountRow>
  /** Yields what is left. */
  end(): Iterable<CountRow>
}

/**
 * A bin is listed when one of its base bins was written or had late arrivals, or with `fill`. Its `covered` is the
 * covered share of its whole length, 0-1, to six digits: time before the first bin, or after the last, isn't covered.
 */
export function createSumming(options: SummingOptions): Summing {
  const { series, resolution, fill, late, unknown } = options
  const size = resolution / BASE_SECONDS
  let position = options.from
  /** The bin that is being summed: its first base bin, or none. */
  let open: number | undefined
  let count = 0
  let covered = 0
  let listed = false
  let nextLate = late.findIndex(({ start }) => start >= options.from * BASE)
  if (nextLate < 0) nextLate = late.length
  let firstUnknown = 0

  const lateBin = (): number =>
    nextLate < late.length ? Math.floor(late[nextLate]!.start / BASE / size) * size : Number.POSITIVE_INFINITY

  function begin(bin: number): void {
    open = bin
    count = covered = 0
    listed = false
  }

  function* finish(): Iterable<CountRow> {
    if (open === undefined) return
    let tally = 0
    while (lateBin() === open) tally += late[nextLate++]!.count
    const bin = open
    open = undefined
    if (!listed && !fill && tally === 0) return
    yield {
      series,
      start: bin * BASE,
      seconds: resolution,
      count,
      late: tally,
      covered: Math.round((covered / size) * 1e6) / 1e6,
    }
  }

  /** Makes the bin that holds base bin `at` the open one, listing on the way those that only have late arrivals. */
  function* moveTo(at: number): Iterable<CountRow> {
    const bin = Math.floor(at / size) * size
    if (open === bin) return
    yield* finish()
    while (lateBin() < bin) {
      begin(lateBin())
      yield* finish()
    }
    begin(bin)
  }

  /** Base bins' worth of [from, to) that is unknown. Called with rising spans. */
  function unknownIn(from: number, to: number): number {
    while (firstUnknown < unknown.length && unknown[firstUnknown]!.to <= from * BASE) firstUnknown++
    let sum = 0
    let reached = from * BASE
    for (let i = firstUnknown; i < unknown.length && unknown[i]!.from < to * BASE; i++) {
      const begin = Math.max(unknown[i]!.from, reached)
      const end = Math.min(unknown[i]!.to, to * BASE)
      if (end > begin) {
        sum += end - begin
        reached = end
      }
    }
    return sum / BASE
  }

  return {
    *add(row) {
      const last = Math.min(row.bin + row.n, options.to)
      let at = Math.max(row.bin, position)
      position = Math.max(position, last)
      while (at < last) {
        yield* moveTo(at)
        const end = Math.min(open! + size, last)
        count += row.count * (end - at)
        covered += row.covered * (end - at) - (row.idle ? unknownIn(at, end) : 0)
        if (!row.idle) listed = true
        at = end
        // Idle bins that won't be listed are passed over: years of them may lie between two casts.
        if (row.idle && !fill && at < last) {
          const skip = Math.min(Math.floor(last / size) * size, lateBin())
          at = Math.max(at, skip)
        }
      }
    },
    *end() {
      yield* finish()
      while (lateBin() < options.to) {
        begin(lateBin())
        yield* finish()
      }
    },
  }
}
