/** Alert events as rows, and what each alert is after its last one. */

import { clean } from '../../../common/text.ts'
import { type AlertEvent, type DeskAction, pOf, scoreOf } from '../../../schemas/records.ts'
import { type Query, unnest } from '../database/database.ts'
import { type ChannelId, distinct, type Keyed } from '../ingest/batch.ts'

export async function insertAlertEvents(
  query: Query,
  run: number,
  alerts: Keyed<AlertEvent>[],
  channel: ChannelId,
): Promise<void> {
  if (alerts.length === 0) return
  // Ahead of all rows: so two writers of the same ones don't wait for each other.
  const turn = query('SELECT open_outbox($1)', [run])
  const table = unnest(
    [
      ...['text', 'int', 'int', 'int', 'text', 'text', 'text', 'bigint', 'bigint', 'text', 'int', 'bigint'],
      ...['text', 'jsonb', 'text', 'text', 'jsonb'],
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
      ...(a.subject.type === 'series'
        ? [a.subject.measure, a.subject.resolution, a.subject.start]
        : [null, null, null]),
      a.reason,
      stored(a.evidence),
      a.preset,
      a.settings,
      a.subject.type === 'series' ? null : stored(a.subject),
    ]),
  )
  const appended = query(
    `INSERT INTO alert_events
       (fingerprint, sequence, run, channel, event, kind, severity, time, opened_at, measure, resolution, start,
       reason, evidence, preset, settings, subject)
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
      greatest(a.evidence.map(scoreOf)),
      least(opening.get(a.fingerprint)?.map(pOf) ?? []),
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
  await Promise.all([turn, appended, told])
}

/** What people did, each once. */
export async function insertActions(query: Query, run: number, actions: DeskAction[]): Promise<void> {
  if (actions.length === 0) return
  const table = unnest(
    ['int', 'text', 'text', 'text', 'text', 'bigint', 'text'],
    actions.map((d) => [run, d.id, d.alert, d.action, d.by, d.at, d.details]),
  )
  await Promise.all([
    query('SELECT open_outbox($1)', [run]),
    query(
      `INSERT INTO desk_actions (run, id, alert, action, by, at, details)
       SELECT * FROM ${table.from} ON CONFLICT DO NOTHING`,
      table.values,
    ),
  ])
}

/** As JSON that PostgreSQL can hold. */
const stored = (value: object): string =>
  JSON.stringify(value, (_, part) => (typeof part === 'string' ? clean(part) : part))

/** The greatest, or the least, of what is known; null: nothing is. */
export const greatest = (values: (number | null)[]): number | null => outermost(Math.max, values)
export const least = (values: (number | null)[]): number | null => outermost(Math.min, values)

function outermost(of: (...values: number[]) => number, values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : of(...known)
}
