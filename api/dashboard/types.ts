/** What the query API answers, as the dashboard uses it. Types only: no browser is sent this file. */

/** early-warning, onset, collapse, or any other that comes. */
export type AlertType = string
export type Severity = 'low' | 'medium' | 'high'
export type Alert = {
  id: string
  run: string
  channel: string
  type: AlertType
  severity: Severity
  state: 'open' | 'resolved'
  openedAt: string
  updatedAt: string
  resolvedAt: string | null
  series: string
  resolution: number
  start: string
  sequence: number
  /** Why it was opened. */
  reason: string
  /** Why it ended; null while it has not. */
  outcome: string | null
  preset: string
  settings: string
  score: number | null
  q: number | null
  /** Within the daily cap. */
  listed: boolean
}
export type Evidence = {
  series: string
  resolution: number
  start: string
  count: number
  expected: number
  dispersion: number
  variance: number | null
  autocorrelation: number | null
  p: number | null
  score: number | null
  reason: string
}
export type AlertDetail = Alert & {
  evidence: Evidence[]
  events: { sequence: number; event: string; severity: string; time: string; reason: string }[]
}
export type Series = {
  id: string
  run: string
  measure: string
  channel: string
  firstAt: string
  lastAt: string
  total: number
}
/** A channel at its last bins of 5 minutes. */
export type Risk = {
  channel: string
  alerts: { id: string; type: AlertType; severity: Severity; openedAt: string }[]
  series: string
  score: number | null
  p: number | null
  count: number | null
  expected: number | null
  at: string | null
  decision: string | null
  recent: (number | null)[]
  scores: (number | null)[]
}
export type Overview = { now: string | null; items: Risk[] }
export type Count = { start: string; seconds: number; count: number; late: number; covered: number }
export type Signal = {
  start: string
  resolution: number
  count: number
  expected: number | null
  lower: number | null
  upper: number | null
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
  decision: string
  reason: string
  settings: string
}
export type Cast = {
  hash: string
  fid: number
  time: string
  text: string | null
  removed: boolean
  parentHash: string | null
  urls: string[]
}
export type Run = {
  run: string
  createdAt: string
  channels: number
  firstAt: string | null
  lastAt: string | null
  alerts: number
}
export type Lag = {
  run: string
  group: string
  topic: string
  partition: number
  committed: number
  end: number
  records: number
  seconds: number
}
export type Gap = { channel: string; measure: string; from: string; to: string; reason: string | null }
export type Followed = {
  channel: string
  postsTo: string | null
  repliesTo: string | null
  reactionsTo: string | null
  polledAt: string | null
  error: string | null
  behind: string[]
  requests: number
  failed: number
}
export type Source = {
  run: string
  measures: { measure: string; decidedTo: string; gapRatio24h: number | null }[]
  round: {
    at: string
    requests: number
    failed: number
    error: string | null
    complete: string[]
    next: string | null
  } | null
  requests: number
  failed: number
  /** Requests of channels are those in the hour from here on. */
  hour: string | null
  followed: number
  failing: number
  behind: number
  channels: Followed[]
}
/** Seconds; `le`: the bucket's upper end, null: it has none. */
export type Hop = {
  hop: string
  title: string
  count: number
  p50: number | null
  p90: number | null
  p99: number | null
  buckets: { le: number | null; count: number }[]
}
/** Of so many seconds up to now. */
export type Latency = { budget: number; seconds: number; items: Hop[] }
export type DeadLetter = {
  topic: string
  role: string
  count: number
  lastAt: string
  lastWhy: string
}
/** `notice`: what a reader must know of all that is shown of the run `live`. */
export type About = { version: string; notice: string | null }
