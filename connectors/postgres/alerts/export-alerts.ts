/** All events of alerts as rows. */
import { channelKey } from '../database/channel-name.ts'
import type { Query, Row } from '../database/database.ts'
import type { ExportFilter } from '../database/questions.ts'
import { alertOf, evidenceOf } from './alert-rows.ts'
import type { AlertRow } from './alerts.ts'

/** Alerts whose events are read together. */
const ALERT_PAGE = 250

export async function* exportAlerts(query: Query, filter: ExportFilter): AsyncGenerator<AlertRow> {
  let after = ''
  for (;;) {
    const { rows } = await query(
      `SELECT e.*, c.name AS channel_name
       FROM (
         SELECT fingerprint FROM alerts
         WHERE run = (SELECT id FROM runs WHERE name = $1) AND fingerprint > $2
           AND ($3::bigint IS NULL OR opened_at >= $3) AND ($4::bigint IS NULL OR opened_at < $4)
           AND ($5::bytea IS NULL OR channel = (
             SELECT c.id FROM runs r JOIN channels c ON c.run = r.id WHERE r.name = $1 AND c.key = $5))
         ORDER BY fingerprint LIMIT ${ALERT_PAGE}
       ) a JOIN alert_events e USING (fingerprint) JOIN channels c ON c.id = e.channel
       ORDER BY e.fingerprint, e.sequence`,
      [filter.run, after, filter.from ?? null, filter.to ?? null, channelKey(filter.channel)],
    )
    for (const row of rows) {
      const alert = alertRowOf(row)
      const wanted =
        (filter.series === undefined || alert.series === filter.series) &&
        (filter.resolution === undefined || alert.resolution === filter.resolution)
      if (wanted) yield alert
    }
    if (new Set(rows.map((row) => row.fingerprint)).size < ALERT_PAGE) return
    after = rows.at(-1)!.fingerprint as string
  }
}

function alertRowOf(row: Row): AlertRow {
  const { subject, series, resolution, start } = alertOf({ ...row, run_name: '', why: '' })
  return {
    id: row.fingerprint,
    sequence: row.sequence,
    event: row.event,
    type: row.kind,
    channel: row.channel_name,
    severity: row.severity,
    time: row.time,
    openedAt: row.opened_at,
    subject,
    ...{ series, resolution, start },
    reason: row.reason,
    evidence: evidenceOf(row),
    preset: row.preset,
    settings: row.settings,
  } as AlertRow
}
