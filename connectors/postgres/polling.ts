/** What a polling source did and saw, as rows, and what people ask of it. */
import { DAY, HOUR } from '../../common/time.ts'
import { type Coverage, type Measure, NETWORK, type Polled } from '../../schemas/records.ts'
import { keyOf } from './channel-name.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { type Query, type Row, unnest } from './database.ts'
import type { Gap } from './inserts.ts'
import type { Followed, RequestRow, SourceState, Store } from './port.ts'
import { channelKey } from './reading.ts'

type Keyed<R> = { key: string; record: R }
type ChannelId = (key: string) => number

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

/** Beside channels `c`: the last poll of each. */
const LAST_POLL = `LATERAL (SELECT at, hour, error FROM polls WHERE channel = c.id ORDER BY hour DESC LIMIT 1) p ON true`
const OF_RUN = 'FROM runs r JOIN channels c ON c.run = r.id'

/**
 * What is polled well is decided up to so long before the last round: posts are after minutes, what is under casts when
 * each was polled in the last hour.
 */
const BEHIND = { posts: HOUR, replies: 3 * HOUR, reactions: 3 * HOUR }
const UP_TO = Object.entries(BEHIND).map(([measure, ms], n) => `(${n}, '${measure}', ${ms}::bigint)`)

/**
 * `followed`: the channels that the source polls still, their last poll, and the measures in which they are behind.
 * Not every server tells of replies and reactions: those count of which something was decided for the whole.
 * $1: the run; $2: the key of the whole.
 */
const FOLLOWED = `round AS MATERIALIZED (
    SELECT c.id, p.at, p.hour ${OF_RUN} JOIN ${LAST_POLL} WHERE r.name = $1 AND c.key = $2
  ), due AS MATERIALIZED (
    SELECT m.n, m.measure, round.at - m.ms AS at
    FROM round CROSS JOIN (VALUES ${UP_TO.join(', ')}) m (n, measure, ms)
    WHERE m.measure = 'posts' OR EXISTS (
      SELECT FROM coverage v WHERE v.channel = round.id AND v.measure = m.measure AND v.decided_to IS NOT NULL)
  ), followed AS (
    SELECT c.id, c.name, p.at, p.error, b.behind
    ${OF_RUN} JOIN ${LAST_POLL} JOIN round ON p.hour >= round.hour - ${DAY / HOUR}
    CROSS JOIN LATERAL (
      SELECT coalesce(array_agg(d.measure ORDER BY d.n), '{}') AS behind
      FROM due d LEFT JOIN coverage v ON v.channel = c.id AND v.measure = d.measure
      WHERE coalesce(v."to", (SELECT min(f.hour) FROM polls f WHERE f.channel = c.id) * ${HOUR}::bigint) < d.at
    ) b
    WHERE r.name = $1 AND c.key <> $2
  )`

type Queries = Pick<Store, 'source' | 'followed' | 'requests' | 'findChannel'>

