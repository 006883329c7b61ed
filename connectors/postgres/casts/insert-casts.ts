/** Casts and their removals as rows: one statement for each table, ignoring what is there already. */

import { clean } from '../../../common/text.ts'
import type { Cast, CastRemoved } from '../../../schemas/records.ts'
import { arrayLiteral, type Query, unnest } from '../database/database.ts'
import { NO_MONTH } from '../database/months.ts'
import { type ChannelId, distinct, type Keyed } from '../ingest/batch.ts'

export async function insertCasts(
  query: Query,
  run: number,
  casts: Keyed<Cast>[],
  channel: ChannelId,
  month: number,
): Promise<void> {
  if (casts.length === 0) return
  const table = unnest(
    ['int', 'bytea', 'int', 'bigint', 'bigint', 'text', 'bytea', 'text'],
    distinct(casts, ({ record }) => record.hash.toString('latin1')).map(({ key, record }) => [
      run,
      record.hash,
      channel(key),
      record.fid,
      record.time,
      record.text,
      record.parent?.hash ?? null,
      JSON.stringify(record.urls.map(clean)),
    ]),
  )
  const columns = 'run, hash, channel, fid, time, text, parent_hash, urls'
  // Those of a month have an index of their own by hash. What was stored before there were months stands in month 0.
  const fresh =
    month === NO_MONTH
      ? ''
      : `, fresh AS (
         INSERT INTO cast_hashes (run, hash, month)
         SELECT t.run, t.hash, $9::smallint FROM told t
         WHERE NOT EXISTS (SELECT FROM casts c WHERE c.run = t.run AND c.hash = t.hash AND c.month = ${NO_MONTH})
         ON CONFLICT DO NOTHING RETURNING hash
       )`
  await query(
    `WITH told AS (SELECT * FROM ${table.from} AS t (${columns}))${fresh}
     INSERT INTO casts (${columns}, removed, month)
     SELECT t.run, t.hash, t.channel, t.fid, t.time, CASE WHEN r.run IS NULL THEN t.text END, t.parent_hash,
       CASE WHEN r.run IS NULL THEN ARRAY (SELECT jsonb_array_elements_text(t.urls::jsonb)) ELSE '{}' END,
       r.run IS NOT NULL, $9::smallint
     FROM told t ${fresh && 'JOIN fresh USING (hash)'}
     LEFT JOIN removals r ON r.run = t.run AND r.hash = t.hash AND r.fid = t.fid
     ON CONFLICT DO NOTHING`,
    [...table.values, month],
  )
}

export async function insertRemovals(query: Query, run: number, removals: CastRemoved[]): Promise<void> {
  if (removals.length === 0) return
  const table = unnest(
    ['int', 'bytea', 'bigint'],
    removals.map(({ target, fid }) => [run, target, fid]),
  )
  await query(
    `INSERT INTO removals (run, hash, fid) SELECT * FROM ${table.from} ON CONFLICT DO NOTHING`,
    table.values,
  )
}

/**
 * Blanks those casts that their own authors removed. After the commit of either side: two writers of a cast and of its
 * removal don't see each other's rows before, and whichever of them comes here last sees both.
 */
export async function blankRemoved(query: Query, run: number, hashes: Buffer[]): Promise<void> {
  if (hashes.length === 0) return
  await query(
    `UPDATE casts c SET removed = true, text = NULL, urls = '{}'
     FROM removals r
     WHERE r.run = $1 AND r.hash = ANY ($2::bytea[])
       AND c.run = r.run AND c.hash = r.hash AND c.fid = r.fid AND NOT c.removed`,
    [run, arrayLiteral(hashes)],
  )
}
