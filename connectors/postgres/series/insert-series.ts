/** Bins, spans, tallies and signals as rows: one statement for each table, ignoring what is there already. */
import type { Late, Signal, Unknown } from '../../../schemas/records.ts'
import { type Query, unnest } from '../database/database.ts'
import { NO_MONTH } from '../database/months.ts'
import { distinct, type Keyed, type SeriesEntry, type SeriesOf, Stale, type Timed } from '../ingest/batch.ts'
import { addBin, addIdle, type BinRun, type Timeline } from './timeline.ts'

export async function insertTimelines(
  query: Query,
  timed: Timed[],
  seriesOf: SeriesOf,
  changed: Map<SeriesEntry, Timeline>,
  month: number,
): Promise<void> {
  const finished: (readonly [number, BinRun])[] = []
  for (const { key, measure, bin, value } of timed) {
    const series = seriesOf(key, measure)
    let line = changed.get(series)
    if (!line) line = { ...series.line }
    const rows: BinRun[] = []
    const isNew = value === 'idle' ? addIdle(line, bin, rows) : addBin(line, bin, value, rows)
    if (isNew) changed.set(series, line)
    for (const row of rows) finished.push([series.id, row])
  }
  if (changed.size === 0) return

  const counts = unnest(
    ['int', 'int', 'int', 'bigint', 'float8', 'bool', 'bool'],
    finished.map(([id, row]) => [id, row.bin, row.n, row.count, row.covered, row.masked, row.idle]),
  )
  const inserted =
    finished.length > 0 &&
    query(
      `INSERT INTO counts (series, bin, n, count, covered, masked, idle, month)
       SELECT *, $8::smallint FROM ${counts.from}`,
      [...counts.values, month],
    )
  const table = unnest(
    ['int', 'int', 'bool', 'int', 'int', 'bigint', 'int', 'bool', 'int', 'bigint', 'float8', 'bool'],
    [...changed].map(([{ id, line: was }, line]) => [
      id,
      was.next,
      was.idle,
      line.first,
      line.lastEvent,
      line.total,
      line.next,
      line.idle,
      line.tail,
      line.count,
      line.covered,
      line.masked,
    ]),
  )
  const updated = query(
    `UPDATE series s
     SET first = t.first, last_event = t.last_event, total = t.total, next = t.next, idle = t.idle, tail = t.tail,
       tail_count = t.count, tail_covered = t.covered, tail_masked = t.masked
     FROM ${table.from}
       AS t (id, was_next, was_idle, first, last_event, total, next, idle, tail, count, covered, masked)
     WHERE s.id = t.id AND s.next IS NOT DISTINCT FROM t.was_next AND s.idle = t.was_idle`,
    table.values,
  )
  const [there] = await Promise.all([updated, inserted])
  if (there.changed !== changed.size) throw new Stale('another process has written these series')
}

export async function insertUnknowns(
  query: Query,
  unknowns: Keyed<Unknown>[],
  seriesOf: SeriesOf,
): Promise<void> {
  if (unknowns.length === 0) return
  const rows = distinct(
    unknowns,
    ({ key, record }) => `${record.measure} ${record.from} ${key}`,
    (a, b) => a.record.to > b.record.to,
  ).map(
    ({ key, record: { measure, from, to, reason } }) =>
      [seriesOf(key, measure).id, from, to, reason] as const,
  )
  const table = unnest(['int', 'bigint', 'bigint', 'text'], rows)
  await query(
    `INSERT INTO unknown_spans AS u (series, "from", "to", reason) SELECT * FROM ${table.from}
     ON CONFLICT (series, "from") DO UPDATE SET "to" = excluded."to", reason = excluded.reason
     WHERE u."to" < excluded."to"`,
    table.values,
  )
}

/** Where `start` is null: no bin begins there. */
const BEFORE_ALL = -1