export const createPollingQueries = (query: Query): Queries => ({
  async source(run) {
    const measures = await query(
      // What is followed by name is followed up to its last poll: what was said of it later is that it is followed no more.
      // Where no channel is followed by name, the whole is.
      `WITH spans AS (
         SELECT v.channel, v.measure, v."from", least(v."to", p.at) AS "to",
           max(greatest(v."to", v.decided_to)) FILTER (WHERE c.key = $2) OVER of_measure AS decided,
           (c.key = $2) <> bool_or(c.key <> $2) OVER of_measure AS followed
         ${OF_RUN} JOIN coverage v ON v.channel = c.id LEFT JOIN ${LAST_POLL}
         WHERE r.name = $1 AND (c.key = $2 OR p.at IS NOT NULL) WINDOW of_measure AS (PARTITION BY v.measure)
       ), days AS (
         SELECT channel, measure, decided, greatest("from", decided - $3) AS "from", least("to", decided) AS "to"
         FROM spans WHERE followed AND decided IS NOT NULL
       )
       SELECT d.measure, d.decided,
         (sum(g.gap) / nullif(sum(greatest(0, d."to" - d."from")), 0))::float8 AS ratio
       FROM days d CROSS JOIN LATERAL (
         SELECT coalesce(sum(greatest(0, least(g."to", d."to") - greatest(g."from", d."from"))), 0) AS gap FROM gaps g
         WHERE g.channel = d.channel AND g.measure = d.measure AND g."from" < d."to"
           -- What is said of a channel follows on: of the gaps that began before, only the last can reach into the day.
           AND g."from" >= coalesce((
             SELECT max(b."from") FROM gaps b
             WHERE b.channel = d.channel AND b.measure = d.measure AND b."from" <= d."from"), 0)
       ) g
       GROUP BY d.measure, d.decided ORDER BY array_position(ARRAY ['posts', 'replies', 'reactions'], d.measure)`,
      [run, keyOf(NETWORK), DAY],
    )
    const rounds = await query(
      `SELECT p.*, sum(p.requests) OVER ()::float8 AS all_requests, sum(p.failed) OVER ()::float8 AS all_failed,
         min(p.hour) OVER () AS first
       ${OF_RUN} JOIN polls p ON p.channel = c.id WHERE r.name = $1 AND c.key = $2 ORDER BY p.hour DESC LIMIT 1`,
      [run, keyOf(NETWORK)],
    )
    const channels = await query(
      `WITH ${FOLLOWED}
       SELECT count(*) AS followed, count(*) FILTER (WHERE error IS NOT NULL) AS failing,
         count(*) FILTER (WHERE behind <> '{}') AS behind
       FROM followed`,
      [run, keyOf(NETWORK)],
    )
    const round = rounds.rows[0]
    return {
      measures: measures.rows.map((row) => ({
        measure: row.measure as Measure,
        decidedTo: row.decided as number,
        gapRatioDay: row.ratio as number | null,
      })),
      round: round ? roundOf(round) : null,
      requests: (round?.all_requests as number | undefined) ?? 0,
      failed: (round?.all_failed as number | undefined) ?? 0,
      hour: round ? Math.max((round.hour as number) - 1, round.first as number) * HOUR : null,
      followed: channels.rows[0]!.followed as number,
      failing: channels.rows[0]!.failing as number,
      behind: channels.rows[0]!.behind as number,
    } satisfies SourceState
  },

  async followed(run, hour, limit) {
    const { rows } = await query(
      `WITH ${FOLLOWED}
       SELECT f.*, v.*, coalesce(h.requests, 0) AS requests, coalesce(h.failed, 0) AS failed
       FROM followed f CROSS JOIN LATERAL (
         SELECT max(v.covered_to) FILTER (WHERE v.measure = 'posts') AS posts,
           max(v.covered_to) FILTER (WHERE v.measure = 'replies') AS replies,
           max(v.covered_to) FILTER (WHERE v.measure = 'reactions') AS reactions
         FROM coverage v WHERE v.channel = f.id
       ) v LEFT JOIN polls h ON h.channel = f.id AND h.hour = $3
       ORDER BY f.error IS NULL, f.behind = '{}', coalesce(h.requests, 0) DESC, f.name LIMIT $4`,
      [run, keyOf(NETWORK), hour === null ? null : hour / HOUR, limit],
    )
    return rows.map(
      (row): Followed => ({
        channel: row.name as string,
        postsTo: row.posts as number | null,
        repliesTo: row.replies as number | null,
        reactionsTo: row.reactions as number | null,
        polledAt: row.at as number | null,
        error: row.error as string | null,
        behind: row.behind as Measure[],
        requests: row.requests as number,
        failed: row.failed as number,
      }),
    )
  },

  async requests(run, filter, { limit, cursor }) {
    const after = decodeCursor('requests', cursor, ['number', 'string'])
    const { rows } = await query(
      `SELECT c.name, p.hour, p.requests, p.failed ${OF_RUN} JOIN polls p ON p.channel = c.id
       WHERE r.name = $1 AND ($2::bytea IS NULL OR c.key = $2)
         AND ($3::bigint IS NULL OR p.hour >= $3) AND ($4::bigint IS NULL OR p.hour < $4)
         -- Of what a cursor says, an index over one table can use the first part.
         AND ($5::bigint IS NULL OR p.hour >= $5 AND (p.hour, c.name) > ($5, $6))
       ORDER BY p.hour, c.name LIMIT $7`,
      [
        ...[run, channelKey(filter.channel), hourFrom(filter.from), hourFrom(filter.to)],
        ...[after?.[0] ?? null, after?.[1] ?? null, limit + 1],
      ],
    )
    return pageOf(
      rows,
      limit,
      'requests',
      (row) => [row.hour as number, row.name as string],
      (row): RequestRow => ({
        channel: row.name as string,
        hour: (row.hour as number) * HOUR,
        requests: row.requests as number,
        failed: row.failed as number,
      }),
    )
  },

  async findChannel(run, name) {
    const found = await query(`SELECT ${OF_RUN} WHERE r.name = $1 AND c.key = $2`, [run, keyOf(name)])
    if (found.rows.length > 0) return { known: true, alike: [] }
    const end = name.replace(/^\/+|\/+$/g, '')
    if (end === '') return { known: false, alike: [] }
    const alike = await query(
      `SELECT c.name ${OF_RUN} WHERE r.name = $1 AND right('/' || rtrim(c.name, '/'), length($2) + 1) = '/' || $2
       ORDER BY c.name LIMIT 2`,
      [run, end],
    )
    return { known: false, alike: alike.rows.map((row) => row.name as string) }
  },
})

/** Of the hours that begin at `time` or later, the first. */
const hourFrom = (time: number | undefined): number | null =>
  time === undefined ? null : Math.ceil(time / HOUR)

const roundOf = (row: Row): NonNullable<SourceState['round']> => ({
  at: row.at as number,
  requests: row.last_requests as number,
  failed: row.last_failed as number,
  error: row.error as string | null,
  complete: (row.complete as string).split(',').filter((measure) => measure !== '') as Measure[],
  next: row.next as number | null,
})
