/** Signals: what became of a closed bin, and why. */
import { iso } from '../../../common/time.ts'
import type { PValues } from '../../../models/early-warning/nulls.ts'
import type { Reading } from '../../../models/early-warning/tracker.ts'
import type { Decision, Signal } from '../../../schemas/records.ts'
import type { Bin, Facts, Verdict } from './detectors/detector.ts'
import type { Item } from './item.ts'

/** What a bin led to, for one kind. */
export type Outcome = {
  kind: string
  decision: Decision
  verdict: Verdict
  facts(): Facts
  /** Of the channel and kind, after the decision. */
  quietUntil: number
  /** The verdict, with the score that it could do without. */
  again(): Verdict
}

const NO_READING = {
  expected: null,
  dispersion: null,
  residual: null,
  variance: null,
  autocorrelation: null,
  rawVariance: null,
  rawAutocorrelation: null,
  varianceTrend: null,
  autocorrelationTrend: null,
  pVariance: null,
  pAutocorrelation: null,
  p: null,
  score: null,
} as const

/** Null where there is nothing to say. */
export function signalOf(
  item: Item,
  bin: Bin | null,
  outcomes: readonly Outcome[],
  { hash }: { hash: string },
): Signal | null {
  if (item.kind === 'idle' || item.kind === 'open' || item.kind === 'forgotten') return null
  const { measure, resolution, start } = item
  const signal = (
    fields: Partial<Signal> & { decision: Decision; reason: string; count: number },
  ): Signal => ({ type: 'Signal', measure, resolution, start, ...NO_READING, ...fields, settings: hash })
  switch (item.kind) {
    case 'insufficient':
      return signal({
        count: item.count,
        decision: 'insufficient',
        reason: `not enough data: ${item.why}`,
      })
    case 'masked':
      return item.signals
        ? signal({
            count: item.count,
            decision: 'masked',
            reason: 'not covered enough to be judged',
          })
        : null
    case 'bin': {
      const { reading, p, score } = bin!
      if (reading) return signal({ ...figures(reading, p!), score, ...summary(outcomes) })
      const [first] = outcomes
      return first ? signal({ ...expectedIn(first.facts()), count: item.count, ...summary(outcomes) }) : null
    }
  }
}

/** The decision that stands in the signal when kinds differ: the most telling one. */
const TELLING: Decision[] = ['opened', 'held', 'suppressed', 'insufficient', 'quiet']

function summary(outcomes: readonly Outcome[]): { decision: Decision; reason: string } {
  if (outcomes.length === 0) return { decision: 'quiet', reason: 'no detector looks at this channel' }
  const rank = ({ decision }: Outcome): number => TELLING.indexOf(decision)
  const most = outcomes.reduce((best, outcome) => (rank(outcome) < rank(best) ? outcome : best))
  // What one kind found must not hide that another could not look.
  const unknown = outcomes
    .filter(({ decision }) => decision === 'insufficient')
    .map(({ kind, verdict }) => `${kind} can't be judged: ${verdict.brief()}`)
  const reasons = [explain(most), ...unknown].filter((part) => part !== '')
  return { decision: most.decision, reason: reasons.join('; ') }
}

function explain({ decision, kind, verdict, quietUntil, again }: Outcome): string {
  if (decision === 'insufficient') return ''
  if (decision === 'quiet') return again().brief()
  const reason = verdict.reason()
  if (decision !== 'suppressed') return `${kind}: ${reason}`
  return `${kind}: suppressed by cool-down until ${iso(quietUntil)}; ${reason}`
}

const expectedIn = (facts: Facts): Partial<Signal> =>
  'figures' in facts ? {} : { expected: facts.expected, dispersion: facts.dispersion }

function figures(r: Reading, p: PValues): Partial<Signal> & { count: number } {
  return {
    count: r.count,
    expected: r.expected,
    dispersion: r.dispersion,
    residual: r.residual,
    variance: r.variance,
    autocorrelation: r.autocorrelation,
    rawVariance: r.rawVariance,
    rawAutocorrelation: r.rawAutocorrelation,
    varianceTrend: r.varianceTrend,
    autocorrelationTrend: r.autocorrelationTrend,
    pVariance: p.variance,
    pAutocorrelation: p.autocorrelation,
    p: p.joint,
  }
}
