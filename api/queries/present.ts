/** Rows of the store as the API shows them: times in ISO 8601, hashes in hex, text capped. */
import { iso } from '../../common/time.ts'
import type { Alert, AlertChange, AlertDetail } from '../../connectors/postgres/alerts/alerts.ts'
import type { CastRow } from '../../connectors/postgres/casts/casts.ts'
import type {
  Followed,
  Gap,
  RequestRow,
  SourceState,
} from '../../connectors/postgres/operations/operations.ts'
import type { Run } from '../../connectors/postgres/runs/runs.ts'
import type {
  Channel,
  CountRow,
  Overview,
  Series,
  SignalRow,
} from '../../connectors/postgres/series/series.ts'
import { quantile } from '../../models/early-warning/negative-binomial.ts'
import { type Evidence, type PlainEvidence, type Subject, seriesName } from '../../schemas/records.ts'
import type * as alerts from '../contracts/alerts.ts'
import type * as channels from '../contracts/channels.ts'
import { TEXT_LIMIT } from '../contracts/channels.ts'
import type * as ops from '../contracts/ops.ts'
import type * as seriesOf from '../contracts/series.ts'
import type * as sources from '../contracts/source.ts'

const isoOrNull = (time: number | null): string | null => (time === null ? null : iso(time))
const hex = (bytes: Buffer): string => `0x${bytes.toString('hex')}`

/** The first `limit` characters, by code point, so that no surrogate pair is torn. */
export function cap(text: string, limit: number): string {
  if (text.length <= limit) return text
  return [...text.slice(0, 2 * limit)].slice(0, limit).join('')
}

/** The bin of a series stands in fields of its own. */
const subject = (of: Subject): alerts.Subject => {
  switch (of.type) {
    case 'series':
    case 'channel':
      return { type: of.type }
    case 'cluster':
      return { type: of.type, id: of.id, accounts: of.accounts, size: of.size }
    case 'community':
      return { type: of.type, id: of.id, size: of.size }
  }
}

export const alert = (row: Alert): alerts.Alert => ({
  id: row.id,
  run: row.run,
  channel: row.channel,
  type: row.type,
  severity: row.severity,
  state: row.state,
  openedAt: iso(row.openedAt),
  updatedAt: iso(row.updatedAt),
  resolvedAt: isoOrNull(row.resolvedAt),
  subject: subject(row.subject),
  series: row.series,
  resolution: row.resolution,
  start: isoOrNull(row.start),
  sequence: row.sequence,
  reason: row.reason,
  outcome: row.outcome,
  preset: row.preset,
  settings: row.settings,
  score: row.score,
  listed: row.listed,
})

export const alertChange = ({ event, now }: AlertChange & { kind: 'event' }): alerts.AlertChange => ({
  ...alert(now),
  event,
})

/** Evidence about bins, in the shape that all detectors of today share. */
export const evidence = (channel: string, items: Evidence[]): alerts.Evidence[] =>
  items.flatMap((e) =>
    'figures' in e
      ? []
      : {
          series: seriesName(e.measure, channel),
          resolution: e.resolution,
          start: iso(e.start),
          count: e.count,
          expected: e.expected,
          dispersion: e.dispersion,
          variance: 'variance' in e ? e.variance : null,
          autocorrelation: 'autocorrelation' in e ? e.autocorrelation : null,
          p: e.p,
          score: 'score' in e ? e.score : null,
          reason: e.reason,
        },
  )

const plainEvidence = (e: PlainEvidence): alerts.PlainEvidence => ({
  detector: e.detector,
  figures: e.figures.map(({ name, value }) => ({ name, value })),
  reason: e.reason,
})

export const alertDetail = (row: AlertDetail): alerts.AlertDetail => ({
  ...alert(row),
  evidence: row.evidence.flatMap((e): alerts.AlertDetail['evidence'] =>
    'figures' in e ? [plainEvidence(e)] : evidence(row.channel, [e]),
  ),
  events: row.events.map((e) => ({
    sequence: e.sequence,
    event: e.event,
    severity: e.severity,
    time: iso(e.time),
    reason: e.reason,
  })),
})

export const series = (row: Series): seriesOf.Series => ({
  id: row.id,
  run: row.run,
  measure: row.measure,
  channel: row.channel,
  firstAt: iso(row.firstAt),
  lastAt: iso(row.lastAt),
  total: row.total,
})

