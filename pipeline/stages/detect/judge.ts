/** What one bin says for or against an episode, by the preset's rules. Pure functions of the reading and the settings. */
import { cdf } from '../../../models/early-warning/negative-binomial.ts'
import { type PValues, pValues } from '../../../models/early-warning/nulls.ts'
import type { Reading } from '../../../models/early-warning/tracker.ts'
import type { Measure } from '../../../schemas/records.ts'
import { type Settings, thresholdOf } from './settings.ts'

/** Kinds of episode that closed bins can open. */
export const KINDS = ['early-warning', 'collapse'] as const
export type Kind = (typeof KINDS)[number]

export type Verdict = {
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
  r: Reading,
  p: PValues,
  base: { level: number } | null,
  of: { measure: Measure; resolution: number },
  settings: Settings,
): Verdict =>
  kind === 'collapse'
    ? collapse(r, base, of.resolution, settings)
    : settings.preset === 'classic'
      ? classic(r, of.resolution, settings)
      : indicators(r, p, of.resolution, thresholdOf(settings, of.measure, of.resolution), settings)

export const pValuesOf = (r: Reading, settings: Settings): PValues => pValues(r, settings.window)

function indicators(
  r: Reading,
  p: PValues,
  seconds: number,
  threshold: number,
  { indicators: rule }: Settings,
): Verdict {
  const joint = p.joint
  const busy = r.excess !== null && r.excess > rule.excess
  return {
    enter: joint !== null && joint < threshold && busy,
    enterBins: rule.bins,
    hold: joint !== null && joint < rule.exitP,
    exitBins: rule.exitBins,
    p: joint,
    brief: `p ${chance(joint)} (threshold ${threshold}), excess ${number(r.excess)} (${rule.excess})`,
    reason: () =>
      `lag-1 autocorrelation ${number(r.autocorrelation)} (usual ${number(r.usualAutocorrelation)}, p ${chance(p.autocorrelation)}) ` +
      `and variance ${number(r.variance)} (usual ${number(r.usualVariance)}, p ${chance(p.variance)}), with their trends ` +
      `p ${chance(joint)} (threshold ${threshold} in ${rule.bins} bins in a row), in a window ${number(r.excess)} standard ` +
      `deviations busier than expected (threshold ${rule.excess}); ${counted(r, seconds)}`,
  }
}

function classic(r: Reading, seconds: number, { classic: rule }: Settings): Verdict {
  const { surge, autocorrelation } = r
  const above = (sds: number, least: number): boolean =>
    surge !== null && autocorrelation !== null && surge > sds && autocorrelation > least
  return {
    enter: above(rule.sds, rule.autocorrelation),
    enterBins: 1,
    hold: above(rule.exitSds, rule.exitAutocorrelation),
    exitBins: rule.exitBins,
    p: null,
    brief: `variance ${number(surge)} sd above its mean (${rule.sds}), autocorrelation ${number(autocorrelation)} (${rule.autocorrelation})`,
    reason: () =>
      `variance ${number(r.variance)}, ${number(surge)} standard deviations above its mean over the preceding 4 windows ` +
      `(threshold ${rule.sds}), and lag-1 autocorrelation ${number(autocorrelation)} (threshold ${rule.autocorrelation}); ` +
      counted(r, seconds),
  }
}

/** `base`: the level when an episode opened, which a series that stays low does not lower. */
function collapse(
  r: Reading,
  base: { level: number } | null,
  seconds: number,
  { collapse: rule }: Settings,
): Verdict {
  const p = cdf(r.count, r.expected, r.dispersion)
  const mean = Math.max(r.expected, (base?.level ?? 0) * r.shape)
  const held = base ? cdf(r.count, mean, r.dispersion) : p
  return {
    enter: p < rule.p,
    enterBins: 1,
    hold: held < rule.exitP,
    exitBins: rule.exitBins,
    p,
    brief: `chance of so few ${chance(p)} (threshold ${rule.p})`,
    reason: () => `so few have a chance of ${chance(p)} (threshold ${rule.p}); ${counted(r, seconds)}`,
  }
}

const LENGTHS: Record<number, string> = { 300: '5 min', 3600: '1 h', 21600: '6 h' }

const counted = (r: Reading, seconds: number): string =>
  `expected ${number(r.expected)} in ${LENGTHS[seconds] ?? `${seconds} s`}, saw ${r.count}`

/** Three significant digits, as people read them. */
export const number = (x: number | null): string =>
  x === null ? 'unknown' : String(Number(x.toPrecision(3)))
const chance = (p: number | null): string => (p === null ? 'unknown' : String(Number(p.toPrecision(2))))
