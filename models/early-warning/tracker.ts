/**
 * One series at one resolution: level, rolling window and what is usual, moved on bin by bin. Plain data, so that it
 * survives a checkpoint; a function of the bins seen and their order alone.
 */
import type { Resolution } from '../../common/time.ts'
import { createInputs, type Inputs, pushInputs } from '../cnn-lstm/inputs.ts'
import {
  createLevel,
  createUsual,
  dispersion,
  expected,
  type Level,
  learnExcess,
  learnLevel,
  learnUsual,
  type Usual,
  usualAutocorrelation,
  usualExcess,
  usualVariance,
} from './expected.ts'
import {
  createRolling,
  createTrend,
  kendallTau,
  pushRolling,
  pushTrend,
  type Rolling,
  rollingAutocorrelation,
  rollingVariance,
  type Trend,
} from './indicators.ts'
import { residual } from './residual.ts'

export type Window = {
  residuals: Rolling
  counts: Rolling
  /** Expected counts of the bins in the window, in the same positions. */
  expected: Float64Array
  variance: Trend
  autocorrelation: Trend
  /** What the CNN-LSTM sees, which looks back further than the window. */
  inputs: Inputs
  /** The last 4 windows of variances, where the classic rule is asked for. */
  history: Float64Array | null
}

export type Tracker = { level: Level; window: Window | null; usual: Usual | null }

/** What is known of a bin after it was observed; counts per bin. */
export type Reading = {
  count: number
  expected: number
  /** Events in such a bin over weeks, where `expected` follows the last hours. */
  usual: number
  dispersion: number
  residual: number | null
  variance: number | null
  autocorrelation: number | null
  rawVariance: number | null
  rawAutocorrelation: number | null
  varianceTrend: number | null
  autocorrelationTrend: number | null
  usualVariance: number
  usualAutocorrelation: number
  /** Standard deviation that sums of a window's residuals, over the square root of their number, usually have. */
  usualExcess: number
  /** How busy the window was as a whole: its residuals summed, in standard deviations of what such a sum usually is. */
  excess: number | null
  /** The profile over the bin; expected / shape is the level. */
  shape: number
  /** The variance in standard deviations above its own mean over the preceding 4 windows; the classic rule only. */
  surge: number | null
}

/**
 * What the window and what is usual are made with, in bins; the memory by the seconds of a bin. The CNN-LSTM was trained
 * on what comes of it, so that it is no setting.
 */
export const PREPROCESSING = {
  /** 4 hours of base bins, so that the window changes within the hours a cascade takes to build. */
  window: 48,
  /** Time constant of what is usual: a week, three weeks, eight weeks. */
  memory: { 300: 2016, 3600: 504, 21600: 224 } as Record<Resolution, number>,
}

/** A window is kept from this many expected events in a bin on. */
export const WARM = 1

/** Less than this expected in a bin says nothing about how it is distributed: its residual is missing. */
const LEAST_EXPECTED = 0.125

export const createTracker = (): Tracker => ({ level: createLevel(), window: null, usual: null })

export const createWindow = (length: number): Window => ({
  residuals: createRolling(length),
  counts: createRolling(length),
  expected: new Float64Array(length).fill(Number.NaN),
  variance: createTrend(length),
  autocorrelation: createTrend(length),
  inputs: createInputs(),
  history: null,
})

/** Windows that the classic rule compares the variance with. */
const HISTORY_WINDOWS = 4

/** Moves the window on by one bin; a NaN count is a masked bin. Returns its residual, NaN if it has none. */
export function pushWindow(w: Window, count: number, mean: number, phi: number): number {
  const x = Number.isNaN(count) || mean < LEAST_EXPECTED ? Number.NaN : residual(count, mean, phi)
  w.expected[w.residuals.pushed % w.expected.length] = mean
  pushRolling(w.residuals, x)
  pushRolling(w.counts, count)
  const missing = Number.isNaN(x)
  pushTrend(w.variance, missing ? null : rollingVariance(w.residuals))
  pushTrend(w.autocorrelation, missing ? null : rollingAutocorrelation(w.residuals))
  return x
}

