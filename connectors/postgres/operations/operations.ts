/** What an operator looks at: what a source did and saw, and what it missed. Times are ms. */
import { DAY, HOUR } from '../../../common/time.ts'
import { type Measure, PARTS } from '../../../schemas/measures.js'
import { NETWORK } from '../../../schemas/records.ts'
import { channelKey, keyOf } from '../database/channel-name.ts'
import { decodeCursor, pageOf } from '../database/cursor.ts'
import type { Query, Row } from '../database/database.ts'
import type { Page, Paging, Span } from '../database/questions.ts'

export type Gap = { channel: string; measure: Measure; from: number; to: number; reason: string | null }

/** What a source has done and seen. */
export type SourceState = {
  /** `gapRatioDay`: the share, 0-1, of followed channels' time in the 24 hours before `decidedTo`; null: of no time. */
  measures: { measure: Measure; decidedTo: number; gapRatioDay: number | null }[]
  /** The last one; null: it has not polled. */
  round: {
    at: number
    requests: number
    failed: number
    error: string | null
    complete: Measure[]
    next: number | null
  } | null
  /** Of all rounds. */
  requests: number
  failed: number
  /** Begin of the last whole hour of its clock, or of the first one; null: it has not polled. */
  hour: number | null
  /** Channels that it follows, those of them whose last poll failed, and those that are behind in any measure. */
  followed: number
  failing: number
  behind: number
}

/**
 * `...To`: where its last covered span ends; null: none has been. `error`: of its last poll; null: all went well.
 * `behind`: the watched measures of which nothing is decided, neither covered nor a gap, up to `BEHIND` before the last
 * round; what was never decided is so since the first poll.
 */
export type Followed = {
  channel: string
  postsTo: number | null
  repliesTo: number | null
  reactionsTo: number | null
  polledAt: number | null
  error: string | null
  behind: Measure[]
  /** In the hour that was asked for. */
  requests: number
  failed: number
}

/** Requests in the hour from `hour` on; channel `*`: of whole rounds. */
export type RequestRow = { channel: string; hour: number; requests: number; failed: number }

export interface Operations {
  /**
   * Gaps that touch the span, earliest first; those of the whole source (`*`) count for every channel. Pieces that join
   * and have one reason are one gap.
   */
  gaps(run: string, filter: Span & { channel?: string | undefined }, paging: Paging): Promise<Page<Gap>>
  source(run: string): Promise<SourceState>
  /** Channels that the source follows by name: those that fail first, then those behind, then by requests in the hour. */
  followed(run: string, hour: number | null, limit: number): Promise<Followed[]>
  /** Earliest first, for the last 14 days; the span is of `hour`. */
  requests(
    run: string,
    filter: Span & { channel?: string | undefined },
    paging: Paging,
  ): Promise<Page<RequestRow>>
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

export const createOperations = (query: Query): Operations => ({
  async gaps(run, filter, { limit, cursor }) {
    const after = decodeCursor('gaps', cursor, ['number', 'string', 'string'])
    const { rows } = await query(
      `SELECT c.name AS channel, g.measure, g."from", g."to", g.reason
       FROM runs r JOIN channels c ON c.run = r.id JOIN gaps g ON g.channel = c.id
       WHERE r.name = $1 AND ($2::bytea IS NULL OR c.key IN ($2, $5))
         AND ($3::bigint IS NULL OR g."to" > $3) AND ($4::bigint IS NULL OR g."from" < $4)
         -- Of what a cursor says, an index over one table can use the first part.
         AND ($6::bigint IS NULL OR g."from" >= $6 AND (g."from", c.name, g.measure) > ($6, $7, $8))
       ORDER BY g."from", c.name, g.measure LIMIT $9`,
      [
        ...[run, channelKey(filter.channel), filter.from ?? null, filter.to ?? null, keyOf(NETWORK)],
        ...[after?.[0] ?? null, after?.[1] ?? null, after?.[2] ?? null, limit + 1],
      ],
    )
    return pageOf(
      rows,
      limit,
      'gaps',
      (row) => [row.from as number, row.channel as string, row.measure as string],
      (row) => row as Gap,
    )
  },

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
       GROUP BY d.measure, d.decided ORDER BY array_position('{${PARTS}}'::text[], d.measure)`,
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
