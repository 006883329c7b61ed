/**
 * What an open bin already holds is more than is to be expected of the whole. The open 5 minutes are judged at milestones,
 * the open hour then too and whenever 5 minutes close; so at once, in every series whatever its size. What has set in is
 * followed by closed bins until it is over.
 */
import { BASE, BASE_SECONDS, HOUR } from '../../../../common/time.ts'
import {
  createLevel,
  decayLevel,
  dispersion,
  expected,
  meanOf,
  shape,
} from '../../../../models/early-warning/expected.ts'
import { sf } from '../../../../models/early-warning/negative-binomial.ts'
import { byMeasure } from '../../../../schemas/measures.js'
import { coveredSince, type Scale, type Series } from '../series.ts'
import { type Bin, chance, type Detector, number } from './detector.ts'

/** Seconds of the bins that are judged while open. Longer ones are not at once. */
type OpenResolution = 300 | 3600

const settings = {
  /**
   * A chance below `p` of so many events in the whole bin, at least `least` and `factor` times the expected (which is at
   * least `leastExpected`); after `hours` covered. By the hour, variance is at least `hour` x `excess` times the mean above
   * it; by 5 minutes `excess` times. It ends after `exitBins` bins with a chance above `exitP`, or that begin
   * `longestHours` after it did. Where nothing is planted, 0.024 a channel-day came.
   */
  onset: {
    p: { 300: 5e-4, 3600: 1e-4 } satisfies Record<OpenResolution, number>,
    excess: byMeasure((rule) => rule.excess),
    hour: 2,
    least: 8,
    factor: 3,
    leastExpected: 0.1,
    hours: 24,
    exitP: 0.01,
    exitBins: 3,
    longestHours: 24,
  },
}
type Own = typeof settings

/** Kept of a scale: events in a base bin of the mean hour when it set in, at `since`, which later bins are held against. */
type SetIn = { level: number; since: number; calm: number }

/** What was seen in a bin, so far or in all, and the chance of at least so much. */
type Found = {
  count: number
  expected: number
  dispersion: number
  p: number
  held: boolean
  /** It has gone on for so long that it is the new usual: it is over. */
  lasted: boolean
}
const foundIn = ({ found }: Bin): Found => found as Found

const KIND = 'onset'
const setInOf = ({ kept }: Scale): SetIn | undefined => kept[KIND] as SetIn | undefined
const isJudgedOpen = (scale: Scale): scale is Scale & { seconds: OpenResolution } =>
  scale.seconds <= HOUR / 1000

export const onset: Detector<Own> = {
  kind: KIND,
  needs: ['milestones'],
  p: 'so many events in the whole of the bin, or more',
  settings,

  open({ series, scale, start, count }, settings): Found | null {
    const { onset: rule } = settings
    if (!isJudgedOpen(scale) || count < rule.least || series.covered * BASE < rule.hours * HOUR) return null
    // The last bins or the weeks, whichever allow more: falling back to the usual is no onset.
    const level = Math.max(levelAt(series, scale, start), meanOf(series.profile), rule.leastExpected)
    // As it was known when the bin began: the profile learns from what is judged here.
    const isBegun = scale.sum.bins > 0 && scale.sum.start === start
    const mean = level * (isBegun ? scale.shape : shape(series.profile, start, scale.seconds))
    if (count < rule.factor * mean) return null
    const phi = dispersionOf(series, scale, mean, settings)
    const p = sf(count - 1, mean, phi)
    if (p >= rule.p[scale.seconds]) return null
    scale.kept[KIND] = { ...(setInOf(scale) ?? { level, since: start }), calm: 0 } satisfies SetIn
    return { count, expected: mean, dispersion: phi, p, held: true, lasted: false }
  },

  /** It is over after `exitBins` calm ones; bins before it may close later than it was seen. */
  closed({ series, scale, start, count, shape: form }, settings): Found | null {
    const setIn = setInOf(scale)
    if (!setIn || start < setIn.since) return null
    const mean = setIn.level * form
    const phi = dispersionOf(series, scale, mean, settings)
    const p = sf(count - 1, mean, phi)
    const { exitP, exitBins, longestHours } = settings.onset
    const held = p < exitP
    const lasted = held && start - setIn.since >= longestHours * HOUR
    setIn.calm = held ? 0 : setIn.calm + 1
    if (lasted || setIn.calm >= exitBins) delete scale.kept[KIND]
    return { count, expected: mean, dispersion: phi, p, held, lasted }
  },

  judge(bin, _, { onset: rule }) {
    const { count, expected, dispersion, p, held } = foundIn(bin)
    const threshold = rule.p[bin.resolution as OpenResolution]
    return {
      known: true,
      // A closed bin opens what the cool-down suppressed while it was open, if it goes on.
      enter: bin.isOpen || p < threshold,
      enterBins: 1,
      hold: held,
      exitBins: rule.exitBins,
      baseline: null,
      brief: () => `chance of so many ${chance(p)} (over from ${rule.exitP})`,
      reason: () =>
        bin.isOpen
          ? `${count} before the bin has closed, where ${number(expected)} were expected in the whole of it (dispersion ` +
            `${number(dispersion)}): a chance of ${chance(p)} (threshold ${threshold}), and at least ${rule.factor} times the expected`
          : `saw ${count} where ${number(expected)} were expected before it set in: a chance of ${chance(p)} ` +
            (p < threshold ? `(threshold ${threshold})` : `(over from ${rule.exitP})`),
    }
  },

  facts(bin) {
    const { measure, resolution, start } = bin
    const { count, expected, dispersion, p } = foundIn(bin)
    return { detector: KIND, measure, resolution, start, count, expected, dispersion, p }
  },

  over: (bin, _, { onset: { longestHours } }) =>
    foundIn(bin).lasted ? `still more after ${longestHours} hours: this is the new usual` : null,
}

/** Events in a base bin of the mean hour, as the last bins say; idle time counts as the zeros that it stands for. */
function levelAt(s: Series, { tracker, seconds }: Scale, start: number): number {
  if (!s.idle) return expected(tracker.level, 1)
  const level = { ...createLevel(), ...tracker.level }
  const bins = seconds / BASE_SECONDS
  decayLevel(level, coveredSince(s, start) / bins, bins)
  return expected(level, 1)
}

/** At least what talk that answers itself has: in small series it is not known, and taken for it. */
function dispersionOf(s: Series, { tracker, seconds }: Scale, mean: number, { onset: rule }: Own): number {
  const known = tracker.usual ? dispersion(tracker.usual, mean) : 0
  const excess = rule.excess[s.measure] * (seconds === BASE_SECONDS ? 1 : rule.hour)
  return Math.max(known, excess / mean)
}