export const count = (row: Omit<CountRow, 'series'>): seriesOf.CountBin => ({
  start: iso(row.start),
  seconds: row.seconds,
  count: row.count,
  late: row.late,
  covered: row.covered,
})

/** The middle 95 % of the negative binomial that was expected: what a bin seldom lies outside of. */
const band = (expected: number | null, dispersion: number | null) =>
  expected === null
    ? { lower: null, upper: null }
    : {
        lower: quantile(0.025, expected, dispersion ?? 0),
        upper: quantile(0.975, expected, dispersion ?? 0),
      }

/** What was made of a bin, as it stands in the log; in the order in which exports show it. */
export const signalFields = (row: Omit<SignalRow, 'series'>) => ({
  start: iso(row.start),
  resolution: row.resolution,
  count: row.count,
  expected: row.expected,
  dispersion: row.dispersion,
  residual: row.residual,
  variance: row.variance,
  autocorrelation: row.autocorrelation,
  rawVariance: row.rawVariance,
  rawAutocorrelation: row.rawAutocorrelation,
  varianceTrend: row.varianceTrend,
  autocorrelationTrend: row.autocorrelationTrend,
  pVariance: row.pVariance,
  pAutocorrelation: row.pAutocorrelation,
  p: row.p,
  score: row.score,
  decision: row.decision,
  reason: row.reason,
  settings: row.settings,
})

export const signal = (row: Omit<SignalRow, 'series'>): seriesOf.Signal => ({
  ...signalFields(row),
  ...band(row.expected, row.dispersion),
})

export const cast = (row: CastRow): channels.Cast => {
  const text = row.text === null ? null : cap(row.text, TEXT_LIMIT)
  return {
    hash: hex(row.hash),
    fid: row.fid,
    time: iso(row.time),
    text,
    truncated: text !== row.text,
    removed: row.removed,
    parentHash: row.parentHash && hex(row.parentHash),
    urls: row.urls.map((url) => cap(url, TEXT_LIMIT)),
  }
}

export const channel = (row: Channel): channels.Channel => ({
  id: row.id,
  series: row.series,
  lastAt: iso(row.lastAt),
  openAlerts: row.openAlerts,
})

export const overview = ({ now, items }: Overview): channels.Overview => ({
  now: isoOrNull(now),
  items: items.map((row) => ({
    ...row,
    alerts: row.alerts.map((a) => ({ ...a, openedAt: iso(a.openedAt) })),
    at: isoOrNull(row.at),
  })),
})

export const gap = (row: Gap): channels.Gap => ({
  channel: row.channel,
  measure: row.measure,
  from: iso(row.from),
  to: iso(row.to),
  reason: row.reason,
})

/** What a server was told or told us: short enough to read. */
const ERROR_LIMIT = 300
const errorOf = (text: string | null): string | null => text && cap(text, ERROR_LIMIT)

export const source = (run: string, row: SourceState, channels: Followed[]): sources.Source => ({
  run,
  measures: row.measures.map((m) => ({
    measure: m.measure,
    decidedTo: iso(m.decidedTo),
    gapRatio24h: m.gapRatioDay,
  })),
  round: row.round && {
    at: iso(row.round.at),
    requests: row.round.requests,
    failed: row.round.failed,
    error: errorOf(row.round.error),
    complete: row.round.complete,
    next: isoOrNull(row.round.next),
  },
  requests: row.requests,
  failed: row.failed,
  hour: isoOrNull(row.hour),
  followed: row.followed,
  failing: row.failing,
  behind: row.behind,
  channels: channels.map((c) => ({
    channel: c.channel,
    postsTo: isoOrNull(c.postsTo),
    repliesTo: isoOrNull(c.repliesTo),
    reactionsTo: isoOrNull(c.reactionsTo),
    polledAt: isoOrNull(c.polledAt),
    error: errorOf(c.error),
    behind: c.behind,
    requests: c.requests,
    failed: c.failed,
  })),
})

export const requests = (row: RequestRow): sources.Requests => ({
  channel: row.channel,
  hour: iso(row.hour),
  requests: row.requests,
  failed: row.failed,
})

export const run = (row: Run): ops.Run => ({
  run: row.run,
  createdAt: iso(row.createdAt),
  channels: row.channels,
  firstAt: isoOrNull(row.firstAt),
  lastAt: isoOrNull(row.lastAt),
  alerts: row.alerts,
  late: row.late,
  lateBefore: row.lateBefore,
})
