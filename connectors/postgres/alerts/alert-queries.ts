/** Alerts as people see them: what each is after its last event, and how it stands among those of its day. */
import { decodeCursor, pageOf } from '../database/cursor.ts'
import type { Database, Query } from '../database/database.ts'
import { ACTION_COLUMNS, actionOf, alertOf, COLUMNS, evidenceOf, NAMED } from './alert-rows.ts'
import type { AlertDetail, Alerts, OpenAlerts } from './alerts.ts'
import { exportAlerts } from './export-alerts.ts'
import { createOutbox } from './outbox.ts'
import { asking, countBeyond, type Position } from './ranking.ts'

/** The last event of alerts `a`. */
const LAST_EVENT = 'alert_events e ON e.fingerprint = a.fingerprint AND e.sequence = a.sequence'

export const createAlerts = (query: Query, db: Database): Alerts => ({
  ...createOutbox(query, db),

  async list(run, filter, { limit, cursor }) {
    const after = decodeCursor('alerts', cursor, ['number', 'string'])
    const { all } = filter
    const { newest, value, values } = asking(run)
    const page = query(
      `SELECT ${COLUMNS}, a.score, a.listed FROM (${newest(filter, after as Position | null)} LIMIT ${value(limit + 1)}) a
       JOIN ${LAST_EVENT} ${NAMED} ORDER BY e.opened_at DESC, e.fingerprint DESC`,
      values,
    )
    const [{ rows }, beyondCap] = await Promise.all([page, all ? 0 : countBeyond(query, run, filter)])
    return {
      ...pageOf(
        rows,
        limit,
        'alerts',
        (row) => [row.opened_at as number, row.fingerprint as string],
        alertOf,
      ),
      beyondCap,
    }
  },

  async get(id, perDay = 0) {
    const { cap, value, values } = asking()
    const { join, listed } = cap(perDay)
    const { rows } = await query(
      `SELECT ${COLUMNS}, a.score, ${listed} AS listed, e.evidence
       FROM alerts a ${join} JOIN ${LAST_EVENT} ${NAMED} WHERE a.fingerprint = ${value(id)}`,
      values,
    )
    if (!rows[0]) return null
    const alert = alertOf(rows[0])
    const [events, actions] = await Promise.all([
      query(
        `SELECT sequence, event, severity, time, reason FROM alert_events
         WHERE fingerprint = $1 AND sequence <= $2 ORDER BY sequence`,
        [id, alert.sequence],
      ),
      query(`SELECT ${ACTION_COLUMNS} FROM desk_actions d WHERE d.alert = $1 ORDER BY d.at, d.id`, [id]),
    ])
    return {
      ...alert,
      evidence: evidenceOf(rows[0]),
      events: events.rows as AlertDetail['events'],
      actions: actions.rows.map(actionOf),
    }
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
