/**
 * Rolling indicators as `ewstools` computes them, one value at a time. A missing value (NaN: a masked bin) is skipped:
 * it is no zero, and the values on both its sides are no pair.
 *
 * Sums are updated in O(1) and never drift, because every value pushed is a multiple of 2^-16 (counts are integers,
 * residuals are rounded so): as long as |x| < 2^7 (2^20 for integers) all sums are exact.
 */
export type Rolling = {
  /** The last values by position modulo the window; NaN where missing. */
  ring: Float64Array
  pushed: number
  n: number
  sum: number
  squares: number
  pairs: number
  /** Of the pairs (a, b) = (x[t-1], x[t]). */
  sumA: number
  sumB: number
  squaresA: number
  squaresB: number
  products: number
}

export const createRolling = (window: number): Rolling => ({
  ring: new Float64Array(window).fill(Number.NaN),
  pushed: 0,
  n: 0,
  sum: 0,
  squares: 0,
  pairs: 0,
  sumA: 0,
  sumB: 0,
  squaresA: 0,
  squaresB: 0,
  products: 0,
})

export function pushRolling(r: Rolling, x: number): void {
  const window = r.ring.length
  const at = r.pushed % window
  const oldest = r.ring[at]!
  if (!Number.isNaN(oldest)) {
    r.n--
    r.sum -= oldest
    r.squares -= oldest * oldest
    pair(r, oldest, r.ring[(at + 1) % window]!, -1)
  }
  const previous = r.ring[(at + window - 1) % window]!
  r.ring[at] = x
  r.pushed++
  if (Number.isNaN(x)) return
  r.n++
  r.sum += x
  r.squares += x * x
  pair(r, previous, x, 1)
}

function pair(r: Rolling, a: number, b: number, sign: number): void {
  if (Number.isNaN(a) || Number.isNaN(b)) return
  r.pairs += sign
  r.sumA += sign * a
  r.sumB += sign * b
  r.squaresA += sign * a * a
  r.squaresB += sign * b * b
  r.products += sign * a * b
}

/** An indicator is given when the window was filled once and at least half of it is there. */
const enough = (r: Rolling, n: number): boolean => r.pushed >= r.ring.length && n >= r.ring.length / 2

/** Sample variance (n - 1) of the window; null while there is too little in it. */
export const rollingVariance = (r: Rolling): number | null =>
  enough(r, r.n) ? Math.max(0, (r.n * r.squares - r.sum * r.sum) / (r.n * (r.n - 1))) : null

/** Pearson correlation of the pairs (x[t-1], x[t]) inside the window; null when undefined or too few. */
export function rollingAutocorrelation(r: Rolling): number | null {
  if (!enough(r, r.pairs)) return null
  const a = r.pairs * r.squaresA - r.sumA * r.sumA
  const b = r.pairs * r.squaresB - r.sumB * r.sumB
  if (a <= 0 || b <= 0) return null
  const correlation = (r.pairs * r.products - r.sumA * r.sumB) / Math.sqrt(a * b)
  return Math.max(-1, Math.min(1, correlation))
}

/** Kendall's tau-b of the last values against time. Concordance is kept as integers, O(window) per value. */
export type Trend = { ring: Float64Array; pushed: number; n: number; concordance: number; ties: number }

export const createTrend = (window: number): Trend => ({
  ring: new Float64Array(window).fill(Number.NaN),
  pushed: 0,
  n: 0,
  concordance: 0,
  ties: 0,
})

export function pushTrend(t: Trend, x: number | null): void {
  const { ring } = t
  const at = t.pushed % ring.length
  const oldest = ring[at]!
  ring[at] = Number.NaN
  t.pushed++
  if (!Number.isNaN(oldest)) {
    t.n--
    compare(t, oldest, -1)
  }
  if (x === null) return
  compare(t, x, 1)
  ring[at] = x
  t.n++
}

/** Adds (sign 1) the newest value's comparisons with all others, or takes (sign -1) the oldest's away. */
function compare(t: Trend, x: number, sign: 1 | -1): void {
  const { ring } = t
  let above = 0
  let below = 0
  for (let i = 0; i < ring.length; i++) {
    const other = ring[i]!
    // Without branches, which are unpredictable here: twice as fast.
    below += Number(other < x)
    above += Number(other > x)
  }
  // The newest adds its pairs with lower values as concordant; the oldest takes those with higher ones away.
  t.concordance += below - above
  t.ties += sign * (t.n - below - above)
}

/** Tau-b in [-1, 1]; null while fewer than half of the values are there, or all are equal. */
export function kendallTau(t: Trend): number | null {
  if (t.pushed < t.ring.length || t.n < t.ring.length / 2) return null
  const all = (t.n * (t.n - 1)) / 2
  return all > t.ties ? t.concordance / Math.sqrt(all * (all - t.ties)) : null
}
