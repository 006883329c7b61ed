/**
 * Expected activity of one series, causal: predicted from what came before, then updated. Mean = level x profile.
 * - The profile is the series' usual hour of the week: shrunk towards its hour of the day, and that towards flat, by
 *   the data behind each. One for all resolutions.
 * - The level is an exponentially weighted mean of counts over expected shape, at each resolution.
 * - The dispersion comes from weighted moments of what was counted against what was expected.
 * Bins that are masked are not passed in: they change nothing.
 */
import { BASE, DAY, HOUR, WEEK } from '../../common/time.ts'

const HOURS = WEEK / HOUR
const BINS_PER_HOUR = HOUR / BASE

/** At every turn of a week the past loses a quarter of its weight: a memory of about 3.5 weeks. */
const WEEKLY_DECAY = 0.75
/** Base bins of data that the coarser estimate counts for: 2 days for an hour of the day, 2 weeks for one of the week. */
const PRIOR_BINS = 2 * BINS_PER_HOUR
/** Events that it counts for beside: so that a few events in a quiet series are no profile. */
const PRIOR_EVENTS = 5
/** One bin teaches the profile at most 3 times what is usual there: a cascade is no habit. */
const USUAL_CAP = 3
/** The cap holds once the usual is known from this many base bins. */
const CAP_FROM = DAY / BASE

/** Hours are told apart from this many events on: most channels never have them, and are kept small. */
const HOURS_FROM = 20

export type Profile = {
  week: number
  /** Weighted events and base bins of each hour of the week, which begins on Thursday 00:00 UTC as the epoch does. */
  hours: { counts: Float64Array; bins: Float64Array } | null
  /** The same over all hours. */
  events: number
  total: number
}

export const createProfile = (): Profile => ({ week: -1, hours: null, events: 0, total: 0 })

/** Events that a base bin of the mean hour usually has; 0 without data. */
export const meanOf = (p: Profile): number => (p.total > 0 ? p.events / p.total : 0)

/** How active the hour that begins at or before `time` usually is, relative to the mean hour; 1 without data. */
function hourShape(p: Profile, time: number): number {
  if (!p.hours) return 1
  const { counts, bins } = p.hours
  const hour = Math.floor((time % WEEK) / HOUR)
  const mean = meanOf(p)
  let dayCounts = 0
  let dayBins = 0
  for (let h = hour % 24; h < HOURS; h += 24) {
    dayCounts += counts[h]!
    dayBins += bins[h]!
  }
  const daily =
    (dayCounts + PRIOR_BINS * mean + PRIOR_EVENTS) / (mean * (dayBins + PRIOR_BINS) + PRIOR_EVENTS)
  const base = mean * daily
  const weekly =
    (counts[hour]! + PRIOR_BINS * base + PRIOR_EVENTS) / (base * (bins[hour]! + PRIOR_BINS) + PRIOR_EVENTS)
  return daily * weekly
}

/** The profile over a bin of `seconds` that begins at `start`: base bins x relative activity. */
export function shape(p: Profile, start: number, seconds: number): number {
  const length = seconds * 1000
  if (length <= HOUR) return (hourShape(p, start) * length) / BASE
  let sum = 0
  for (let time = start; time < start + length; time += HOUR) sum += hourShape(p, time)
  return sum * BINS_PER_HOUR
}

/** Learns from `bins` covered base bins within the hour of `time` that hold `count` events together. */
export function learnProfile(p: Profile, time: number, count: number, bins = 1): void {
  const week = Math.floor(time / WEEK)
  if (p.week < 0) p.week = week
  if (week > p.week) {
    const decay = WEEKLY_DECAY ** (week - p.week)
    for (let h = 0; p.hours && h < HOURS; h++) {
      p.hours.counts[h]! *= decay
      p.hours.bins[h]! *= decay
    }
    p.events *= decay
    p.total *= decay
    p.week = week
  }
  let learned = count
  if (count > USUAL_CAP && p.total >= CAP_FROM) {
    const usual = meanOf(p) * hourShape(p, time) * bins
    learned = Math.min(count, USUAL_CAP * (usual + 1))
  }
  p.events += learned
  p.total += bins
  if (p.events >= HOURS_FROM) {
    p.hours ??= { counts: new Float64Array(HOURS), bins: new Float64Array(HOURS) }
  }
  if (!p.hours) return
  const hour = Math.floor((time % WEEK) / HOUR)
  p.hours.counts[hour]! += learned
  p.hours.bins[hour]! += bins
}

/**
 * Time constant of the level, in bins of its resolution: twice the window. A faster level takes out of the residuals
 * the very memory that is looked for (on simulated cascades 24 bins warned of half as many at equal false alarms).
 */
const LEVEL_BINS = 96
export const LEVEL_DECAY = 1 - 1 / LEVEL_BINS

/** Weighted events over weighted shape: their ratio is the level, events per base bin of a mean hour. */
export type Level = { events: number; shape: number }

export const createLevel = (): Level => ({ events: 0, shape: 0 })

/** Events expected in a bin of this shape; 0 without data. */
export const expected = (level: Level, shape: number): number =>
  level.shape > 0 ? (level.events / level.shape) * shape : 0

