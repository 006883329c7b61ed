/** What one bin says for or against an episode, by the preset's rules. Pure functions of the reading and the settings. */
import { cdf } from '../../../models/early-warning/negative-binomial.ts'
import { type PValues, pValues } from '../../../models/early-warning/nulls.ts'
import type { Measure } from '../../../schemas/records.ts'
import type { Judged } from './series.ts'
import { type Settings, thresholdOf } from './settings.ts'

/** Kinds of episode that closed bins can open. */
export const KINDS = ['early-warning', 'collapse'] as const
export type Kind = (typeof KINDS)[number]

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
  /** Why, in a few words: for the many bins that lead to nothing. */
  brief: string
  /** Why, with all numbers and thresholds. */
  reason(): string
}

export const judge = (
  kind: Kind,
  r: Judged,
  p: PValues,
  base: { level: number } | null,
  of: { measure: Measure; resolution: number },
  settings: Settings,
): Verdict =>
  kind === 'collapse'
    ? collapse(r, base, settings)
    : settings.preset === 'classic'
      ? classic(r, settings)
      : indicators(r, p, thresholdOf(settings, of.measure, of.resolution), settings)

export const pValuesOf = (r: Judged, settings: Settings): PValues => pValues(r, settings.window)

function indicators(r: Judged, p: PValues, threshold: number, { indicators: rule }: Settings): Verdict {
  const joint = p.joint
  const busy = r.excess !== null && r.excess > rule.excess
  return {
    known: joint !== null,
    enter: joint !== null && joint < threshold && busy,
    enterBins: rule.bins,
    hold: joint !== null && joint < rule.exitP,
    exitBins: rule.exitBins,
    p: joint,
    brief:
      joint === null
        ? 'too little of its window is covered'
        : `p ${chance(joint)} (threshold ${threshold}), excess ${number(r.excess)} (${rule.excess})`,
    reason: () =>
      `lag-1 autocorrelation ${number(r.autocorrelation)} (usual ${number(r.usualAutocorrelation)}, p ${chance(p.autocorrelation)}), ` +
      `variance ${number(r.variance)} (usual ${number(r.usualVariance)}, p ${chance(p.variance)}), together with their trends ` +
      `p ${chance(joint)} (threshold ${threshold}, ${rule.bins} bins in a row), in a window ${busyness(r.excess)} ` +
      `than expected (threshold ${rule.excess}); ${counted(r)}`,
  }
}

function classic(r: Judged, { classic: rule }: Settings): Verdict {
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
export const usualOf = (r: Judged): number => Math.min(r.expected, r.usual)

/** `base`: the level when an episode opened, which a series that stays low does not lower. */
function collapse(r: Judged, base: { level: number } | null, { collapse: rule }: Settings): Verdict {
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
    brief: `chance of so few ${chance(p)} (threshold ${rule.p})`,
    reason: () =>
      `so few have a chance of ${chance(p)} (threshold ${rule.p}); ${counted(r)}, ${number(r.usual)} over weeks`,
  }
}

const busyness = (sds: number | null): string =>
  sds !== null && sds < 0 ? `${number(-sds)} sd quieter` : `${number(sds)} sd busier`

const counted = (r: Judged): string => `saw ${r.count}, expected ${number(r.expected)}`

/** Three significant digits, as people read them. */
export const number = (x: number | null): string =>
  x === null ? 'unknown' : String(Number(x.toPrecision(3)))
const chance = (p: number | null): string => (p === null ? 'unknown' : String(Number(p.toPrecision(2))))
