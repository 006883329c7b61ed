/** What a source did and saw, as rows. */
import { DAY, HOUR } from '../../../common/time.ts'
import { type Coverage, type Measure, NETWORK, type Polled } from '../../../schemas/records.ts'
import { keyOf } from '../database/channel-name.ts'
import { type Query, unnest } from '../database/database.ts'
import type { ChannelId, Gap, Keyed } from '../ingest/batch.ts'

/** Requests of channels are kept for so long, behind the last round; those of whole rounds for good. */
const KEPT = 14 * DAY

type GapRow = Omit<Gap, 'key'> & { channel: number }

/** Pieces that join a gap for the same reason become part of it: while a source is away, it says so every few minutes. */
export async function insertGaps(query: Query, gaps: readonly Gap[], channel: ChannelId): Promise<void> {
  if (gaps.length === 0) return
  const pieces = gaps
    .map(({ key, ...gap }): GapRow => ({ channel: channel(key), ...gap }))
    // Copies come from every partition at once: equal order, so that no two writers wait for each other.
    .sort((a, b) => a.channel - b.channel || compare(a.measure, b.measure) || a.from - b.from || b.to - a.to)
  const rows: GapRow[] = []
  for (const piece of pieces) {
    const last = rows.at(-1)
    if (last?.channel !== piece.channel || last.measure !== piece.measure) rows.push(piece)
    else if (last.reason === piece.reason && piece.from <= last.to) {
      last.to = Math.max(last.to, piece.to)
    } else if (piece.from > last.from) rows.push(piece)
  }
  const table = unnest(
    ['int', 'text', 'bigint', 'bigint', 'text'],
    rows.map((row) => [row.channel, row.measure, row.from, row.to, row.reason]),
  )
  const pieceOf = `${table.from} AS t (channel, measure, "from", "to", reason)`
  // Of the gaps that began before, only the last can be joined.
  const joins = `g.channel = t.channel AND g.measure = t.measure
    AND g."from" = (
      SELECT max(b."from") FROM gaps b WHERE b.channel = t.channel AND b.measure = t.measure AND b."from" < t."from")
    AND t."from" <= g."to" AND g.reason IS NOT DISTINCT FROM t.reason`
  const joined = query(
    `UPDATE gaps g SET "to" = t."to" FROM ${pieceOf} WHERE ${joins} AND g."to" < t."to"`,
    table.values,
  )
  const inserted = query(
    `INSERT INTO gaps AS g (channel, measure, "from", "to", reason)
     SELECT * FROM ${pieceOf} WHERE NOT EXISTS (SELECT FROM gaps g WHERE ${joins})
     ON CONFLICT (channel, measure, "from") DO UPDATE
     SET "to" = excluded."to", reason = excluded.reason
     WHERE g."to" < excluded."to"`,
    table.values,
  )
  await Promise.all([joined, inserted])
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Spans that a source has spoken of, each (channel, measure) in one row that only grows. */
export async function insertCoverages(
  query: Query,
  coverages: readonly Keyed<Coverage>[],
  channel: ChannelId,
): Promise<void> {
  if (coverages.length === 0) return
  type Times = { from: number; to: number | null; coveredTo: number | null; decidedTo: number | null }
  const spans = new Map<string, Times & { channel: number; measure: Measure }>()
  for (const { key, record } of coverages) {
    const { from, to, status } = record
    const said: Times = {
      from,
      to: status === 'decided' ? null : to,
      coveredTo: status === 'covered' || status === 'complete' ? to : null,
      decidedTo: status === 'decided' ? to : null,
    }
    for (const measure of record.measures) {
      const id = `${channel(key)} ${measure}`
      const before = spans.get(id) ?? said
      spans.set(id, {
        ...{ channel: channel(key), measure },
        from: Math.min(before.from, from),
        to: later(before.to, said.to),
        coveredTo: later(before.coveredTo, said.coveredTo),
        decidedTo: later(before.decidedTo, said.decidedTo),
      })
    }
  }
  const rows = [...spans.values()]
    // Copies of what is said of the whole come from every partition at once: equal order, so that no two writers wait
    // for each other.
    .sort((a, b) => a.channel - b.channel || compare(a.measure, b.measure))
    .map((row) => [row.channel, row.measure, row.from, row.to, row.coveredTo, row.decidedTo] as const)
  const table = unnest(['int', 'text', 'bigint', 'bigint', 'bigint', 'bigint'], rows)
  // The greatest and the least pass over nulls.
  await query(
    `INSERT INTO coverage AS c (channel, measure, "from", "to", covered_to, decided_to) SELECT * FROM ${table.from}
     ON CONFLICT (channel, measure) DO UPDATE
     SET "from" = least(c."from", excluded."from"), "to" = greatest(c."to", excluded."to"),
       covered_to = greatest(c.covered_to, excluded.covered_to),
       decided_to = greatest(c.decided_to, excluded.decided_to)
     WHERE excluded."from" < c."from" OR greatest(c."to", excluded."to") IS DISTINCT FROM c."to"
       OR greatest(c.covered_to, excluded.covered_to) IS DISTINCT FROM c.covered_to
       OR greatest(c.decided_to, excluded.decided_to) IS DISTINCT FROM c.decided_to`,
    table.values,
  )
}

const later = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b)

