/** Decides what `apply` queued: episodes by kind, and the signal that says what became of a bin. */
import { HOUR, iso, type Resolution } from '../../../common/time.ts'
import type { PValues } from '../../../models/early-warning/nulls.ts'
import type { Reading } from '../../../models/early-warning/tracker.ts'
import {
  type AlertEvent,
  type Decision,
  type Measure,
  NETWORK,
  type Signal,
} from '../../../schemas/records.ts'
import type { Emit } from '../../runtime/stage.ts'
import {
  type Bin,
  createWatch,
  type DetectorName,
  decide,
  type Figures,
  freeze,
  resolve,
  type Scope,
  silence,
  voiceKey,
  type Watch,
} from './episodes.ts'
import { judgeCollapse, judgeOnset, judgeWarning, pValuesOf, usualOf, type Verdict } from './judge.ts'
import type { Settings } from './settings.ts'
import type { Surging } from './surge.ts'

/** What `apply` found and `settle` decides; owns all it needs. `time`: the end of the bin. */
export type Item = { key: string; measure: Measure; time: number } & (
  | ({ kind: 'bin'; reading: Reading; row: Float32Array | null; surging: Surging | null } & BinOf)
  /** A closed bin of a series that surges but is not eligible for the rest. */
  | ({ kind: 'ebb'; surging: Surging } & BinOf)
  | ({ kind: 'masked'; count: number; signals: boolean } & BinOf)
  | ({ kind: 'insufficient'; count: number; why: string } & BinOf)
  /** A bin that is still open; `time`: of what filled it so far. */
  | { kind: 'surge'; surging: Surging }
  | { kind: 'idle' }
)
type BinOf = { resolution: Resolution; start: number }

/** What decides, apart from the input. */
export type Rules = { run: string; settings: Settings; model: string; hash: string }

export type Watches = Record<DetectorName, Watch>
/** Kinds that eligibility governs. */
const JUDGED = ['early-warning', 'collapse'] as const

/** What a bin led to, for one kind. */
type Outcome = { kind: DetectorName; decision: Decision; verdict: Verdict; watch: Watch }

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

export function settleItem(
  all: Map<string, Watches>,
  item: Item,
  score: number | null,
  rules: Rules,
  emit: Emit<'detect'>,
): void {
  const { key, measure } = item
  // Before the first bin that can be judged there is nothing to watch, and in most channels there never is.
  let watches = all.get(key)
  if (!watches && (item.kind === 'bin' || item.kind === 'surge')) {
    watches = { 'early-warning': createWatch(), onset: createWatch(), collapse: createWatch() }
    all.set(key, watches)
  }
  const send = (event: AlertEvent): void => emit('alerts', key, event)
  const scopeOf = (kind: DetectorName): Scope => ({ ...rules, channel: key, kind })
  const each = (kinds: readonly DetectorName[], act: (watch: Watch, scope: Scope) => void): void => {
    if (watches) for (const kind of kinds) act(watches[kind], scopeOf(kind))
  }
  const signal = (
    { resolution, start }: BinOf,
    fields: Partial<Signal> & { decision: Decision; reason: string; count: number },
  ): void => {
    const at = { measure, resolution, start }
    emit('signals', key, { type: 'Signal', ...at, ...NO_READING, ...fields, settings: rules.hash })
  }

  switch (item.kind) {
    case 'idle': {
      const why = `idle: no ${measure} for 24 covered hours`
      each([...JUDGED, 'onset'], (w, scope) => silence(w, scope, { ...item, resolution: null }, why, send))
      return
    }
    case 'insufficient': {
      const reason = `not enough data: ${item.why}`
      each(JUDGED, (w, scope) => silence(w, scope, item, reason, send))
      signal(item, { count: item.count, decision: 'insufficient', reason })
      return
    }
    case 'masked': {
      each([...JUDGED, 'onset'], (w, scope) => freeze(w, scope, { ...item, end: item.time }, send))
      const reason = 'not covered enough to be judged'
      if (item.signals) signal(item, { count: item.count, decision: 'masked', reason })
      return
    }
    case 'surge': {
      decideOnset(watches!.onset, scopeOf('onset'), item, item.surging, true, send)
      return
    }
    case 'ebb': {
      const outcome = watches && decideOnset(watches.onset, scopeOf('onset'), item, item.surging, false, send)
      if (!outcome) return
      const { count, expected, dispersion } = item.surging
      signal(item, { count, expected, dispersion, decision: outcome.decision, reason: explain(outcome) })
      return
    }
    case 'bin': {
      const p = pValuesOf(item.reading)
      const outcomes = decideBin(watches!, scopeOf, item, { p, score, model: rules.model }, send)
      signal(item, { ...figures(item.reading, p), score, ...summary(outcomes) })
    }
  }
}

