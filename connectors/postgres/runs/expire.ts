/** What is kept no longer: texts after some days, and of run `live`, which never ends, what is older than a year. */
import { LIVE } from '../../../pipeline/topology.ts'
import type { Alerts } from '../alerts/alerts.ts'
import { placeOf } from '../alerts/place.ts'
import type { Database, Query } from '../database/database.ts'
import { beginOf, KEPT_MONTHS, makeMonth, monthOf } from '../database/months.ts'
import { deleteInSlices, SLICE } from '../database/slices.ts'
import { forgetPolls } from '../operations/insert-operations.ts'
import { forgetChannels } from './forget-channels.ts'

const OF_LIVE = `SELECT c.id FROM channels c JOIN runs r ON r.id = c.run WHERE r.name = '${LIVE}'`
const SERIES_OF_LIVE = `SELECT s.id FROM series s WHERE s.channel IN (${OF_LIVE})`
const RUN_OF_LIVE = `SELECT id FROM runs WHERE name = '${LIVE}'`

/** Of run `live`: what was stored before there were months. */
const BEFORE_MONTHS = [
  ['signals_0', `series IN (${SERIES_OF_LIVE})`],
  ['counts_0', `series IN (${SERIES_OF_LIVE})`],
  ['casts_0', `run IN (${RUN_OF_LIVE})`],
] as const
/** Of run `live`, too: what grows slowly, and has no months. */
const SLOW = [
  ['gaps', `channel IN (${OF_LIVE})`],
  ['unknown_spans', `series IN (${SERIES_OF_LIVE})`],
  ['late', `series IN (${SERIES_OF_LIVE})`],
  ['removals', `run IN (${RUN_OF_LIVE})`],
] as const

/** In ms, `now`: by it months are told. Safe to be called by several processes at once. Returns how many rows and tables. */
export async function expire(
  db: Database,
  alerts: Pick<Alerts, 'forget'>,
  textDays: number,
  now: number,
): Promise<number> {
  const { query } = db
  const before = monthOf(now) - KEPT_MONTHS
  // Ahead of who writes in it first, which may be an alert.
  await makeMonth(query, monthOf(now) + 1)
  return (
    (await blankTexts(query, textDays)) +
    (await forgetPolls(query)) +
    (await dropMonths(query, before)) +
    (await deleteSlow(query)) +
    (await forgetChanges(query, alerts, now)) +
    (await forgetChannels(db, beginOf(before)))
  )
}

async function blankTexts(query: Query, textDays: number): Promise<number> {
  for (let blanked = 0; ; ) {
    const { changed } = await query(
      `UPDATE casts c SET text = NULL FROM (
         SELECT month, run, hash FROM casts
         WHERE text IS NOT NULL AND stored_at < now() - make_interval(secs => $1::float8 * 86400)
         LIMIT ${SLICE} FOR UPDATE SKIP LOCKED
       ) old WHERE c.month = old.month AND c.run = old.run AND c.hash = old.hash`,
      [textDays],
    )
    blanked += changed
    if (changed < SLICE) return blanked
  }
}

async function dropMonths(query: Query, before: number): Promise<number> {
  const { rows } = await query(
    'SELECT drop_months($1) AS dropped, (SELECT month FROM months_since) AS since',
    [before],
  )
  const { dropped, since } = rows[0] as { dropped: number; since: number }
  let deleted = await deleteInSlices(query, 'cast_hashes', 'month < $1', [before])
  if (since < before)
    for (const [table, condition] of BEFORE_MONTHS)
      deleted += await deleteInSlices(query, table, condition, [])
  return dropped + deleted
}

async function deleteSlow(query: Query): Promise<number> {
  let deleted = 0
  for (const [table, condition] of SLOW) {
    const old = `stored_at < now() - make_interval(months => $1) AND ${condition}`
    deleted += await deleteInSlices(query, table, old, [KEPT_MONTHS + 1])
  }
  return deleted
}

/** What was told of run `live` up to the first change that is younger: alerts themselves stay. */
async function forgetChanges(query: Query, alerts: Pick<Alerts, 'forget'>, now: number): Promise<number> {
  for (let forgotten = 0; ; ) {
    const { rows } = await query(
      `SELECT epoch, n FROM (
         SELECT epoch, n, at FROM changes WHERE run = (${RUN_OF_LIVE}) ORDER BY epoch, n LIMIT ${SLICE}
       ) first WHERE at < to_timestamp($1::float8 / 1000) - make_interval(months => $2)
       ORDER BY epoch DESC, n DESC LIMIT 1`,
      [now, KEPT_MONTHS + 1],
    )
    const [last] = rows
    if (!last) return forgotten
    forgotten += await alerts.forget(LIVE, placeOf(last.epoch as number, last.n as number))
  }
}
