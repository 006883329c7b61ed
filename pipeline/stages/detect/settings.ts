import { createHash } from 'node:crypto'
import { BASE_SECONDS, type Resolution } from '../../../common/time.ts'
import type { Measure } from '../../../schemas/records.ts'

export type Preset = 'classic' | 'indicators'

/**
 * What decides, apart from the input: its hash stands in every signal and alert. Bins are those of each resolution.
 */
export const defaults = {
  /** Raised when the models compute anything differently. */
  model: 1,
  /** Bins of the rolling window: 4 hours of base bins, so that it changes within the hours a cascade takes to build. */
  window: 48,
  /** Time constant of what is usual, in bins: a week, three weeks, eight weeks. */
  memory: { 300: 2016, 3600: 504, 21600: 224 } satisfies Record<Resolution, number>,
  /** Eligible from this many expected events in a bin, until fewer than `leave`, and after these covered hours. */
  eligible: { enter: 3, leave: 2, hours: 24 },
  /**
   * Joint p below `p` in `bins` successive bins, in a window busier than expected by `excess` standard deviations of
   * what the series' windows usually are (talk that dies down shows the same signs); it ends after `exitBins` bins
   * above `exitP`. Replies, and what contains them, show self-excitation; posts and reactions are mostly driven from
   * outside, and windows of hours are slower than cascades: their thresholds are stricter.
   *
   * The budget is 0.05 false alarms per judged channel-day (one in which any 5-minute bin of the channel was judged),
   * over all measures and resolutions. On simulated networks with nothing planted, 18 days each after 3 of history:
   * 0.025 where this was tuned (seeds 300-305), 0.038 on others (310-315: 24 in 624), half of them by reactions. A
   * channel that is busy day and night and answers itself more has more: up to 0.17 at a branching ratio of 0.5, where
   * independent posts have 0.05. Of 19 cascades under way when simulations 1-17 go live it warns of 13 before they
   * break, in the median 2 hours ahead.
   */
  indicators: {
    p: { posts: 0.02, replies: 0.1, casts: 0.1, reactions: 0.02, participants: 0.1 } satisfies Record<
      Measure,
      number
    >,
    coarseP: 1e-3,
    excess: 1.75,
    bins: 3,
    exitP: 0.3,
    exitBins: 6,
  },
  /** The widely quoted rule; it ends after `exitBins` bins under both looser bounds. */
  classic: { sds: 2.5, autocorrelation: 0.7, exitSds: 1.5, exitAutocorrelation: 0.6, exitBins: 6 },
  /** A chance below `p` of so few events in a bin; it ends after `exitBins` bins of chance over `exitP`. */
  collapse: { p: 1e-4, exitP: 1e-2, exitBins: 3, longestHours: 24 },
  /** After an episode none of its kind opens in the channel for this long, in event time. */
  cooldownHours: 6,
  /** Evidence that could not be judged for this long no longer holds an episode open. */
  coverageLostHours: 24,
}
export type Settings = typeof defaults & { preset: Preset }

/** The threshold of the joint p-value for a series at a resolution. */
export const thresholdOf = ({ indicators }: Settings, measure: Measure, seconds: number): number =>
  seconds === BASE_SECONDS ? indicators.p[measure] : Math.min(indicators.coarseP, indicators.p[measure])

export const settingsHash = (settings: Settings): string =>
  createHash('sha256')
    .update(JSON.stringify(canonical(settings)))
    .digest('hex')
    .slice(0, 8)

/** The same value with the keys of objects in order. */
function canonical(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, canonical(inner)])
}
