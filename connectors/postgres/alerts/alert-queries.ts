/** Alerts as people see them: what each is after its last event, how it ranks among those of its day, and its news. */
import { DAY } from '../../../common/time.ts'
import { SEVERITIES } from '../../../schemas/records.ts'
import { channelKey } from '../database/channel-name.ts'
import { decodeCursor, pageOf } from '../database/cursor.ts'
import type { Query, Row } from '../database/database.ts'
import type { Alert, AlertChange, AlertDetail, AlertFilter, Alerts, EventRef, OpenAlerts } from './alerts.ts'
import { evidenceOf, exportAlerts } from './export-alerts.ts'

const WORST = `array_position('{${SEVERITIES}}'::text[], a.severity) DESC, a.score DESC NULLS LAST, a.p,
  a.opened_at, a.fingerprint`

/**
 * Beside `page`, alerts: the rank of each among those of its run, type and day, and its q-value, the least of p m / i
 * over itself and those of greater p, the i-th of m.
 */
const STANDING = `standing AS (
    SELECT fingerprint, rank, CASE WHEN p IS NOT NULL THEN
      min(p * m / i) OVER (PARTITION BY run, kind, day ORDER BY p DESC NULLS LAST, fingerprint DESC) END AS q
    FROM (
      SELECT a.fingerprint, a.run, a.kind, a.day, a.p, count(a.p) OVER of_day AS m,
        row_number() OVER (of_day ORDER BY a.p, a.fingerprint) AS i,
        row_number() OVER (of_day ORDER BY ${WORST}) AS rank
      FROM (SELECT DISTINCT run, kind, day FROM page) d JOIN alerts a USING (run, kind, day)
      WINDOW of_day AS (PARTITION BY a.run, a.kind, a.day)
    ) ranked
  )`

/** Of events `e` with their standing `s`, names of run `r` and channel `c`, and why the alert opened. */
const COLUMNS = `e.*, s.q, s.rank, r.name AS run_name, c.name AS channel_name,
  (SELECT max((x ->> 'score')::float8) FROM jsonb_array_elements(e.evidence) x) AS score, (
    SELECT w.reason FROM alert_events w WHERE w.fingerprint = e.fingerprint ORDER BY w.sequence LIMIT 1) AS why`
const JOINED = `JOIN standing s ON s.fingerprint = e.fingerprint
  JOIN runs r ON r.id = e.run JOIN channels c ON c.id = e.channel`
const LAST_EVENT = 'alert_events e ON e.fingerprint = page.fingerprint AND e.sequence = page.sequence'

/** An event as what its alert was then. */
function alertOf(row: Row, perDay: number): Alert {
  const resolved = row.event === 'resolved'
  return {
    id: row.fingerprint,
    run: row.run_name,
    channel: row.channel_name,
    type: row.kind,
    severity: row.severity,
    state: resolved ? 'resolved' : 'open',
    openedAt: row.opened_at,
    updatedAt: row.time,
    resolvedAt: resolved ? row.time : null,
    series: `${row.measure}:${row.channel_name}`,
    resolution: row.resolution,
    start: row.start,
    sequence: row.sequence,
    reason: row.why,
    outcome: resolved ? row.reason : null,
    preset: row.preset,
    settings: row.settings,
    score: row.score,
    q: row.q,
    listed: perDay === 0 || (row.rank as number) <= perDay,
  } as Alert
}

/** Of alerts `a` of run $1: those that pass a filter. */
const PASSES = `a.run = (SELECT id FROM runs WHERE name = $1)
  AND ($2::bigint IS NULL OR a.opened_at >= $2) AND ($3::bigint IS NULL OR a.opened_at < $3)
  AND ($4::text IS NULL OR a.kind = $4) AND ($5::text IS NULL OR a.severity = $5)
  AND ($6::text IS NULL OR a.state = $6)
  AND ($7::bytea IS NULL OR a.channel = (
    SELECT c.id FROM runs r JOIN channels c ON c.run = r.id WHERE r.name = $1 AND c.key = $7))`

/** Alerts beyond the cap $8, of whole days: few days have more alerts than it allows, and only those are ranked. */
const BEYOND = `full_days AS MATERIALIZED (
    SELECT run, kind, day FROM alerts
    WHERE run = (SELECT id FROM runs WHERE name = $1) AND ($4::text IS NULL OR kind = $4)
      AND ($9::int IS NULL OR day >= $9) AND ($10::int IS NULL OR day < $10)
    GROUP BY run, kind, day HAVING count(*) > $8
  ), beyond AS MATERIALIZED (
    SELECT * FROM (
      SELECT a.*, row_number() OVER (PARTITION BY a.run, a.kind, a.day ORDER BY ${WORST}) AS rank
      FROM full_days d JOIN alerts a USING (run, kind, day)
    ) ranked WHERE rank > $8
  )`
