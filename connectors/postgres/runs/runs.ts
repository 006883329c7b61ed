/** Runs as a whole. Times are ms. */
import { BASE } from '../../../common/time.ts'
import { PARTS } from '../../../schemas/measures.js'
import { NETWORK } from '../../../schemas/records.ts'
import type { Alerts } from '../alerts/alerts.ts'
import { keyOf } from '../database/channel-name.ts'
import { decodeCursor, pageOf } from '../database/cursor.ts'
import type { Database, Query } from '../database/database.ts'
import type { Alone } from '../database/locks.ts'
import type { Page, Paging } from '../database/questions.ts'
import { deleteRun } from './delete-run.ts'
import { expire } from './expire.ts'

/** `channels`: without `*`. `firstAt`: begin of the first bin, `lastAt`: end of the last one, of any series. */
export type Run = {
  run: string
  createdAt: number
  channels: number
  firstAt: number | null
  lastAt: number | null
  alerts: number
  /** Arrivals after their bins had closed, each once, and those of them from before all that was remembered. */
  late: number
  lateBefore: number
}

export interface Runs {
  /** By name. */
  list(paging: Paging): Promise<Page<Run>>
  has(run: string): Promise<boolean>
  /**
   * In slices, so that others need not wait for it; cut off, the same again goes on with it. Who is writing to it, in another
   * process too, gets RUN_DELETED.
   */
  delete(run: string): Promise<void>
  /**
   * Blanks texts of casts that were stored more than `textDays` ago, deletes requests of channels from more than 14 days
   * before their run's last round, and of run `live` what was stored more than `KEPT_MONTHS` whole months ago, and channels of
   * which nothing is left then; returns how many rows, tables and channels that were.
   */
  expire(textDays: number): Promise<number>
  /** One process at a time. */
  alone: Alone
}

export type RunsOptions = {
  read: Query
  db: Database
  alone: Alone
  alerts: Pick<Alerts, 'forget'>
  /** A run was deleted: what the writer remembers of it is not there any more. */
  forget(run: string): void
  /** Much was deleted. */
  freeSpace(): Promise<void>
  /** The wall clock, ms. */
  now(): number
}

export const createRuns = ({ read, db, alone, alerts, forget, freeSpace, now }: RunsOptions): Runs => ({
  alone,

  async list({ limit, cursor }) {
    const after = decodeCursor('runs', cursor, ['string'])
    const { rows } = await read(
      `SELECT r.name, (extract(epoch FROM r.created_at) * 1000)::bigint AS created,
         (SELECT count(*) FROM channel_spans s WHERE s.run = r.id)
           - (SELECT count(*) FROM channels w JOIN channel_spans s ON s.channel = w.id WHERE w.run = r.id AND w.key = $4)
           AS channels,
         (SELECT min(s.first) FROM channel_spans s WHERE s.run = r.id) AS first,
         (SELECT max(h.next) FROM horizons h WHERE h.run = r.id) AS next,
         (SELECT coalesce(sum(d.low + d.medium + d.high), 0)::bigint FROM alert_days d WHERE d.run = r.id) AS alerts,
         l.late, l.before_all
       FROM runs r CROSS JOIN LATERAL (
         SELECT coalesce(sum(t.count), 0)::float8 AS late, coalesce(sum(t.before_all), 0)::float8 AS before_all
         FROM late_totals t WHERE t.run = r.id AND t.measure = ANY ($1)
       ) l
       WHERE NOT r.deleting AND ($2::text IS NULL OR r.name > $2)
       ORDER BY r.name LIMIT $3`,
      [PARTS, after?.[0] ?? null, limit + 1, keyOf(NETWORK)],
    )
    const ms = (bin: unknown) => (bin === null ? null : (bin as number) * BASE)
    return pageOf(
      rows,
      limit,
      'runs',
      (row) => [row.name as string],
      (row): Run => ({
        run: row.name as string,
        createdAt: row.created as number,
        channels: row.channels as number,
        firstAt: ms(row.first),
        lastAt: ms(row.next),
        alerts: row.alerts as number,
        late: row.late as number,
        lateBefore: row.before_all as number,
      }),
    )
  },

  async has(run) {
    return (await read('SELECT FROM runs WHERE name = $1 AND NOT deleting', [run])).rows.length > 0
  },

  async delete(run) {
    if (!(await deleteRun(db.query, run))) return
    forget(run)
    await freeSpace()
  },

  async expire(textDays) {
    const expired = await expire(db, alerts, textDays, now())
    if (expired > 0) await freeSpace()
    return expired
  },
})