/** Begins (anew) to keep a window of `length` bins; what was usual before still is. */
export function openWindow(t: Tracker, length: number, classic = false): void {
  t.window = createWindow(length)
  if (classic) t.window.history = new Float64Array(HISTORY_WINDOWS * length).fill(Number.NaN)
  t.usual ??= createUsual()
}

/** How many standard deviations `x` is above the mean of the history; null while that isn't full or has no spread. */
function surge(history: Float64Array, bins: number, x: number | null): number | null {
  // A window of bins gives its first variance, then the history has to fill.
  if (x === null || bins < history.length * (1 + 1 / HISTORY_WINDOWS)) return null
  let n = 0
  let sum = 0
  for (const value of history) {
    if (Number.isNaN(value)) continue
    n++
    sum += value
  }
  if (n < history.length / 2) return null
  const mean = sum / n
  let squares = 0
  for (const value of history) if (!Number.isNaN(value)) squares += (value - mean) ** 2
  const sd = Math.sqrt(squares / (n - 1))
  return sd > 0 ? (x - mean) / sd : null
}

/** Learns the bin that the next push will drive out of the window. */
function learnLeaving(w: Window, usual: Usual, memory: number): void {
  const { ring, pushed } = w.residuals
  const at = pushed % ring.length
  const leaving = ring[at]!
  if (Number.isNaN(leaving)) return
  const next = ring[(at + 1) % ring.length]!
  learnUsual(usual, { count: w.counts.ring[at]!, expected: w.expected[at]!, residual: leaving, next }, memory)
}

/** A bin to observe. */
export type TrackedBin = {
  /** Events; NaN where the bin is masked. */
  count: number
  /** The profile over the bin. */
  shape: number
  /** Events in such a bin over weeks. */
  usual: number
  /** Residual of the channel's share of replies in the bin; NaN where it is not known. */
  replies: number
}

/** Observes the next bin; `memory`: the time constant of what is usual, in bins. Null while no window is kept. */
export function observe(t: Tracker, bin: TrackedBin, memory: number): Reading | null {
  const { window, usual, level } = t
  const { count, shape } = bin
  const mean = expected(level, shape)
  if (!Number.isNaN(count)) learnLevel(level, count, shape)
  if (!window || !usual) return null
  learnLeaving(window, usual, memory)
  const phi = dispersion(usual, Math.max(mean, LEAST_EXPECTED))
  const x = pushWindow(window, count, mean, phi)
  pushInputs(window.inputs, { residual: x, expected: mean, usual: bin.usual, replies: bin.replies })
  const variance = rollingVariance(window.residuals)
  const { history } = window
  let sds: number | null = null
  if (history) {
    const { pushed } = window.residuals
    sds = surge(history, pushed, variance)
    history[pushed % history.length] = variance ?? Number.NaN
  }
  const { n, sum } = window.residuals
  const excess = variance === null ? null : sum / Math.sqrt(n)
  const excessSd = usualExcess(usual)
  if (excess !== null && !Number.isNaN(x)) learnExcess(usual, excess, memory)
  return {
    count,
    expected: mean,
    usual: bin.usual,
    dispersion: phi,
    residual: Number.isNaN(x) ? null : x,
    variance,
    autocorrelation: rollingAutocorrelation(window.residuals),
    rawVariance: rollingVariance(window.counts),
    rawAutocorrelation: rollingAutocorrelation(window.counts),
    varianceTrend: kendallTau(window.variance),
    autocorrelationTrend: kendallTau(window.autocorrelation),
    usualVariance: usualVariance(usual),
    usualAutocorrelation: usualAutocorrelation(usual),
    usualExcess: excessSd,
    excess: excess === null ? null : excess / excessSd,
    shape,
    surge: sds,
  }
}