const NO_CAP = 2 ** 31 - 1

const valuesOf = (run: string, filter: AlertFilter, cap: number) => [
  ...[run, filter.from ?? null, filter.to ?? null, filter.type ?? null, filter.severity ?? null],
  ...[filter.state ?? null, channelKey(filter.channel), cap],
  filter.from === undefined ? null : Math.floor(filter.from / DAY),
  filter.to === undefined ? null : Math.ceil(filter.to / DAY),
]

export const createAlerts = (query: Query): Alerts => ({
  async list(run, filter, { limit, cursor }) {
    const after = decodeCursor('alerts', cursor, ['number', 'string'])
    const { perDay = 0 } = filter
    const values = valuesOf(run, filter, perDay > 0 && !filter.all ? perDay : NO_CAP)
    const { rows } = await query(
      `WITH ${BEYOND}, page AS (
         SELECT * FROM alerts a
         WHERE ${PASSES} AND ($11::bigint IS NULL OR (a.opened_at, a.fingerprint) < ($11, $12))
           AND a.fingerprint NOT IN (SELECT fingerprint FROM beyond)
         ORDER BY a.opened_at DESC, a.fingerprint DESC LIMIT $13
       ), ${STANDING}
       SELECT * FROM (SELECT count(*) AS beyond_cap FROM beyond a WHERE ${PASSES}) n
       LEFT JOIN (SELECT ${COLUMNS} FROM page JOIN ${LAST_EVENT} ${JOINED}) listed ON true
       ORDER BY opened_at DESC, fingerprint DESC`,
      [...values, after?.[0] ?? null, after?.[1] ?? null, limit + 1],
    )
    const page = pageOf(
      rows.filter((row) => row.fingerprint !== null),
      limit,
      'alerts',
      (row) => [row.opened_at as number, row.fingerprint as string],
      (row) => alertOf(row, perDay),
    )
    return { ...page, beyondCap: rows[0]!.beyond_cap as number }
  },

  async get(id, perDay = 0) {
    const { rows } = await query(
      `WITH page AS (SELECT * FROM alerts WHERE fingerprint = $1), ${STANDING}
       SELECT ${COLUMNS} FROM page JOIN ${LAST_EVENT} ${JOINED}`,
      [id],
    )
    if (!rows[0]) return null
    const alert = alertOf(rows[0], perDay)
    const events = await query(
      `SELECT sequence, event, severity, time, reason FROM alert_events
       WHERE fingerprint = $1 AND sequence <= $2 ORDER BY sequence`,
      [id, alert.sequence],
    )
    return {
      ...alert,
      evidence: evidenceOf(rows[0]).map(({ measure, ...rest }) => ({
        series: `${measure}:${alert.channel}`,
        ...rest,
      })),
      events: events.rows as AlertDetail['events'],
    }
  },

  async changes(run, after, limit, perDay = 0) {
    const { rows } = await query(
      `WITH changes AS (
         SELECT * FROM alert_events WHERE run = (SELECT id FROM runs WHERE name = $1) AND place > $2
         ORDER BY place LIMIT $3
       ), page AS (
         SELECT * FROM alerts WHERE fingerprint IN (SELECT fingerprint FROM changes)
       ), ${STANDING}
       SELECT ${COLUMNS} FROM changes e ${JOINED} ORDER BY e.place`,
      [run, after, limit],
    )
    return rows.map((row) => ({
      place: row.place as number,
      alert: row.fingerprint as string,
      event: row.event as AlertChange['event'],
      now: alertOf(row, perDay),
    }))
  },

  async lastEvents(runs) {
    const { rows } = await query(
      `SELECT r.name, e.place, e.fingerprint FROM runs r CROSS JOIN LATERAL (
         SELECT place, fingerprint FROM alert_events WHERE run = r.id ORDER BY place DESC LIMIT 1) e
       WHERE r.name = ANY ($1)`,
      [runs],
    )
    return new Map(
      rows.map((row): [string, EventRef] => [
        row.name as string,
        { place: row.place as number, alert: row.fingerprint as string },
      ]),
    )
  },

  async hasEvent(run, { place, alert }) {
    const { rows } = await query(
      `SELECT FROM alert_events
       WHERE run = (SELECT id FROM runs WHERE name = $1) AND place = $2 AND fingerprint = $3`,
      [run, place, alert],
    )
    return rows.length > 0
  },

  async open() {
    const { rows } = await query(
      `SELECT r.name AS run, a.kind AS type, a.severity, count(*) AS count
       FROM alerts a JOIN runs r ON r.id = a.run WHERE a.state = 'open'
       GROUP BY r.name, a.kind, a.severity ORDER BY r.name, a.kind, a.severity`,
    )
    return rows as OpenAlerts[]
  },

  export: (filter) => exportAlerts(query, filter),
})
