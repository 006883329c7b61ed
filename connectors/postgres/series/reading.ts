/** Walks the rows of many series in order, some at a time, so that neither memory nor a transaction grows with them. */
import { BASE } from '../../../common/time.ts'
import { MEASURES, ruleOf } from '../../../schemas/measures.js'
import { NETWORK, parseSeries } from '../../../schemas/records.ts'
import { channelKey, keyOf } from '../database/channel-name.ts'
import { arrayLiteral, type Query, type Row } from '../database/database.ts'
import type { ExportFilter } from '../database/questions.ts'
import type { SignalRow } from './series.ts'
import type { BinRow } from './summing.ts'

/**
 * `idleFrom`: the base bin since which the series is idle; null: it isn't. `saidTo`: the base bin up to which the source
 * has spoken of it; null: where that isn't stored.
 */
export type SeriesInfo = { id: number; name: string; idleFrom: number | null; saidTo: number | null }

/** Series that are read together, rows of each at first, and rows of one that is read on alone. */
const GROUP = 64
const FIRST_PAGE = 500
const PAGE = 5000

/**
 * Of series `s` of channel `c`, beside the whole network `w`: the base bin up to which the source has spoken of it.
 * A measure is as far as all that it counts is.
 */
export const SAID_TO = `(
  SELECT min(part."to") / ${BASE} FROM (
    SELECT max(greatest(v."to", CASE WHEN v.channel = c.id THEN v.decided_to END)) AS "to"
    FROM coverage v
    WHERE v.channel IN (c.id, w.id) AND v.measure = ANY (
      CASE s.measure ${MEASURES.map((m) => `WHEN '${m}' THEN '{${ruleOf(m).of}}'::text[]`).join(' ')} END)
    GROUP BY v.measure
  ) part)`

/** The series of a run that pass the filter, bytewise by name. */
export async function findSeries(
  query: Query,
  filter: Pick<ExportFilter, 'run' | 'series' | 'channel'>,
): Promise<SeriesInfo[]> {
  const one = filter.series === undefined ? undefined : parseSeries(filter.series)
  if (one === null) return []
  const { channel = one?.channel } = filter
  if (one && one.channel !== channel) return []
  const { rows } = await query(
    `SELECT s.id, (s.measure || ':' || c.name) COLLATE "C" AS name, CASE WHEN s.idle THEN s.next END AS idle_from,
       ${SAID_TO} AS said_to
     FROM runs r JOIN channels c ON c.run = r.id JOIN series s ON s.channel = c.id
     LEFT JOIN channels w ON w.run = r.id AND w.key = $4
     WHERE r.name = $1 AND ($2::bytea IS NULL OR c.key = $2) AND ($3::text IS NULL OR s.measure = $3)
     ORDER BY name`,
    [filter.run, channelKey(channel), one?.measure ?? null, keyOf(NETWORK)],
  )
  return rows.map((row) => ({
    id: row.id as number,
    name: row.name as string,
    idleFrom: row.idle_from as number | null,
    saidTo: row.said_to as number | null,
  }))
}

/** The end of the run's last bin, in base bins; 0 when it has none. */
export async function horizonOf(query: Query, run: string): Promise<number> {
  const { rows } = await query(
    'SELECT coalesce(max(h.next), 0) AS horizon FROM runs r JOIN horizons h ON h.run = r.id WHERE r.name = $1',
    [run],
  )
  return rows[0]!.horizon as number
}

/** Rows of `ids` behind `after` (of one series) or from the start; in order, at most `limit` of each. */
export type PageReader<R> = (ids: number[], after: R | null, limit: number) => Promise<Map<number, R[]>>

/**
 * Each series with its rows in pages. The first pages of a group of series come in one query: most series are short,
 * and a query for each would cost more than their rows.
 */
export async function* walk<R>(
  series: readonly SeriesInfo[],
  read: PageReader<R>,
): AsyncGenerator<{ series: SeriesInfo; group: SeriesInfo[]; pages: AsyncGenerator<R[]> }> {
  for (let i = 0; i < series.length; i += GROUP) {
    const group = series.slice(i, i + GROUP)
    const first = await read(
      group.map(({ id }) => id),
      null,
      FIRST_PAGE,
    )
    for (const one of group) yield { series: one, group, pages: pagesOf(one, first.get(one.id) ?? []) }
  }

  async function* pagesOf({ id }: SeriesInfo, first: R[]): AsyncGenerator<R[]> {
    yield first
    let page = first
    for (let limit = FIRST_PAGE; page.length === limit; ) {
      limit = PAGE
      page = (await read([id], page.at(-1)!, PAGE)).get(id) ?? []
      yield page
    }
  }
}

/** Base bins in [from, to), as runs of equal ones; the first may begin before `from`. */
export const binReader =
  (query: Query, from: number, to: number): PageReader<BinRow> =>
  async (ids, after, limit) => {
    // A tail may have grown since it was read: reading goes on behind what was seen of it, not behind its first bin.
    const position = after ? after.bin + after.n : from
    const { rows } = await query(
      `SELECT g.id, b.bin, b.n, b.count, b.covered, b.idle
       FROM unnest($1::int[]) g (id) CROSS JOIN LATERAL (
         SELECT * FROM bins
         WHERE series = g.id AND bin < $3 AND bin + n > $2
           AND bin >= coalesce((SELECT max(c.bin) FROM counts c WHERE c.series = g.id AND c.bin <= $2), 0)
         ORDER BY bin LIMIT $4
       ) b
       ORDER BY g.id, b.bin`,
      [arrayLiteral(ids), position, to, limit],
    )
    return grouped(rows, (row) => row as unknown as BinRow)
  }

export type SignalPosition = Pick<SignalRow, 'resolution' | 'start'>

/** Signals by resolution and start. */
export const signalReader =
  (
    query: Query,
    filter: Pick<ExportFilter, 'from' | 'to' | 'resolution'>,
  ): PageReader<SignalPosition & Row> =>
  async (ids, after, limit) => {
    const { rows } = await query(
      `SELECT g.id, b.*
       FROM unnest($1::int[]) g (id) CROSS JOIN LATERAL (
         SELECT * FROM signals
         WHERE series = g.id AND (resolution, start) > ($2, $3) AND ($4::int IS NULL OR resolution = $4)
           AND start >= $5 AND start < $6
         ORDER BY resolution, start LIMIT $7
       ) b
       ORDER BY g.id, b.resolution, b.start`,
      [
        arrayLiteral(ids),
        after?.resolution ?? filter.resolution ?? 0,
        after?.start ?? -1,
        filter.resolution ?? null,
        filter.from ?? 0,
        filter.to ?? Number.MAX_SAFE_INTEGER,
        limit,
      ],
    )
    return grouped(rows, (row) => row as SignalPosition & Row)
  }

export function grouped<R>(rows: Row[], of: (row: Row) => R): Map<number, R[]> {
  const groups = new Map<number, R[]>()
  for (const row of rows) {
    const group = groups.get(row.id as number)
    if (group) group.push(of(row))
    else groups.set(row.id as number, [of(row)])
  }
  return groups
}
