/**
 * Stage `detect`: counts in; a signal for every eligible closed bin (the decision log) and the events of episodes out.
 * `apply` moves series on and queues what was observed; `settle` decides it. Nothing but event time and the records of
 * one key, in their order, has any influence on what is decided for that key.
 */
import { BASE, BASE_SECONDS, HOUR, iso, RESOLUTIONS } from '../../../common/time.ts'
import type { PValues } from '../../../models/early-warning/nulls.ts'
import {
  type AlertEvent,
  type BinClosed,
  type Decision,
  MEASURES,
  type Measure,
  type Signal,
} from '../../../schemas/records.ts'
import type { Emit, Input, Stage } from '../../runtime/stage.ts'
import {
  createWatch,
  decide,
  freeze,
  resolve,
  type Scope,
  silence,
  voiceKey,
  type Watch,
} from './episodes.ts'
import { judge, KINDS, type Kind, pValuesOf, usualOf, type Verdict } from './judge.ts'
import {
  applyBin,
  applyIdle,
  applyUnknown,
  createSeries,
  ineligible,
  type Judged,
  type Observed,
  type Series,
} from './series.ts'
import { defaults, type Preset, type Settings, settingsHash } from './settings.ts'

/** What `apply` found and `settle` decides; owns all it needs. */
type Item = { key: string; measure: Measure; time: number } & (
  | { kind: 'bin'; resolution: number; start: number; reading: Judged }
  | { kind: 'masked'; resolution: number; start: number; count: number }
  | { kind: 'insufficient'; resolution: number; start: number; count: number; why: string }
  | { kind: 'idle' }
)

export type DetectState = {
  /** By channel, then in the order of MEASURES. */
  series: Map<string, (Series | null)[]>
  queue: Item[]
  watches: Map<string, Record<Kind, Watch>>
}

export type DetectOptions = { run: string; preset?: Preset; settings?: Partial<typeof defaults> }

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

export function detectStage(options: DetectOptions): Stage<DetectState> {
  const settings: Settings = { ...defaults, ...options.settings, preset: options.preset ?? 'indicators' }
  const hash = settingsHash(settings)
  return {
    name: 'detect',
    input: 'counts',
    version: 1,
    initial: () => ({ series: new Map(), queue: [], watches: new Map() }),
    apply: (state, input) => apply(state, input, settings),
    settle: async (state, emit) => {
      const { queue } = state
      state.queue = []
      for (const item of queue) settleItem(state, item, options.run, settings, hash, emit)
    },
  }
}

function apply(state: DetectState, { key, record }: Input, settings: Settings): void {
  if (record.type === 'BinClosed') {
    applyClosed(state, key, record, settings)
  } else if (record.type === 'Idle' || record.type === 'Unknown') {
    const { measure, from } = record
    const series = state.series.get(key)?.[MEASURES.indexOf(measure)]
    if (!series) return
    if (record.type === 'Unknown') applyUnknown(series, from, record.to)
    else if (applyIdle(series, from)) state.queue.push({ kind: 'idle', key, measure, time: from })
  }
}

function applyClosed(state: DetectState, key: string, record: BinClosed, settings: Settings): void {
  if (record.seconds !== BASE_SECONDS || record.start % BASE !== 0) return
  let channel = state.series.get(key)
  if (!channel) {
    channel = MEASURES.map(() => null)
    state.series.set(key, channel)
  }
  // Decided by (end, resolution, measure): all that closes on one record ends together.
  const closed: Observed[][] = RESOLUTIONS.map(() => [])
  for (const [index, measure] of MEASURES.entries()) {
    const bin = record.bins.find((b) => b.measure === measure)
    if (!bin) continue
    let series = channel[index]
    if (!series) {
      series = createSeries(measure, record.start)
      channel[index] = series
    }
    if (record.start >= series.next) applyBin(series, record.start, bin, settings, closed)
  }
  const time = record.start + BASE
  for (const observed of closed.flat()) queueObserved(state.queue, observed, key, time, settings)
}

/** Moves eligibility on, and queues what has to be said about an observed bin. */
function queueObserved(queue: Item[], o: Observed, key: string, time: number, settings: Settings): void {
  const { series, scale, start, count } = o
  const at = { key, measure: series.measure, time, resolution: scale.seconds, start }
  if (o.masked) {
    if (scale.eligible) queue.push({ ...at, kind: 'masked', count })
    return
  }
  const why = ineligible(o, settings)
  if (why === null && o.reading) {
    scale.eligible = true
    scale.spoken = true
    queue.push({ ...at, kind: 'bin', reading: o.reading })
  } else if (scale.eligible || !scale.spoken) {
    scale.eligible = false
    scale.spoken = true
    queue.push({ ...at, kind: 'insufficient', count, why: why ?? 'no history' })
  }
}

