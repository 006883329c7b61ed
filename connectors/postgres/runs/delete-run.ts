/** Deletes a run, in slices: one transaction over all of it would hold up who writes other runs, for minutes. */
import { arrayLiteral, codeOf, type Query } from '../database/database.ts'
import { deleteInSlices } from '../database/slices.ts'

/** Tables whose rows belong to a series or a channel, or name their run; what refers to others comes before them. */
const OF_SERIES = ['counts', 'unknown_spans', 'late', 'signals', 'latest_signals']
const OF_CHANNEL = ['casts', 'gaps', 'coverage', 'polls']
const OF_RUN = [
  'cast_hashes',
  'removals',
  'changes',
  'outbox',
  'desk_actions',
  'alert_events',
  'alerts',
  'alert_days',
  'late_totals',
  'channel_spans',
  'horizons',
]

/** Series or channels whose rows are looked for together, by an index: what was deleted before is not read again. */
const TOGETHER = 50

/** SQLSTATE of a row that another still refers to. */
const REFERRED_TO = '23503'
const ATTEMPTS = 10

/**
 * From its first statement on, the run is gone for all others (`RUN_DELETED` for who was writing to it); where this is cut
 * off, the same again goes on with it. Returns whether there was such a run.
 */
export async function deleteRun(query: Query, run: string): Promise<boolean> {
  // Waits for writes under way, which hold the row.
  const { rows } = await query('UPDATE runs SET deleting = true WHERE name = $1 RETURNING id', [run])
  const id = rows[0]?.id as number | undefined
  if (id === undefined) return false
  for (let attempt = 1; ; attempt++) {
    try {
      await deleteRows(query, id)
      return true
    } catch (error) {
      // Who was about to write has named a channel or a series meanwhile, before it was refused.
      if (codeOf(error) !== REFERRED_TO || attempt === ATTEMPTS) throw error
    }
  }
}

async function deleteRows(query: Query, id: number): Promise<void> {
  const idsOf = async (sql: string): Promise<string[]> => {
    const found = (await query(sql, [id])).rows.map((row) => row.id as number)
    return Array.from({ length: Math.ceil(found.length / TOGETHER) }, (_, i) =>
      arrayLiteral(found.slice(i * TOGETHER, (i + 1) * TOGETHER)),
    )
  }
  const channels = await idsOf('SELECT id FROM channels WHERE run = $1 ORDER BY id')
  const series = await idsOf(
    'SELECT s.id FROM series s JOIN channels c ON c.id = s.channel WHERE c.run = $1 ORDER BY s.id',
  )
  for (const table of await leavesOf(query, OF_SERIES))
    for (const ids of series) await deleteInSlices(query, table, 'series = ANY ($1::int[])', [ids])
  for (const table of await leavesOf(query, OF_CHANNEL))
    for (const ids of channels) await deleteInSlices(query, table, 'channel = ANY ($1::int[])', [ids])
  for (const table of OF_RUN) await deleteInSlices(query, table, 'run = $1', [id])
  for (const ids of channels) await deleteInSlices(query, 'series', 'channel = ANY ($1::int[])', [ids])
  await deleteInSlices(query, 'channels', 'run = $1', [id])
  await query('DELETE FROM runs WHERE id = $1', [id])
}

/** The tables themselves, and in place of one that stands in months its months. */
async function leavesOf(query: Query, tables: readonly string[]): Promise<string[]> {
  const { rows } = await query(
    `SELECT coalesce(i.inhrelid::regclass, t.name::regclass)::text AS name
     FROM unnest($1::text[]) WITH ORDINALITY t (name, n) LEFT JOIN pg_inherits i ON i.inhparent = t.name::regclass
     ORDER BY t.n`,
    [tables],
  )
  return rows.map((row) => row.name as string)
}
