/** Signs of slowing down before a cascade: the CNN-LSTM's score with indicators that agree, or the widely quoted rule. */
import type { Resolution } from '../../../../common/time.ts'
import type { Reading } from '../../../../models/early-warning/tracker.ts'
import { type Evidence, NETWORK, type Severity, scoreOf } from '../../../../schemas/records.ts'
import type { Settings } from '../settings.ts'
import { type Bin, chance, counted, type Detector, number, type Verdict } from './detector.ts'

const settings = {
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
}
type Own = typeof settings

export const earlyWarning: Detector<Own> = {
  kind: 'early-warning',
  needs: ['level', 'score'],
  p: 'such variance, autocorrelation and trends of both together while nothing changes; preset classic has none',
  settings,
  // A cascade builds up in a channel. All of them together are no talk that answers itself, and were never trained on.
  watches: (channel) => channel !== NETWORK,
  dependsOnScore: (bin, supports, s) =>
    s.preset === 'calibrated' && bin.isScorable && (supports || indicatorsAgree(bin, s)),
  judge: (bin, _, s) => (s.preset === 'classic' ? classic(bin.reading!, s) : calibrated(bin, s)),
  facts({ measure, resolution, start, reading, p, score }, { preset }) {
    const { count, expected, dispersion, variance, autocorrelation } = reading!
    const bin = { measure, resolution, start, count, expected, dispersion }
    const chances = preset === 'classic' ? { p: null, score: null } : { p: p!.joint, score }
    return { detector: 'early-warning', ...bin, variance, autocorrelation, ...chances }
  },
  severity: (evidence, s) => scoreSeverity(evidence, s),
}

/** What the indicators must say for a score to open; false too where they are not known. */
const indicatorsAgree = ({ p, reading }: Bin, { calibrated: rule }: Own): boolean =>
  p!.joint !== null && reading!.excess !== null && p!.joint < rule.p && reading!.excess > rule.excess

/** The score, and indicators that agree with it. */
function calibrated(bin: Bin, settings: Settings & Own): Verdict {
  const { score, resolution, model } = bin
  const [r, p] = [bin.reading!, bin.p!]
  const rule = settings.calibrated
  const threshold = rule.score[resolution]
  const known = bin.isScorable && p.joint !== null && r.excess !== null
  return {
    known,
    enter: known && score !== null && score >= threshold && indicatorsAgree(bin, settings),
    enterBins: rule.bins,
    hold: known && score !== null && score >= rule.exitScore,
    exitBins: rule.exitBins,
    baseline: null,
    brief: () =>
      known
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

function classic(r: Reading, { classic: rule }: Own): Verdict {
  const { surge: sds, autocorrelation } = r
  const known = sds !== null && autocorrelation !== null
  const above = (leastSds: number, least: number): boolean =>
    known && sds > leastSds && autocorrelation > least
  return {
    known,
    enter: above(rule.sds, rule.autocorrelation),
    enterBins: 1,
    hold: above(rule.exitSds, rule.exitAutocorrelation),
    exitBins: rule.exitBins,
    baseline: null,
    brief: () =>
      known
        ? `variance ${number(sds)} sd above its mean (${rule.sds}), autocorrelation ${number(autocorrelation)} (${rule.autocorrelation})`
        : 'too little of its window and of the 4 before it is known',
    reason: () =>
      `variance ${number(r.variance)}, ${number(sds)} sd above its mean over the preceding 4 windows (threshold ${rule.sds}), ` +
      `lag-1 autocorrelation ${number(autocorrelation)} (threshold ${rule.autocorrelation}); ${counted(r)}`,
  }
}

/** By the greatest score; null where nothing is scored. */
function scoreSeverity(evidence: readonly Evidence[], { calibrated: rule }: Own): Severity | null {
  const scores = evidence.flatMap((e) => scoreOf(e) ?? [])
  if (scores.length === 0) return null
  const greatest = Math.max(...scores)
  return greatest >= rule.high ? 'high' : greatest >= rule.medium ? 'medium' : 'low'
}

const busyness = (sds: number | null): string =>
  sds !== null && sds < 0 ? `${number(-sds)} sd quieter` : `${number(sds)} sd busier`
