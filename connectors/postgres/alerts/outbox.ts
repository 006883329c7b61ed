/** Everything that happens to the alerts of a run, in one order. */
import { FcmError } from '../../../common/errors.ts'
import { type AlertEvent, scoreOf } from '../../../schemas/records.ts'
import type { Database, Query, Row } from '../database/database.ts'
import { SLICE } from '../database/slices.ts'
import { ACTION_COLUMNS, actionOf, alertOf, COLUMNS, evidenceOf, NAMED } from './alert-rows.ts'
import type { AlertChange, Alerts } from './alerts.ts'
import { greatest } from './insert-alerts.ts'
import { BEGINNING, type Place, parsePlace, placeOf } from './place.ts'
import { asking } from './ranking.ts'

const RUN = '(SELECT id FROM runs WHERE name = $1)'

type Outbox = Pick<Alerts, 'changes' | 'lastPlaces' | 'checkPlace' | 'forget'>

export const createOutbox = (query: Query, db: Database): Outbox => {
  /** What tells whether a place was given out, and is kept. */
  async function checkPlace(run: string, place: Place): Promise<void> {
    const [epoch, n] = parsePlace(run, place)
    if (place === BEGINNING) return
    const { rows } = await query(
      `SELECT (o.expired_epoch, o.expired_n) > ($2, $3) AS expired,
         (o.expired_epoch, o.expired_n) = ($2, $3)
           OR EXISTS (SELECT FROM changes c WHERE c.run = o.run AND c.epoch = $2 AND c.n = $3) AS known
       FROM outbox o WHERE o.run = ${RUN}`,
      [run, epoch, n],
    )
    if (rows[0]?.known) return
    throw new FcmError(rows[0]?.expired ? 'PLACE_EXPIRED' : 'PLACE_UNKNOWN', { run, place })
  }

  return {
    checkPlace,

    async changes(run, after, limit, perDay = 0) {
      await checkPlace(run, after)
      const { cap, value, values } = asking(run)
      const { join, listed } = cap(perDay)
      const [epoch, n] = parsePlace(run, after).map(value)
      const { rows } = await query(
        `SELECT ch.epoch, ch.n, ch.kind AS kind_of_change, ch.alert AS alert_id,
           (extract(epoch FROM ch.at) * 1000)::bigint AS changed_at,
           ${ACTION_COLUMNS}, ${COLUMNS}, e.evidence, ${listed} AS listed
         FROM (
           SELECT * FROM changes WHERE run = ${RUN} AND (epoch, n) > (${epoch}, ${n}) ORDER BY epoch, n LIMIT ${value(limit)}
         ) ch
         LEFT JOIN desk_actions d ON d.run = ch.run AND d.id = ch.action
         LEFT JOIN (alert_events e ${NAMED}) ON e.fingerprint = ch.alert AND e.sequence = ch.sequence
         LEFT JOIN alerts a ON a.fingerprint = ch.alert ${join}
         ORDER BY ch.epoch, ch.n`,
        values,
      )
      return rows.map(changeOf)
    },

    async lastPlaces(runs) {
      const { rows } = await query(
        `SELECT r.name, c.epoch, c.n FROM runs r CROSS JOIN LATERAL (
           (SELECT epoch, n FROM changes WHERE run = r.id ORDER BY epoch DESC, n DESC LIMIT 1)
           UNION ALL SELECT expired_epoch, expired_n FROM outbox WHERE run = r.id AND expired_epoch > 0 LIMIT 1
         ) c WHERE r.name = ANY ($1)`,
        [runs],
      )
      return new Map(rows.map((row) => [row.name as string, placeOf(row.epoch as number, row.n as number)]))
    },

    async forget(run, upTo) {
      const [epoch, n] = parsePlace(run, upTo)
      for (let forgotten = 0; ; ) {
        // What is told to be gone is gone with it, a slice at a time and from the beginning.
        const { rows } = await db.query(
          `WITH gone AS (
             DELETE FROM changes c USING (
               SELECT run, epoch, n FROM changes WHERE run = ${RUN} AND (epoch, n) <= ($2, $3)
               ORDER BY epoch, n LIMIT ${SLICE}
             ) s WHERE (c.run, c.epoch, c.n) = (s.run, s.epoch, s.n) RETURNING c.epoch, c.n
           ), last AS (
             SELECT epoch, n, count(*) OVER () AS many FROM gone ORDER BY epoch DESC, n DESC LIMIT 1
           )
           UPDATE outbox o SET expired_epoch = l.epoch, expired_n = l.n FROM last l WHERE o.run = ${RUN}
           RETURNING l.many`,
          [run, epoch, n],
        )
        const many = (rows[0]?.many as number | undefined) ?? 0
        forgotten += many
        if (many < SLICE) return forgotten
      }
    },
  }
}

function changeOf(row: Row): AlertChange {
  const now =
    row.fingerprint === null ? null : alertOf({ ...row, score: greatest(evidenceOf(row).map(scoreOf)) })
  const place = placeOf(row.epoch as number, row.n as number)
  const common = { place, alert: row.alert_id as string, at: row.changed_at as number }
  return row.kind_of_change === 'action'
    ? { ...common, kind: 'action', action: actionOf(row), now }
    : { ...common, kind: 'event', event: row.event as AlertEvent['event'], now: now! }
}