/** Adds those polls that come behind the last one added: a channel's polls come in order, and may come again. */
export async function insertPolls(
  query: Query,
  polls: readonly Keyed<Polled>[],
  channel: ChannelId,
): Promise<void> {
  if (polls.length === 0) return
  // Two writers of a channel must not both add what the other has not committed yet.
  const ids = unnest(
    ['int'],
    polls.map(({ key }) => [channel(key)]),
  )
  const locked = query(
    `SELECT FROM channels WHERE id IN (SELECT * FROM ${ids.from}) ORDER BY id FOR NO KEY UPDATE`,
    ids.values,
  )
  const table = unnest(
    ['int', 'int', 'bigint', 'bigint', 'bigint', 'text', 'text', 'bigint'],
    polls.map(({ key, record: p }) => [
      ...[channel(key), Math.floor(p.at / HOUR), p.at, p.requests, p.failed],
      ...[p.failed > 0 ? p.error : null, p.complete.join(','), p.next],
    ]),
  )
  const added = query(
    `WITH polled AS (
       SELECT DISTINCT ON (t.channel, t.at) t.*
       FROM ${table.from} AS t (channel, hour, at, requests, failed, error, complete, next)
       LEFT JOIN polls p ON p.channel = t.channel AND p.hour = t.hour
       WHERE p.at IS NULL OR p.at < t.at
     ), summed AS (
       SELECT channel, hour, max(at) AS at, sum(requests) AS requests, sum(failed) AS failed FROM polled
       GROUP BY channel, hour
     )
     INSERT INTO polls AS p
       (channel, hour, at, requests, failed, last_requests, last_failed, error, complete, next)
     SELECT s.channel, s.hour, s.at, s.requests, s.failed, l.requests, l.failed, l.error, l.complete, l.next
     FROM summed s JOIN polled l ON l.channel = s.channel AND l.at = s.at
     ON CONFLICT (channel, hour) DO UPDATE
     SET at = excluded.at, requests = p.requests + excluded.requests, failed = p.failed + excluded.failed,
       last_requests = excluded.last_requests, last_failed = excluded.last_failed, error = excluded.error,
       complete = excluded.complete, next = excluded.next`,
    table.values,
  )
  await Promise.all([locked, added])
}

/** Forgets requests of channels from long before their run's last round; returns how many rows. */
export async function forgetPolls(query: Query): Promise<number> {
  const { changed } = await query(
    `WITH rounds AS MATERIALIZED (
       SELECT w.run, max(n.hour) AS hour FROM channels w JOIN polls n ON n.channel = w.id WHERE w.key = $1 GROUP BY w.run
     )
     DELETE FROM polls p USING rounds r JOIN channels c ON c.run = r.run
     WHERE p.channel = c.id AND p.hour < r.hour - $2::int AND c.key <> $1`,
    [keyOf(NETWORK), KEPT / HOUR],
  )
  return changed
}
