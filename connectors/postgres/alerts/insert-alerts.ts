/** Alert events as rows, and what each alert is after its last one. */
import { type AlertEvent, pOf, scoreOf } from '../../../schemas/records.ts'
import { clean, type Query, unnest } from '../database/database.ts'
import { type ChannelId, distinct, type Keyed, subjectOf } from '../ingest/batch.ts'

export async function insertAlertEvents(
  query: Query,
  run: number,
  alerts: Keyed<AlertEvent>[],
  channel: ChannelId,
): Promise<void> {
  if (alerts.length === 0) return
  const table = unnest(
    [
      ...['text', 'int', 'int', 'int', 'text', 'text', 'text', 'bigint', 'bigint', 'text', 'int', 'bigint'],
      ...['text', 'jsonb', 'text', 'text'],
    ],
    alerts.map(({ key, record: a }) => [
      a.fingerprint,
      a.sequence,
      run,
      channel(key),
      a.event,
      a.kind,
      a.severity,
      a.time,
      a.openedAt,
      subjectOf(a).measure,
      subjectOf(a).resolution,
      subjectOf(a).start,
      a.reason,
      JSON.stringify(a.evidence.map((e) => ({ ...e, reason: clean(e.reason) }))),
      a.preset,
      a.settings,
    ]),
  )
  const appended = query(
    `INSERT INTO alert_events
       (fingerprint, sequence, run, channel, event, kind, severity, time, opened_at, measure, resolution, start,
       reason, evidence, preset, settings)
     SELECT * FROM ${table.from} ON CONFLICT DO NOTHING`,
    table.values,
  )

  const latest = distinct(
    alerts,
    ({ record }) => record.fingerprint,
    (a, b) => a.record.sequence > b.record.sequence,
  )
  // An alert's first event comes before or with all others, so its p-value stands from the start.
  const opening = new Map(
    alerts.flatMap(({ record: a }) => (a.sequence === 1 ? [[a.fingerprint, a.evidence] as const] : [])),
  )
  const digest = unnest(
    ['text', 'int', 'int', 'text', 'bigint', 'int', 'text', 'text', 'float8', 'float8'],
    latest.map(({ key, record: a }) => [
      a.fingerprint,
      run,
      channel(key),
      a.kind,
      a.openedAt,
      a.sequence,
      a.severity,
      a.event === 'resolved' ? 'resolved' : 'open',
      outermost(Math.max, a.evidence.map(scoreOf)),
      outermost(Math.min, opening.get(a.fingerprint)?.map(pOf) ?? []),
    ]),
  )
  const told = query(
    `INSERT INTO alerts AS a (fingerprint, run, channel, kind, opened_at, sequence, severity, state, score, p)
     SELECT * FROM ${digest.from}
     ON CONFLICT (fingerprint) DO UPDATE
     SET sequence = excluded.sequence, severity = excluded.severity, state = excluded.state, score = excluded.score
     WHERE a.sequence < excluded.sequence`,
    digest.values,
  )
  await Promise.all([appended, told])
}

/** The greatest or the least of what is known; null: nothing is. */
function outermost(of: (...values: number[]) => number, values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : of(...known)
}
