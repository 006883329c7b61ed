import { createHash } from 'node:crypto'
import type { Resolution } from '../../../common/time.ts'
import { PREPROCESSING } from '../../../models/early-warning/tracker.ts'
import type { Measure } from '../../../schemas/records.ts'
import type { SurgeResolution } from './surge.ts'

export const PRESETS = ['calibrated', 'classic'] as const
export type Preset = (typeof PRESETS)[number]

/** What decides, apart from the input and the weights: its hash stands in every signal and alert. Bins are those of each resolution. */
export const defaults = {
  /** Raised when the models compute anything differently. */
  model: 2,
  /** Eligible from this many expected events in a bin, until fewer than `leave`, and after these covered hours. */
  eligible: { enter: 3, leave: 2, hours: 24 },
  /** Seconds of the shortest bin that is judged. Reactions are mostly driven from outside: by 5 minutes they alarm, and warn of nothing. */
  finest: { posts: 300, replies: 300, casts: 300, reactions: 3600, participants: 300 } satisfies Record<
    Measure,
    number
  >,
  /**
   * The budget is 0.05 false early warnings per judged channel-day (one in which any 5-minute bin of the channel was
   * judged), over all measures and resolutions. Chosen on simulated networks 1 to 8, where it spends 0.025 and warns of 32
   * of the 42 cascades in channels large enough to be judged; docs/decisions/0009 has the figures on others.
   */
  calibrated: {
    /** The least score that opens, by the seconds of a bin. Longer bins are slower than cascades, and not trusted as much. */
    score: { 300: 0.6, 3600: 0.8, 21600: 0.9 } satisfies Record<Resolution, number>,
    /** The indicators must not speak against it: joint p below it, in a window busier than expected. */
    p: 0.7,
    excess: 0,
    /** Successive bins that must meet it. */
    bins: 2,
    /** It ends after `exitBins` bins with a lower score. */
    exitScore: 0.3,
    exitBins: 6,
    /** Severity by the greatest score. */
    medium: 0.8,
    high: 0.95,
  },
  /** The widely quoted rule; it ends after `exitBins` bins under both looser bounds. */
  classic: { sds: 2.5, autocorrelation: 0.7, exitSds: 1.5, exitAutocorrelation: 0.6, exitBins: 6 },
  /** A chance below `p` of so few events in a bin; it ends after `exitBins` bins of chance over `exitP`. */
  collapse: { p: 1e-4, exitP: 1e-2, exitBins: 3, longestHours: 24 },
  /**
   * A surge: a chance below `p` of so many events in the whole bin, at least `least` and `factor` times the expected
   * (which is at least `leastExpected`); after `hours` covered. By the hour, variance is at least `hour` x `excess` times
   * the mean above it; by 5 minutes `excess` times. It ends after `exitBins` bins with a chance above `exitP`, or that
   * begin `longestHours` after it did. Where nothing is planted, 0.024 a channel-day came.
   */
  onset: {
    p: { 300: 5e-4, 3600: 1e-4 } satisfies Record<SurgeResolution, number>,
    excess: { posts: 0.3, replies: 1.5, casts: 1, reactions: 2, participants: 0.7 } satisfies Record<
      Measure,
      number
    >,
    hour: 2,
    least: 8,
    factor: 3,
    leastExpected: 0.1,
    hours: 24,
    exitP: 0.01,
    exitBins: 3,
    longestHours: 24,
  },
  /** After an episode none of its kind opens in the channel for this long, in event time. */
  cooldownHours: 6,
  /** Evidence that could not be judged for this long no longer holds an episode open. */
  coverageLostHours: 24,
}
export type Settings = typeof defaults & { preset: Preset }

/** Of the settings and the weights, 8 hex digits. */
export const settingsHash = (settings: Settings, model: string): string =>
  createHash('sha256')
    .update(JSON.stringify(canonical({ ...settings, ...PREPROCESSING, weights: model })))
    .digest('hex')
    .slice(0, 8)

/** The same value with the keys of objects in order. */
function canonical(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, canonical(inner)])
}