function settleItem(
  state: DetectState,
  item: Item,
  run: string,
  settings: Settings,
  hash: string,
  emit: Emit,
): void {
  const { key, measure } = item
  // Before the first bin that can be judged there is nothing to watch, and in most channels there never is.
  let watches = state.watches.get(key)
  if (!watches && item.kind === 'bin') {
    watches = { 'early-warning': createWatch(), collapse: createWatch() }
    state.watches.set(key, watches)
  }
  const send = (event: AlertEvent): void => emit('alerts', key, event)
  const scopeOf = (kind: Kind): Scope => ({ run, channel: key, kind, settings, hash })
  const each = (act: (watch: Watch, scope: Scope) => void): void => {
    if (watches) for (const kind of KINDS) act(watches[kind], scopeOf(kind))
  }
  const signal = (fields: Partial<Signal> & { decision: Decision; reason: string; count: number }): void => {
    if (item.kind === 'idle') return
    const { resolution, start } = item
    emit('signals', key, {
      type: 'Signal',
      measure,
      resolution,
      start,
      ...NO_READING,
      ...fields,
      settings: hash,
    })
  }

  if (item.kind === 'idle') {
    each((w, scope) =>
      silence(w, scope, { ...item, resolution: null }, `idle: no ${measure} for 24 covered hours`, send),
    )
  } else if (item.kind === 'insufficient') {
    each((w, scope) => silence(w, scope, item, `not enough data: ${item.why}`, send))
    signal({ count: item.count, decision: 'insufficient', reason: `not enough data: ${item.why}` })
  } else if (item.kind === 'masked') {
    each((w, scope) => freeze(w, scope, { ...item, end: item.time }, send))
    signal({ count: item.count, decision: 'masked', reason: 'not covered enough to be judged' })
  } else {
    const p = pValuesOf(item.reading, settings)
    const outcome = settleBin(watches!, scopeOf, item, p, settings, send)
    signal({ ...figures(item.reading, p), ...outcome })
  }
}

/** The decision that stands in the signal when kinds differ: the most telling one. */
const TELLING: Decision[] = ['opened', 'held', 'suppressed', 'insufficient', 'quiet']

function settleBin(
  watches: Record<Kind, Watch>,
  scopeOf: (kind: Kind) => Scope,
  item: Item & { kind: 'bin' },
  p: PValues,
  settings: Settings,
  send: (event: AlertEvent) => void,
): { decision: Decision; reason: string } {
  const { measure, resolution, start, time: end, reading } = item
  const level = usualOf(reading) / reading.shape
  let outcome: { decision: Decision; reason: string } | null = null
  const unknown: string[] = []
  for (const kind of KINDS) {
    const watch = watches[kind]
    const scope = scopeOf(kind)
    const bin = { measure, resolution, start, end }
    const base = watch.episode?.voices.get(voiceKey(measure, resolution)) ?? null
    const verdict = judge(kind, reading, p, base, bin, settings)
    const facts = {
      measure,
      resolution,
      start,
      count: reading.count,
      expected: reading.expected,
      dispersion: reading.dispersion,
      variance: reading.variance,
      autocorrelation: reading.autocorrelation,
      p: verdict.p,
      score: null,
    }
    const decision = decide(watch, scope, bin, verdict, facts, level, send)
    if (kind === 'collapse' && watch.episode) {
      const hours = settings.collapse.longestHours
      if (end - watch.episode.openedAt >= hours * HOUR) {
        resolve(watch, scope, `still low after ${hours} hours: this is the new usual`, send)
      }
    }
    if (decision === 'insufficient') unknown.push(`${kind} can't be judged: ${verdict.brief}`)
    const rank = (d: Decision): number => TELLING.indexOf(d)
    if (!outcome || rank(decision) < rank(outcome.decision)) {
      outcome = { decision, reason: explain(decision, kind, verdict, watch) }
    }
  }
  const { decision, reason } = outcome!
  // What one kind found must not hide that another could not look.
  return { decision, reason: [reason, ...unknown].filter((part) => part !== '').join('; ') }
}

function explain(decision: Decision, kind: Kind, verdict: Verdict, watch: Watch): string {
  if (decision === 'insufficient') return ''
  if (decision === 'quiet') return verdict.brief
  const reason = verdict.reason()
  if (decision !== 'suppressed') return `${kind}: ${reason}`
  return `${kind}: suppressed by cool-down until ${iso(watch.quietUntil)}; ${reason}`
}

function figures(r: Judged, p: PValues): Partial<Signal> & { count: number } {
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
