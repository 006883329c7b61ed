/** What one bin says for or against an episode, by the preset's rules. Pure functions of what was observed and the settings. */
import type { Resolution } from '../../../common/time.ts'
import { cdf } from '../../../models/early-warning/negative-binomial.ts'
import { type PValues, pValues } from '../../../models/early-warning/nulls.ts'
import { PREPROCESSING, type Reading } from '../../../models/early-warning/tracker.ts'
import type { Settings } from './settings.ts'
import type { Surging } from './surge.ts'

/** A closed bin with all that was computed of it. `score`: null where the CNN-LSTM has too little to go by. */
export type Judged = {
  reading: Reading
  p: PValues
  score: number | null
  resolution: Resolution
  /** The weights that scored it. */
  model: string
}

export type Verdict = {
  /** Whether the rule could be applied. Where it could not, nothing below means yes or no. */
  known: boolean
  /** Whether the bin meets the rule, and in how many successive bins that opens. */
  enter: boolean
  enterBins: number
  /** Whether it still meets the looser rule that keeps an episode open; without it for `exitBins`, it ends. */
  hold: boolean
  exitBins: number
  /** The chance of such a bin while nothing changes; null where the rule has none. */
  p: number | null
  score: number | null
  /** Why, in a few words: for the many bins that lead to nothing. */
  brief: string
  /** Why, with all numbers and thresholds. */
  reason(): string
}

export const pValuesOf = (r: Reading): PValues => pValues(r, PREPROCESSING.window)

export const judgeWarning = (judged: Judged, settings: Settings): Verdict =>
  settings.preset === 'classic' ? classic(judged.reading, settings) : calibrated(judged, settings)

/** The score, and indicators that agree with it. */
function calibrated({ reading: r, p, score, resolution, model }: Judged, settings: Settings): Verdict {
  const rule = settings.calibrated
  const threshold = rule.score[resolution]
  const known = score !== null && p.joint !== null && r.excess !== null
  return {
    known,
    enter: known && score >= threshold && p.joint! < rule.p && r.excess! > rule.excess,
    enterBins: rule.bins,
    hold: known && score >= rule.exitScore,
    exitBins: rule.exitBins,
    p: p.joint,
    score,
    brief: known
      ? `score ${number(score)} (threshold ${threshold}), p ${chance(p.joint)} (${rule.p}), excess ${number(r.excess)} (${rule.excess})`
      : 'too little of its window is covered',
    reason: () =>
      `CNN-LSTM score ${number(score)} (threshold ${threshold}, ${score! >= threshold ? `${rule.bins} bins in a row` : `held from ${rule.exitScore} on`}; weights ${model}). ` +
      `Lag-1 autocorrelation ${number(r.autocorrelation)} (usual ${number(r.usualAutocorrelation)}, p ${chance(p.autocorrelation)}), ` +
      `variance ${number(r.variance)} (usual ${number(r.usualVariance)}, p ${chance(p.variance)}), together with their trends ` +
      `p ${chance(p.joint)} (threshold ${rule.p}; against a null of this rate, dispersion and memory), in a window ` +
      `${busyness(r.excess)} than expected (threshold ${rule.excess} sd busier); ${counted(r)}`,
  }
}

function classic(r: Reading, { classic: rule }: Settings): Verdict {
  const { surge, autocorrelation } = r
  const above = (sds: number, least: number): boolean =>
    surge !== null && autocorrelation !== null && surge > sds && autocorrelation > least
  const known = surge !== null && autocorrelation !== null
  return {
    known,
    enter: above(rule.sds, rule.autocorrelation),
    enterBins: 1,
    hold: above(rule.exitSds, rule.exitAutocorrelation),
    exitBins: rule.exitBins,
    p: null,
    score: null,
    brief: known
      ? `variance ${number(surge)} sd above its mean (${rule.sds}), autocorrelation ${number(autocorrelation)} (${rule.autocorrelation})`
      : 'too little of its window and of the 4 before it is known',
    reason: () =>
      `variance ${number(r.variance)}, ${number(surge)} sd above its mean over the preceding 4 windows (threshold ${rule.sds}), ` +
      `lag-1 autocorrelation ${number(autocorrelation)} (threshold ${rule.autocorrelation}); ${counted(r)}`,
  }
}

/**
 * Events that a collapse is measured against. The level of the last hours is high after every burst, and falling back
 * from one is no collapse: it takes less than what is usual over weeks, too.
 */
export const usualOf = (r: Reading): number => Math.min(r.expected, r.usual)

/** `base`: the level when an episode opened, which a series that stays low does not lower. */
export function judgeCollapse(
  r: Reading,
  base: { level: number } | null,
  { collapse: rule }: Settings,
): Verdict {
  const usual = usualOf(r)
  const p = cdf(r.count, usual, r.dispersion)
  const mean = Math.max(usual, (base?.level ?? 0) * r.shape)
  const held = base ? cdf(r.count, mean, r.dispersion) : p
  return {
    known: true,
    enter: p < rule.p,
    enterBins: 1,
    hold: held < rule.exitP,
    exitBins: rule.exitBins,
    p,
    score: null,
    brief: `chance of so few ${chance(p)} (threshold ${rule.p})`,
    reason: () =>
      `so few have a chance of ${chance(p)} (threshold ${rule.p}); ${counted(r)}, ${number(r.usual)} over weeks`,
  }
}

/** A bin that is still open, or that closed while the surge went on. */
export function judgeOnset(s: Surging, isOpen: boolean, { onset: rule }: Settings): Verdict {
  const threshold = rule.p[s.resolution]
  return {
    known: true,
    // A closed bin opens what the cool-down suppressed while it was open, if it goes on.
    enter: isOpen || s.p < threshold,
    enterBins: 1,
    hold: s.held,
    exitBins: rule.exitBins,
    p: s.p,
    score: null,
    brief: `chance of so many ${chance(s.p)} (over from ${rule.exitP})`,
    reason: () =>
      isOpen
        ? `${s.count} before the bin has closed, where ${number(s.expected)} were expected in the whole of it (dispersion ` +
          `${number(s.dispersion)}): a chance of ${chance(s.p)} (threshold ${threshold}), and at least ${rule.factor} times the expected`
        : `saw ${s.count} where ${number(s.expected)} were expected before it set in: a chance of ${chance(s.p)} ` +
          (s.p < threshold ? `(threshold ${threshold})` : `(over from ${rule.exitP})`),
  }
}

const busyness = (sds: number | null): string =>
  sds !== null && sds < 0 ? `${number(-sds)} sd quieter` : `${number(sds)} sd busier`

const counted = (r: Reading): string => `saw ${r.count}, expected ${number(r.expected)}`

/** Three significant digits, as people read them. */
export const number = (x: number | null): string =>
  x === null ? 'unknown' : String(Number(x.toPrecision(3)))
const chance = (p: number | null): string => (p === null ? 'unknown' : String(Number(p.toPrecision(2))))
