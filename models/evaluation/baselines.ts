/**
 * What others warn by, each as good as it can be made: causal, from the same bins that the network sees, and where
 * that helps held against what is usual for the series. Higher means likelier to tip; NaN where it can't be said.
 */
import { createTrend, kendallTau, pushTrend, type Trend } from '../early-warning/indicators.ts'
import { PREPROCESSING, type Reading } from '../early-warning/tracker.ts'

/**
 * Of a covered bin; `replies` and `casts`: of its channel, and the residual of their share as the network is given it.
 * NaN where not known.
 */
export type Bin = { reading: Reading; replies: number; casts: number; shareResidual: number }

export const BASELINES = [
  'last value',
  'last value over usual',
  'rolling mean',
  'rolling mean over usual',
  'variance',
  'variance, residuals',
  'variance trend',
  'variance trend, residuals',
  'autocorrelation',
  'autocorrelation, residuals',
  'autocorrelation trend',
  'CUSUM',
  'branching ratio (Fano)',
  'branching ratio (INAR)',
  'rise of branching ratio',
] as const
/** Exist only where the source tells which casts are replies. */
export const REPLY_BASELINES = [
  'share of replies',
  'share of replies over usual',
  'share of replies, residuals',
] as const

export type Baseline = (typeof BASELINES)[number] | (typeof REPLY_BASELINES)[number]

/** Bins: of rolling means, of the branching ratio's window, and of what that is held against. */
const SHORT = 12
const LONG = 96
const PAST = 288
const SHARE = 24

/** Events that count for a quiet bin when it is divided by. */
const LEAST = 0.5
/** Half of the shift, in standard deviations, that CUSUM is to find soonest (Page 1954). */
const SLACK = 0.5

export type History = { bins: Bin[]; cusum: number; rawTrend: Trend }

export const createHistory = (): History => ({
  bins: [],
  cusum: 0,
  rawTrend: createTrend(PREPROCESSING.window),
})

/** The next covered bin. */
export function push(history: History, bin: Bin): void {
  const { residual, rawVariance } = bin.reading
  history.bins.push(bin)
  if (history.bins.length > LONG + PAST) history.bins.shift()
  history.cusum = Math.max(0, history.cusum + (residual ?? 0) - SLACK)
  pushTrend(history.rawTrend, rawVariance)
}

/** All of them at the last bin that was pushed. */
export function baselinesAt({ bins, cusum, rawTrend }: History): Record<Baseline, number> {
  const last = bins.at(-1)!.reading
  const short = bins.slice(-SHORT)
  const long = bins.slice(-LONG)
  const counts = (of: Bin[]): number => sum(of, ({ reading }) => reading.count)
  const usual = (of: Bin[]): number => sum(of, ({ reading }) => reading.usual)
  const ratio = inar(long)
  const shareBins = bins.slice(-SHARE).filter(({ casts }) => !Number.isNaN(casts))
  const pastBins = bins.slice(0, -SHARE).filter(({ casts }) => !Number.isNaN(casts))
  const share = shareOf(shareBins)
  return {
    'last value': last.count,
    'last value over usual': (last.count + LEAST) / (last.usual + LEAST),
    'rolling mean': counts(short) / short.length,
    'rolling mean over usual': (counts(short) + LEAST) / (usual(short) + LEAST),
    variance: last.rawVariance ?? Number.NaN,
    'variance, residuals': last.variance ?? Number.NaN,
    'variance trend': kendallTau(rawTrend) ?? Number.NaN,
    'variance trend, residuals': last.varianceTrend ?? Number.NaN,
    autocorrelation: last.rawAutocorrelation ?? Number.NaN,
    'autocorrelation, residuals': last.autocorrelation ?? Number.NaN,
    'autocorrelation trend': last.autocorrelationTrend ?? Number.NaN,
    CUSUM: cusum,
    'branching ratio (Fano)': fanoRatio(long),
    'branching ratio (INAR)': ratio,
    'rise of branching ratio': ratio - inar(bins.slice(0, -LONG)),
    'share of replies': share,
    'share of replies over usual': share - shareOf(pastBins),
    'share of replies, residuals': stouffer(bins),
  }
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((total, value) => total + of(value), 0)

const shareOf = (bins: readonly Bin[]): number => {
  const casts = sum(bins, (b) => b.casts)
  return casts > 0 ? sum(bins, (b) => b.replies) / casts : Number.NaN
}

/** The last SHORT known residuals of the share of replies as one (Stouffer's sum): about N(0, 1) where nothing happens. */
function stouffer(bins: readonly Bin[]): number {
  let total = 0
  let n = 0
  for (let i = bins.length - 1; i >= 0 && n < SHORT; i--) {
    const { shareResidual } = bins[i]!
    if (Number.isNaN(shareResidual)) continue
    total += shareResidual
    n++
  }
  return n > 0 ? total / Math.sqrt(n) : Number.NaN
}

/** Bins that are taken together: most answers come within them. */
const BLOCK = 6

/**
 * 1 - 1 / sqrt(F), F the variance over the mean of counts in blocks long against the delays (Hardiman & Bouchaud 2014,
 * eq. 7), about the level.
 */
export function fanoRatio(bins: readonly Bin[]): number {
  let squares = 0
  let means = 0
  let count = 0
  let mean = 0
  for (const [i, { reading }] of bins.entries()) {
    count += reading.count
    mean += reading.expected
    if (i >= BLOCK) {
      const { reading: left } = bins[i - BLOCK]!
      count -= left.count
      mean -= left.expected
    }
    if (i < BLOCK - 1) continue
    squares += (count - mean) ** 2
    means += mean
  }
  return means > 0 && squares > 0 ? 1 - Math.sqrt(means / squares) : Number.NaN
}

const LAGS = 6

/**
 * The sum of the coefficients when what is above the level is regressed on its last values, by weighted least squares:
 * the branching ratio of an INAR process, which a Hawkes process in bins is about (Kirchner 2016).
 */
export function inar(bins: readonly Bin[]): number {
  if (bins.length < 4 * LAGS) return Number.NaN
  const above = bins.map(({ reading }) => reading.count - reading.expected)
  const matrix = Array.from({ length: LAGS }, () => new Float64Array(LAGS + 1))
  let scale = 0
  for (let t = LAGS; t < bins.length; t++) {
    const weight = 1 / (bins[t]!.reading.expected + LEAST)
    for (let i = 0; i < LAGS; i++) {
      const row = matrix[i]!
      const x = weight * above[t - 1 - i]!
      for (let j = 0; j < LAGS; j++) row[j]! += x * above[t - 1 - j]!
      row[LAGS]! += x * above[t]!
      scale += x * above[t - 1 - i]!
    }
  }
  if (!(scale > 0)) return Number.NaN
  // A little of a ridge: a flat stretch has no inverse.
  for (let i = 0; i < LAGS; i++) matrix[i]![i]! += (1e-3 * scale) / LAGS
  const solved = solve(matrix)
  return solved.reduce((total, x) => total + x, 0)
}

/** Of a positive definite system, its right side the last column, by elimination; changes it. */
function solve(matrix: Float64Array[]): number[] {
  const n = matrix.length
  for (let i = 0; i < n; i++) {
    for (let k = i + 1; k < n; k++) {
      const factor = matrix[k]![i]! / matrix[i]![i]!
      for (let j = i; j <= n; j++) matrix[k]![j]! -= factor * matrix[i]![j]!
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--) {
    let rest = matrix[i]![n]!
    for (let j = i + 1; j < n; j++) rest -= matrix[i]![j]! * x[j]!
    x[i] = rest / matrix[i]![i]!
  }
  return x
}