export async function insertLates(query: Query, lates: Keyed<Late>[], seriesOf: SeriesOf): Promise<void> {
  if (lates.length === 0) return
  const rows = distinct(
    lates,
    ({ key, record }) => `${record.measure} ${record.start} ${key}`,
    (a, b) => a.record.count > b.record.count,
  ).map(({ key, record: { measure, start, count } }) => [
    seriesOf(key, measure).id,
    start ?? BEFORE_ALL,
    count,
  ])
  const table = unnest(['int', 'bigint', 'bigint'], rows)
  await query(
    `INSERT INTO late AS l (series, start, count) SELECT * FROM ${table.from}
     ON CONFLICT (series, start) DO UPDATE SET count = excluded.count WHERE l.count < excluded.count`,
    table.values,
  )
}

/**
 * One that stands in another month is left out. Two who write the same series wait for each other at its latest signal:
 * what the first has stored, the second then sees.
 */
export async function insertSignals(
  query: Query,
  signals: Keyed<Signal>[],
  seriesOf: SeriesOf,
  month: number,
): Promise<void> {
  if (signals.length === 0) return
  const rows = signals.map(({ key, record }) => ({ id: seriesOf(key, record.measure).id, record }))
  await Promise.all([insertLatest(query, rows), insertRows(query, rows, month)])
}

type SignalRow = { id: number; record: Signal }

async function insertLatest(query: Query, rows: SignalRow[]): Promise<void> {
  const latest = distinct(
    rows,
    ({ id, record }) => `${id} ${record.resolution}`,
    (a, b) => a.record.start > b.record.start,
  )
  // In one order: else two writers could wait for each other in a circle.
  latest.sort((a, b) => a.id - b.id || a.record.resolution - b.record.resolution)
  const table = unnest(
    ['int', 'int', 'bigint', 'bigint', 'float8', 'float8', 'float8', 'text'],
    latest.map(({ id, record: s }) => [
      ...([id, s.resolution, s.start, s.count] as const),
      ...([s.expected, s.p, s.score, s.decision] as const),
    ]),
  )
  await query(
    `INSERT INTO latest_signals AS l (series, resolution, start, count, expected, p, score, decision)
     SELECT * FROM ${table.from} ON CONFLICT (series, resolution) DO UPDATE
     SET start = excluded.start, count = excluded.count, expected = excluded.expected, p = excluded.p,
       score = excluded.score, decision = excluded.decision
     WHERE l.start < excluded.start`,
    table.values,
  )
}

async function insertRows(query: Query, rows: SignalRow[], month: number): Promise<void> {
  const table = unnest(
    ['int', 'int', 'bigint', 'bigint', ...Array<string>(13).fill('float8'), 'text', 'text', 'text'],
    rows.map(({ id, record: s }) => [
      id,
      s.resolution,
      s.start,
      s.count,
      s.expected,
      s.dispersion,
      s.residual,
      s.variance,
      s.autocorrelation,
      s.rawVariance,
      s.rawAutocorrelation,
      s.varianceTrend,
      s.autocorrelationTrend,
      s.pVariance,
      s.pAutocorrelation,
      s.p,
      s.score,
      s.decision,
      s.reason,
      s.settings,
    ]),
  )
  const columns = `series, resolution, start, count, expected, dispersion, residual, variance, autocorrelation, raw_variance,
    raw_autocorrelation, variance_trend, autocorrelation_trend, p_variance, p_autocorrelation, p, score, decision, reason,
    settings`
  await query(
    `INSERT INTO signals (${columns}, month)
     SELECT t.*, $21::smallint FROM ${table.from} AS t (${columns})
     WHERE $21 = ${NO_MONTH} OR NOT EXISTS (
       SELECT FROM signals s
       WHERE s.series = t.series AND s.resolution = t.resolution AND s.start = t.start AND s.month <> $21)
     ON CONFLICT DO NOTHING`,
    [...table.values, month],
  )
}
