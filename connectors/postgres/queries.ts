/** What people and programs ask of the store, page by page. Every value is a bound parameter. */

import { BASE } from '../../common/time.ts'
import { type Measure, NETWORK } from '../../schemas/records.ts'
import { createAlertQueries } from './alerts.ts'
import { keyOf } from './channel-name.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import type { Query } from './database.ts'
import { exportCounts, signalOf } from './exports.ts'
import { createOverviewQueries } from './overview.ts'
import type { CastRow, CountRow, Gap, Series, Store } from './port.ts'
import { channelKey, findSeries, signalReader } from './reading.ts'

type Queries = Pick<Store, 'series' | 'counts' | 'signals' | 'channels' | 'casts' | 'gaps' | 'runs' | 'has'> &
  ReturnType<typeof createAlertQueries> &
  ReturnType<typeof createOverviewQueries>

/** The measures of which every event is in exactly one: their tallies add up to events. */
const EVENTS: Measure[] = ['posts', 'replies', 'reactions']

export const createQueries = (query: Query): Queries => ({
  ...createAlertQueries(query),
  ...createOverviewQueries(query),

  async series(run, filter, { limit, cursor }) {
    const after = decodeCursor('series', cursor, ['number', 'id'])
    const { rows } = await query(
      `SELECT s.id, s.measure, c.name, s.first, coalesce(s.last_event, s.first) AS last, s.total
       FROM runs r JOIN channels c ON c.run = r.id JOIN series s ON s.channel = c.id
       WHERE r.name = $1 AND s.first IS NOT NULL
         AND ($2::bytea IS NULL OR c.key = $2) AND ($3::text IS NULL OR s.measure = $3)
         AND ($4::bigint IS NULL OR (s.total, s.id) < ($4, $5))
       ORDER BY s.total DESC, s.id DESC LIMIT $6`,
      [
        run,
        channelKey(filter.channel),
        filter.measure ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        limit + 1,
      ],
    )
    return pageOf(
      rows,
      limit,
      'series',
      (row) => [row.total as number, row.id as number],
      (row): Series => ({
        id: `${row.measure}:${row.name}`,
        run,
        measure: row.measure as Measure,
        channel: row.name as string,
        firstAt: (row.first as number) * BASE,
        lastAt: (row.last as number) * BASE,
        total: row.total as number,
      }),
    )
  },

  async counts(run, series, resolution, span, { limit, cursor }) {
    const after = decodeCursor('counts', cursor, ['number'])
    const from = after ? after[0] + resolution * 1000 : span.from
    const rows: CountRow[] = []
    for await (const row of exportCounts(query, { run, series, resolution, ...span, from, fill: true })) {
      rows.push(row)
      if (rows.length > limit) break
    }
    return pageOf(
      rows,
      limit,
      'counts',
      (row) => [row.start],
      ({ series: _, ...row }) => row,
    )
  },

  async signals(run, series, resolution, span, { limit, cursor }) {
    const after = decodeCursor('signals', cursor, ['number'])
    const [found] = await findSeries(query, { run, series })
    if (!found) return { items: [], next: null }
    const read = signalReader(query, { ...span, resolution })
    const position = after && { resolution, start: after[0] }
    const rows = (await read([found.id], position, limit + 1)).get(found.id) ?? []
    return pageOf(rows, limit, 'signals', (row) => [row.start], signalOf)
  },

  async channels(run) {
    const { rows } = await query(
      `SELECT c.name, count(*) AS series, max(coalesce(s.last_event, s.first)) AS last,
         coalesce(max(o.open), 0) AS open
       FROM runs r JOIN channels c ON c.run = r.id JOIN series s ON s.channel = c.id LEFT JOIN (
         SELECT run, channel, count(*) AS open FROM alerts WHERE state = 'open' GROUP BY run, channel
       ) o ON o.run = r.id AND o.channel = c.id
       WHERE r.name = $1 AND s.first IS NOT NULL
       GROUP BY c.id ORDER BY c.name`,
      [run],
    )
    return rows.map((row) => ({
      id: row.name as string,
      series: row.series as number,
      lastAt: (row.last as number) * BASE,
      openAlerts: row.open as number,
    }))
  },

  async casts(run, channel, span, { limit, cursor }) {
    const after = decodeCursor('casts', cursor, ['number', 'hex'])
    const { rows } = await query(
      `SELECT hash, fid, time, text, removed, parent_hash, urls FROM casts
       WHERE channel = (SELECT c.id FROM runs r JOIN channels c ON c.run = r.id WHERE r.name = $1 AND c.key = $2)
         AND ($3::bigint IS NULL OR time >= $3) AND ($4::bigint IS NULL OR time < $4)
         AND ($5::bigint IS NULL OR (time, hash) < ($5, decode($6, 'hex')))
       ORDER BY time DESC, hash DESC LIMIT $7`,
      [
        run,
        keyOf(channel),
        span.from ?? null,
        span.to ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        limit + 1,
      ],
    )
    return pageOf(
      rows,
      limit,
      'casts',
      (row) => [row.time as number, (row.hash as Buffer).toString('hex')],
      (row): CastRow => ({
        hash: row.hash as Buffer,
        fid: row.fid as number,
        time: row.time as number,
        text: row.text as string | null,
        removed: row.removed as boolean,
        parentHash: row.parent_hash as Buffer | null,
        urls: row.urls as string[],
      }),
    )
  },

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

  async runs() {
    const { rows } = await query(
      `SELECT r.name, (extract(epoch FROM r.created_at) * 1000)::bigint AS created,
         count(DISTINCT c.id) FILTER (WHERE c.name <> '${NETWORK}' AND s.first IS NOT NULL) AS channels,
         min(s.first) AS first, max(s.next) AS next,
         (SELECT count(*) FROM alerts a WHERE a.run = r.id) AS alerts, (
           SELECT ARRAY [coalesce(sum(l.count), 0)::float8, coalesce(sum(l.count) FILTER (WHERE l.start < 0), 0)::float8]
           FROM channels c JOIN series s ON s.channel = c.id JOIN late l ON l.series = s.id
           WHERE c.run = r.id AND s.measure = ANY ($1)) AS late
       FROM runs r LEFT JOIN channels c ON c.run = r.id LEFT JOIN series s ON s.channel = c.id
       GROUP BY r.id ORDER BY r.name`,
      [EVENTS],
    )
    const ms = (bin: unknown) => (bin === null ? null : (bin as number) * BASE)
    return rows.map((row) => ({
      run: row.name as string,
      createdAt: row.created as number,
      channels: row.channels as number,
      firstAt: ms(row.first),
      lastAt: ms(row.next),
      alerts: row.alerts as number,
      late: (row.late as number[])[0]!,
      lateBefore: (row.late as number[])[1]!,
    }))
  },

  async has(run, series) {
    if (series !== undefined) return (await findSeries(query, { run, series })).length > 0
    return (await query('SELECT FROM runs WHERE name = $1', [run])).rows.length > 0
  },
})
