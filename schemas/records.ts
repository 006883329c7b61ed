/**
 * The records that stand in the log, as TypeScript sees them. Each mirrors the .avsc file of its name, where every
 * field is explained; `records.test.ts` holds the two together. `type` is not on the wire: the schema id tells it.
 */
import { MEASURES, type Measure } from './measures.js'

export { MEASURES, type Measure }

/** `<measure>:<channel>`, the name of a series. */
export const seriesName = (measure: Measure, channel: string): string => `${measure}:${channel}`
export const parseSeries = (series: string): { measure: Measure; channel: string } | null => {
  const colon = series.indexOf(':')
  const measure = MEASURES.find((m) => m === series.slice(0, colon))
  return measure && colon < series.length - 1 ? { measure, channel: series.slice(colon + 1) } : null
}

/** The channel of casts that are in none, and that of the whole network. */
export const NO_CHANNEL = '_'
export const NETWORK = '*'

export type CastRef = { fid: number; hash: Buffer }
type Signed = { hash: Buffer; fid: number; time: number; clock: 'signed' | 'observed'; verified: boolean }

export type Cast = Signed & {
  type: 'Cast'
  text: string
  parent: CastRef | null
  parentUrl: string | null
  urls: string[]
  quotes: CastRef[]
  mentions: number[]
}
export type CastRemoved = Signed & { type: 'CastRemoved'; target: Buffer }
export type Reaction = Signed & { type: 'Reaction'; kind: 'like' | 'recast'; target: CastRef }
export type ReactionRemoved = Signed & { type: 'ReactionRemoved'; kind: 'like' | 'recast'; target: CastRef }
export type Coverage = {
  type: 'Coverage'
  status: 'complete' | 'decided' | 'covered' | 'gap'
  measures: Measure[]
  from: number
  to: number
  reason: string | null
  partitions: number
}
export type ReactionCount = {
  type: 'ReactionCount'
  time: number
  clock: 'signed' | 'observed'
  verified: boolean
  kind: 'like' | 'recast'
  target: CastRef
  count: number
  saturated: boolean
  rise: number
}
export type Polled = {
  type: 'Polled'
  at: number
  watched: Measure[]
  complete: Measure[]
  owed: { hash: Buffer; measure: Measure; since: number }[]
  requests: number
  failed: number
  error: string | null
  next: number | null
}
export type Activity = Cast | CastRemoved | Reaction | ReactionRemoved | ReactionCount | Coverage | Polled

export type MeasureBin = { measure: Measure; count: number; covered: number; masked: boolean }
export type BinClosed = { type: 'BinClosed'; start: number; seconds: number; bins: MeasureBin[] }
export type Milestone = {
  type: 'Milestone'
  measure: Measure
  start: number
  seconds: number
  n: number
  time: number
}
export type Idle = { type: 'Idle'; measure: Measure; from: number }
export type Unknown = { type: 'Unknown'; measure: Measure; from: number; to: number; reason: string | null }
export type Late = { type: 'Late'; measure: Measure; start: number | null; count: number }
export type MeasureSum = { measure: Measure; count: number; covered: number; followed: number }
export type Partial = {
  type: 'Partial'
  start: number
  seconds: number
  partition: number
  partitions: number
  sums: MeasureSum[]
}
export type Count = BinClosed | Milestone | Idle | Unknown | Late

export type Decision = 'quiet' | 'opened' | 'held' | 'suppressed' | 'masked' | 'insufficient'
export type Signal = {
  type: 'Signal'
  measure: Measure
  resolution: number
  start: number
  count: number
  expected: number | null
  dispersion: number | null
  residual: number | null
  variance: number | null
  autocorrelation: number | null
  rawVariance: number | null
  rawAutocorrelation: number | null
  varianceTrend: number | null
  autocorrelationTrend: number | null
  pVariance: number | null
  pAutocorrelation: number | null
  p: number | null
  score: number | null
  decision: Decision
  reason: string
  settings: string
}

/**
 * Kinds of alerts in the order in which people see them: what comes before first. A kind is a text, and one that is not
 * among these is an alert like any other, and comes last (docs/decisions/0013).
 */
export const ALERT_KINDS: readonly string[] = ['early-warning', 'onset', 'collapse']
export const kindOrder = (kind: string): number =>
  ALERT_KINDS.includes(kind) ? ALERT_KINDS.indexOf(kind) : ALERT_KINDS.length
export const SEVERITIES = ['low', 'medium', 'high'] as const
export type Severity = (typeof SEVERITIES)[number]

/** What an alert is about; the channel is the key of its record. */
export type Subject =
  /** The series that opened it, and the bin. */
  | { type: 'series'; measure: Measure; resolution: number; start: number }
  | { type: 'channel' }
  /** `accounts`: at most MOST_ACCOUNTS of its `size`. */
  | { type: 'cluster'; id: string; accounts: number[]; size: number }
  | { type: 'community'; id: string; size: number }
export const MOST_ACCOUNTS = 100

/** One bin of a series, as it was decided on; `p`: the chance of such a bin while nothing changes, null where there is none. */
type OfBin = {
  measure: Measure
  resolution: number
  start: number
  count: number
  expected: number
  dispersion: number
  p: number | null
  reason: string
}
export type EarlyWarningEvidence = { detector: 'early-warning' } & OfBin & {
    variance: number | null
    autocorrelation: number | null
    score: number | null
  }
export type OnsetEvidence = { detector: 'onset' } & OfBin
export type CollapseEvidence = { detector: 'collapse' } & OfBin & {
    variance: number | null
    autocorrelation: number | null
  }
/** Of any detector, without a branch of its own. What is shown of it stands in `figures`, those that are known, in order. */
export type PlainEvidence = { detector: string; figures: Figure[]; reason: string }
export type Figure = { name: string; value: number }
/** `'measure' in evidence` tells those about a bin from plain ones. */
export type Evidence = EarlyWarningEvidence | OnsetEvidence | CollapseEvidence | PlainEvidence

/** Of plain evidence: the figures named `p` and `score`. */
export const pOf = (e: Evidence): number | null => ('figures' in e ? figure(e, 'p') : e.p)
export const scoreOf = (e: Evidence): number | null =>
  'figures' in e ? figure(e, 'score') : 'score' in e ? e.score : null
const figure = ({ figures }: PlainEvidence, name: string): number | null =>
  figures.find((f) => f.name === name)?.value ?? null

export type AlertEvent = {
  type: 'AlertEvent'
  fingerprint: string
  sequence: number
  event: 'opened' | 'updated' | 'resolved'
  kind: string
  severity: Severity
  time: number
  openedAt: number
  subject: Subject
  reason: string
  evidence: Evidence[]
  preset: string
  settings: string
}

/** What a person did to an alert. `details` is JSON, of which only the action knows the form. */
export type DeskAction = {
  type: 'DeskAction'
  id: string
  alert: string
  action: string
  by: string
  at: number
  details: string
}

export type FcmRecord = Activity | Count | Partial | Signal | AlertEvent | DeskAction
export type RecordType = FcmRecord['type']
