// @ts-check
/**
 * What is drawn, from what was answered: one slot per bin of the time shown. A bin that is not wholly covered has no
 * count here, only a reason, so that no chart can take it for a zero.
 * @typedef {import('../types.ts').Count} Count
 * @typedef {import('../types.ts').Signal} Signal
 * @typedef {{ from: number, to: number, seconds: number, starts: number[], x: number[],
 *   counts: (Count | undefined)[], signals: (Signal | undefined)[],
 *   count: (number | null)[], expected: (number | null)[], lower: (number | null)[], upper: (number | null)[],
 *   outside: (number | null)[], variance: (number | null)[], rawVariance: (number | null)[],
 *   autocorrelation: (number | null)[], rawAutocorrelation: (number | null)[], score: (number | null)[],
 *   gaps: { from: number, to: number }[], first: number | null, last: number,
 *   threshold: number | null }} Grid  `threshold`: of the score
 */

import { ruleOf } from '../../../schemas/measures.js'
import { thresholdIn } from '../format.js'

/** The network is whole when 90 % of its channels are (its detectors judge it from there on); a channel when all of it is. */
export const wholeFrom = (/** @type {string} */ channel) => (channel === '*' ? 0.9 : 1 - 1e-9)

/**
 * @param {{ from: number, to: number, first: number | null, resolution: number, whole: number, missed: (from: number, to: number) => boolean,
 *   counts: ReadonlyMap<number, Count>, signals: ReadonlyMap<number, Signal> }} input
 *   times in ms; `first`: the start of the series' first bin, null where that is not known; `missed`: whether a gap is known in a span; `from` and `to` are bin edges; `whole`: the covered share from which a count can be believed
 * @returns {Grid} `x` in s, at the middle of each bin; `gaps` in ms; `last`: the index of the newest
 *   bin that is not in progress, or -1
 */
export function makeGrid({ from, to, first, resolution, whole, missed, counts, signals }) {
  const step = resolution * 1000
  const starts = Array.from(
    { length: Math.max(0, Math.round((to - from) / step)) },
    (_, i) => from + i * step,
  )
  const found = starts.map((start) => counts.get(start))
  const judged = starts.map((start) => signals.get(start))
  const known = found.map((bin) => (bin?.covered ?? 0) >= whole)
  const begun = found.findIndex((bin) => bin)
  const decided = known.lastIndexOf(true)
  let last = found.findLastIndex((bin) => bin)
  // What is not whole at the end, and not known to be missed, may still become so.
  while (last > decided && !missed(starts[last], starts[last] + step)) last--

  const count = found.map((bin, i) => (bin && known[i] ? bin.count : null))
  const of = (/** @type {keyof Signal} */ field) =>
    judged.map((signal, i) => (signal && known[i] ? /** @type {number | null} */ (signal[field]) : null))
  const lower = of('lower')
  const upper = of('upper')

  /** @type {Grid['gaps']} */
  const gaps = []
  for (let i = Math.max(begun, 0); i <= last; i++) {
    if (known[i]) continue
    const open = gaps.at(-1)
    if (open && open.to === starts[i]) open.to += step
    else gaps.push({ from: starts[i], to: starts[i] + step })
  }

  return {
    from,
    to,
    seconds: resolution,
    starts,
    x: starts.map((start) => start / 1000 + resolution / 2),
    counts: found,
    signals: judged,
    count,
    expected: of('expected'),
    lower,
    upper,
    outside: count.map((n, i) => {
      const [low, high] = [lower[i], upper[i]]
      return n !== null && low !== null && high !== null && (n < low || n > high) ? n : null
    }),
    variance: of('variance'),
    rawVariance: of('rawVariance'),
    autocorrelation: of('autocorrelation'),
    rawAutocorrelation: of('rawAutocorrelation'),
    score: of('score'),
    gaps,
    first,
    last,
    threshold: thresholdIn(
      judged.findLast((signal) => signal && thresholdIn(signal.reason) !== null)?.reason ?? '',
    ),
  }
}

/** Where the newest bin that is decided ends, ms; null: none is. */
export const endOf = (/** @type {Grid} */ { starts, last, seconds }) =>
  last < 0 ? null : starts[last] + seconds * 1000

/** Points that no line would reach, because both neighbours are missing: they need a dot to be seen. */
export function lonely(/** @type {ArrayLike<number | null | undefined>} */ values) {
  /** @type {number[]} */
  const found = []
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i)
  }
  return found
}

/**
 * The first gap of a measure that touches [from, to).
 * @param {import('../types.ts').Gap[]} gaps @param {import('../../../schemas/measures.js').Measure} measure @param {number} from @param {number} to
 */
export function gapAt(gaps, measure, from, to) {
  const parts = ruleOf(measure).of
  return gaps.find(
    (gap) =>
      parts.some((part) => part === gap.measure) && Date.parse(gap.from) < to && Date.parse(gap.to) > from,
  )
}
