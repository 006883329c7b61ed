/**
 * The records that stand in the log, as TypeScript sees them. Each mirrors the .avsc file of its name, where every
 * field is explained; `records.test.ts` holds the two together. `type` is not on the wire: the schema id tells it.
 */
export const MEASURES = ['posts', 'replies', 'casts', 'reactions', 'participants'] as const
export type Measure = (typeof MEASURES)[number]

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

export const ALERT_KINDS = ['early-warning', 'onset', 'collapse'] as const
export type AlertKind = (typeof ALERT_KINDS)[number]
export const SEVERITIES = ['low', 'medium', 'high'] as const
export type Severity = (typeof SEVERITIES)[number]
export type Evidence = {
  measure: Measure
  resolution: number
  start: number
  count: number
  expected: number
  dispersion: number
  variance: number | null
  autocorrelation: number | null
  p: number | null
  score: number | null
  reason: string
}
export type AlertEvent = {
  type: 'AlertEvent'
  fingerprint: string
  sequence: number
  event: 'opened' | 'updated' | 'resolved'
  kind: AlertKind
  severity: Severity
  time: number
  openedAt: number
  measure: Measure
  resolution: number
  start: number
  reason: string
  evidence: Evidence[]
  preset: string
  settings: string
}

export type FcmRecord = Activity | Count | Partial | Signal | AlertEvent
export type RecordType = FcmRecord['type']
