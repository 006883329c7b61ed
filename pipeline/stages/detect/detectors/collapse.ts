/** A covered bin far below what is expected of its series: talk has broken off. */
import { HOUR } from '../../../../common/time.ts'
import { cdf } from '../../../../models/early-warning/negative-binomial.ts'
import type { Reading } from '../../../../models/early-warning/tracker.ts'
import { chance, counted, type Detector, number } from './detector.ts'

const settings = {
  /** A chance below `p` of so few events in a bin; it ends after `exitBins` bins of chance over `exitP`. */
  collapse: { p: 1e-4, exitP: 1e-2, exitBins: 3, longestHours: 24 },
}

export const collapse: Detector<typeof settings> = {
  kind: 'collapse',
  needs: ['level'],
  p: 'so few events in the bin, or fewer',
  settings,
  /** `baseline`: the level when an episode opened, which a series that stays low does not lower. */
  judge({ reading }, baseline, { collapse: rule }) {
    const r = reading!
    const usual = usualOf(r)
    const p = chanceOf(r)
    const held = baseline === null ? p : cdf(r.count, Math.max(usual, baseline * r.shape), r.dispersion)
    return {
      known: true,
      enter: p < rule.p,
      enterBins: 1,
      hold: held < rule.exitP,
      exitBins: rule.exitBins,
      baseline: usual / r.shape,
      brief: () => `chance of so few ${chance(p)} (threshold ${rule.p})`,
      reason: () =>
        `so few have a chance of ${chance(p)} (threshold ${rule.p}); ${counted(r)}, ${number(r.usual)} over weeks`,
    }
  },
  facts({ measure, resolution, start, reading }) {
    const { count, expected, dispersion, variance, autocorrelation } = reading!
    const bin = { measure, resolution, start, count, expected, dispersion }
    return { detector: 'collapse', ...bin, variance, autocorrelation, p: chanceOf(reading!) }
  },
  over: ({ end }, openedAt, { collapse: { longestHours } }) =>
    end - openedAt >= longestHours * HOUR
      ? `still low after ${longestHours} hours: this is the new usual`
      : null,
}

/**
 * Events that a collapse is measured against. The level of the last hours is high after every burst, and falling back
 * from one is no collapse: it takes less than what is usual over weeks, too.
 */
const usualOf = (r: Reading): number => Math.min(r.expected, r.usual)

/** Of so few while nothing changes. */
const chanceOf = (r: Reading): number => cdf(r.count, usualOf(r), r.dispersion)