export function learnLevel(level: Level, count: number, shape: number): void {
  level.events = level.events * LEVEL_DECAY + count
  level.shape = level.shape * LEVEL_DECAY + shape
}

/** As `bins` empty bins of the mean hour at once would do; `mean` is the shape of one. */
export function decayLevel(level: Level, bins: number, mean: number): void {
  const decay = LEVEL_DECAY ** bins
  level.events *= decay
  level.shape = level.shape * decay + mean * ((1 - decay) / (1 - LEVEL_DECAY))
}

/**
 * What is usual for a series beside its mean, learned slowly from bins that have left the rolling window, so that the
 * window being judged is never its own baseline.
 *
 * The excess variance of counts is c mu + phi mu^2: self-exciting talk gives the first form (its Fano factor does
 * not depend on the rate), changing rates the second; both are fitted, and given as one dispersion at each level.
 */
export type Usual = {
  /** Weighted sums for the regression of u = ((y - mu)^2 - mu) / mu on (1, mu). */
  w: number
  m: number
  mm: number
  u: number
  mu: number
  /** Weighted sums of residuals: squares, and products with their successors. */
  n: number
  squares: number
  pairs: number
  products: number
  /**
   * Weighted number and squares of the sums of windows, each over the square root of its bins. The present window is
   * among them, as one of dozens.
   */
  windows: number
  sums: number
}

export const createUsual = (): Usual => ({
  w: 0,
  m: 0,
  mm: 0,
  u: 0,
  mu: 0,
  n: 0,
  squares: 0,
  pairs: 0,
  products: 0,
  windows: 0,
  sums: 0,
})

/** What stands for 48 bins of data before there are any: a little over-dispersed, a little memory. */
const PRIOR = { bins: 48, dispersion: 0.1, autocorrelation: 0.2 }
/** A bin further than 4 standard deviations from its mean counts as 4: one burst is not the usual. */
const OUTLIER = 4
/** Expected counts below it say nothing about dispersion. */
const LEAST_MEAN = 0.5

/** `next`: the residual of the bin after it, NaN when there is none. `memory`: time constant in bins. */
export function learnUsual(
  s: Usual,
  bin: { count: number; expected: number; residual: number; next: number },
  memory: number,
): void {
  const decay = 1 - 1 / memory
  if (bin.expected >= LEAST_MEAN) {
    const m = bin.expected
    const most = OUTLIER * OUTLIER * m * (1 + dispersion(s, m) * m)
    const u = (Math.min((bin.count - m) ** 2, most) - m) / m
    s.w = s.w * decay + 1
    s.m = s.m * decay + m
    s.mm = s.mm * decay + m * m
    s.u = s.u * decay + u
    s.mu = s.mu * decay + u * m
  }
  const x = Math.max(-OUTLIER, Math.min(OUTLIER, bin.residual))
  s.n = s.n * decay + 1
  s.squares = s.squares * decay + x * x
  if (!Number.isNaN(bin.next)) {
    s.pairs = s.pairs * decay + 1
    s.products = s.products * decay + x * Math.max(-OUTLIER, Math.min(OUTLIER, bin.next))
  }
}

/** phi with variance = mean + phi mean^2 at this mean, at least 0. */
export function dispersion(s: Usual, mean: number): number {
  const w = s.w + PRIOR.bins
  const m = s.m + PRIOR.bins * mean
  const mm = s.mm + PRIOR.bins * mean * mean
  const u = s.u + PRIOR.bins * PRIOR.dispersion * mean
  const mu = s.mu + PRIOR.bins * PRIOR.dispersion * mean * mean
  const determinant = w * mm - m * m
  // The mean hardly changes: one coefficient can't be told from the other, and need not be.
  if (determinant < 0.01 * w * mm) return Math.max(0, u / w / mean)
  const c = (u * mm - mu * m) / determinant
  const phi = (mu * w - u * m) / determinant
  if (phi < 0) return Math.max(0, u / w / mean)
  if (c < 0) return Math.max(0, mu / mm)
  return c / mean + phi
}

/** Mean square of the residuals: near 1. */
export const usualVariance = (s: Usual): number => (s.squares + PRIOR.bins) / (s.n + PRIOR.bins)

/** Lag-1 autocorrelation of the residuals over the long run. */
export const usualAutocorrelation = (s: Usual): number =>
  (s.products + PRIOR.bins * PRIOR.autocorrelation) / (s.pairs + PRIOR.bins) / usualVariance(s)

/** Windows overlap, so that a prior of few bins would be forgotten before the second one. */
const PRIOR_WINDOWS = { bins: 192, variance: 2 }

/** `excess`: residuals of a window summed, over the square root of their number; `memory` as in `learnUsual`. */
export function learnExcess(s: Usual, excess: number, memory: number): void {
  const decay = 1 - 1 / memory
  const most = OUTLIER * usualExcess(s)
  s.windows = s.windows * decay + 1
  s.sums = s.sums * decay + Math.min(Math.abs(excess), most) ** 2
}

/** Standard deviation of that over the long run: 1 for independent residuals, more for talk that answers itself. */
export const usualExcess = (s: Usual): number =>
  Math.sqrt((s.sums + PRIOR_WINDOWS.bins * PRIOR_WINDOWS.variance) / (s.windows + PRIOR_WINDOWS.bins))
