/** Forgets channels of run `live` of which nothing is kept any more: strangers name as many as they like. */
import { BASE } from '../../../common/time.ts'
import { LIVE } from '../../../pipeline/topology.ts'
import { NETWORK } from '../../../schemas/records.ts'
import { keyOf } from '../database/channel-name.ts'
import { arrayLiteral, type Database, type Query } from '../database/database.ts'

/** Channels that are looked at, and those of them that go, at a time. */
const TOGETHER = 200

/** Not EXISTS, which the planner may answer by reading a whole table for the sake of some channels. */
const none = (rows: string): string => `(SELECT 1 FROM ${rows} LIMIT 1) IS NULL`
const noneOfSeries = ['counts', 'signals', 'late', 'unknown_spans'].map((table) =>
  none(`${table} WHERE series = s.id`),
)
/** Of channel `c`: nothing is kept but what its source said, and where its series ended, before $2 (ms). $1: key of the whole. */
const IS_OVER = `c.key <> $1
  AND ${none(`channel_spans n WHERE n.channel = c.id AND n.last_72 >= $2::bigint / (72 * ${BASE})`)}
  AND ${none('alerts WHERE channel = c.id')}
  AND ${none('coverage v WHERE v.channel = c.id AND greatest(v."to", v.decided_to) >= $2')}
  AND ${none('polls WHERE channel = c.id AND at >= $2')}
  AND ${none('gaps WHERE channel = c.id')}
  AND ${none('casts WHERE channel = c.id')}
  AND ${none(`series s WHERE s.channel = c.id AND NOT (${noneOfSeries.join(' AND ')})`)}`

/** What goes with a channel; its series last, by which their signals are found. */
const ROWS = [
  'latest_signals WHERE series IN (SELECT id FROM series WHERE channel = ANY ($1::int[]))',
  'coverage WHERE channel = ANY ($1::int[])',
  'polls WHERE channel = ANY ($1::int[])',
  'channel_spans WHERE channel = ANY ($1::int[])',
  'series WHERE channel = ANY ($1::int[])',
  'channels WHERE id = ANY ($1::int[])',
]

/** `before`, in ms: what is older is kept no longer. Returns how many channels. */
export async function forgetChannels(db: Database, before: number): Promise<number> {
  const key = keyOf(NETWORK)
  for (let forgotten = 0, last = 0; ; ) {
    const { rows } = await db.query(
      `SELECT c.id, ${IS_OVER} AS over FROM (
         SELECT id, key FROM channels WHERE run = (SELECT id FROM runs WHERE name = '${LIVE}') AND id > $3
         ORDER BY id LIMIT ${TOGETHER}
       ) c ORDER BY c.id`,
      [key, before, last],
    )
    if (rows.length === 0) return forgotten
    last = rows.at(-1)!.id as number
    const over = idsOf(rows.filter((row) => row.over))
    if (over.length > 0) forgotten += await db.transaction((query) => forget(query, over, [key, before]))
  }
}

/**
 * Whoever writes has locked the channels that he writes of until he commits: these stay. Of all others nobody writes until this is
 * committed, and then finds them gone.
 */
async function forget(query: Query, ids: number[], values: unknown[]): Promise<number> {
  const { rows: locked } = await query(
    'SELECT id FROM channels WHERE id = ANY ($1::int[]) ORDER BY id FOR UPDATE SKIP LOCKED',
    [arrayLiteral(ids)],
  )
  // Again, now that nothing is added to them.
  const { rows } = await query(`SELECT c.id FROM channels c WHERE c.id = ANY ($3::int[]) AND ${IS_OVER}`, [
    ...values,
    arrayLiteral(idsOf(locked)),
  ])
  const over = arrayLiteral(idsOf(rows))
  for (const of of ROWS) await query(`DELETE FROM ${of}`, [over])
  return rows.length
}

const idsOf = (rows: Record<string, unknown>[]): number[] => rows.map(({ id }) => id as number)
