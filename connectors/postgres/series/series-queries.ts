/** What people and programs ask about series and channels, page by page. Every value is a bound parameter. */
import { withoutEndSlashes } from '../../../common/text.ts'
import { BASE } from '../../../common/time.ts'
import type { Measure } from '../../../schemas/records.ts'
import { channelKey, keyOf } from '../database/channel-name.ts'
import { decodeCursor, pageOf } from '../database/cursor.ts'
import type { Query } from '../database/database.ts'
import { exportCounts, exportSignals, signalOf } from './exports.ts'
import { createOverview } from './overview.ts'
import { findSeries, signalReader } from './reading.ts'
import type { Channel, CountRow, Series, SeriesQueries } from './series.ts'

const OF_RUN = 'FROM runs r JOIN channels c ON c.run = r.id'

export const createSeries = (query: Query): SeriesQueries => ({
  ...createOverview(query),

  async list(run, filter, { limit, cursor }) {
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

  async has(run, series) {
    return (await findSeries(query, { run, series })).length > 0
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

  async channels(run, { limit, cursor }) {
    const after = decodeCursor('channels', cursor, ['id'])
    const { rows } = await query(
      `SELECT c.id, c.name, count(*) AS series, max(coalesce(s.last_event, s.first)) AS last,
         coalesce(max(o.open), 0) AS open
       FROM runs r JOIN channels c ON c.run = r.id JOIN series s ON s.channel = c.id LEFT JOIN (
         SELECT run, channel, count(*) AS open FROM alerts WHERE state = 'open' GROUP BY run, channel
       ) o ON o.run = r.id AND o.channel = c.id
       WHERE r.name = $1 AND s.first IS NOT NULL AND ($2::bigint IS NULL OR (c.name, c.id) > (SELECT name, id FROM channels WHERE id = $2))
       GROUP BY c.id ORDER BY c.name, c.id LIMIT $3`,
      [run, after?.[0] ?? null, limit + 1],
    )
    return pageOf(
      rows,
      limit,
      'channels',
      (row) => [row.id as number],
      (row): Channel => ({
        id: row.name as string,
        series: row.series as number,
        lastAt: (row.last as number) * BASE,
        openAlerts: row.open as number,
      }),
    )
  },

  async findChannel(run, name) {
    const found = await query(`SELECT ${OF_RUN} WHERE r.name = $1 AND c.key = $2`, [run, keyOf(name)])
    if (found.rows.length > 0) return { known: true, alike: [] }
    const end = withoutEndSlashes(name).replace(/^\/+/, '')
    if (end === '') return { known: false, alike: [] }
    const alike = await query(
      `SELECT c.name ${OF_RUN} WHERE r.name = $1 AND right('/' || rtrim(c.name, '/'), length($2) + 1) = '/' || $2
       ORDER BY c.name LIMIT 2`,
      [run, end],
    )
    return { known: false, alike: alike.rows.map((row) => row.name as string) }
  },

  exportCounts: (filter) => exportCounts(query, filter),
  exportSignals: (filter) => exportSignals(query, filter),
})