type ScopeOf = (kind: DetectorName) => Scope
type Send = (event: AlertEvent) => void

function decideBin(
  watches: Watches,
  scopeOf: ScopeOf,
  item: Item & { kind: 'bin' },
  of: { p: PValues; score: number | null; model: string },
  send: Send,
): Outcome[] {
  const { measure, resolution, start, time: end, reading, surging } = item
  const { settings } = scopeOf('collapse')
  const bin: Bin = { measure, resolution, start, end }
  const { count, expected, dispersion, variance, autocorrelation } = reading
  const figures = { measure, resolution, start, count, expected, dispersion, variance, autocorrelation }
  const level = usualOf(reading) / reading.shape
  const outcome = (kind: (typeof JUDGED)[number], verdict: Verdict): Outcome => {
    const { p, score } = verdict
    const facts = { ...figures, p, score }
    const decision = decide(watches[kind], scopeOf(kind), bin, verdict, facts, send, level)
    return { kind, decision, verdict, watch: watches[kind] }
  }

  const outcomes: Outcome[] = []
  // A cascade builds up in a channel. All of them together are no talk that answers itself, and were never trained on.
  if (item.key !== NETWORK) {
    outcomes.push(outcome('early-warning', judgeWarning({ reading, resolution, ...of }, settings)))
  }
  if (surging) outcomes.push(decideOnset(watches.onset, scopeOf('onset'), item, surging, false, send))
  const before = watches.collapse.episode?.voices.get(voiceKey(measure, resolution)) ?? null
  outcomes.push(outcome('collapse', judgeCollapse(reading, before, settings)))
  const { episode } = watches.collapse
  const hours = settings.collapse.longestHours
  if (episode && end - episode.openedAt >= hours * HOUR) {
    const why = `still low after ${hours} hours: this is the new usual`
    resolve(watches.collapse, scopeOf('collapse'), why, send)
  }
  return outcomes
}

function decideOnset(
  watch: Watch,
  scope: Scope,
  { measure, time: end }: Pick<Item, 'measure' | 'time'>,
  surging: Surging,
  isOpen: boolean,
  send: Send,
): Outcome {
  const { resolution, start, count, expected, dispersion } = surging
  const bin: Bin = { measure, resolution, start, end }
  const verdict = judgeOnset(surging, isOpen, scope.settings)
  const facts: Omit<Figures, 'reason'> = {
    measure,
    resolution,
    start,
    count,
    expected,
    dispersion,
    variance: null,
    autocorrelation: null,
    p: verdict.p,
    score: null,
  }
  const decision = decide(watch, scope, bin, verdict, facts, send)
  if (surging.lasted) {
    const hours = scope.settings.onset.longestHours
    resolve(watch, scope, `still more after ${hours} hours: this is the new usual`, send)
  }
  return { kind: 'onset', decision, verdict, watch }
}

/** The decision that stands in the signal when kinds differ: the most telling one. */
const TELLING: Decision[] = ['opened', 'held', 'suppressed', 'insufficient', 'quiet']

function summary(outcomes: Outcome[]): { decision: Decision; reason: string } {
  const rank = ({ decision }: Outcome): number => TELLING.indexOf(decision)
  const most = outcomes.reduce((best, outcome) => (rank(outcome) < rank(best) ? outcome : best))
  // What one kind found must not hide that another could not look.
  const unknown = outcomes
    .filter(({ decision }) => decision === 'insufficient')
    .map(({ kind, verdict }) => `${kind} can't be judged: ${verdict.brief}`)
  const reasons = [explain(most), ...unknown].filter((part) => part !== '')
  return { decision: most.decision, reason: reasons.join('; ') }
}

function explain({ decision, kind, verdict, watch }: Outcome): string {
  if (decision === 'insufficient') return ''
  if (decision === 'quiet') return verdict.brief
  const reason = verdict.reason()
  if (decision !== 'suppressed') return `${kind}: ${reason}`
  return `${kind}: suppressed by cool-down until ${iso(watch.quietUntil)}; ${reason}`
}

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
