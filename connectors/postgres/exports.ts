/** Counts and signals as rows: whole exports, and the pages of one series. */
import type { Query, Row } from './database.ts'
import { arrayLiteral } from './database.ts'
import type { AlertRow, CountRow, ExportFilter, SignalRow } from './port.ts'
import {
  binReader,
  channelKey,
  findSeries,
  grouped,
  horizonOf,
  type SeriesInfo,
  signalReader,
  walk,
} from './reading.ts'
import { binRange, createSumming } from './summing.ts'

type CountsFilter = ExportFilter & { resolution: number; fill: boolean }

export async function* exportCounts(query: Query, filter: CountsFilter): AsyncGenerator<CountRow> {
  // All series end at the same time, however long the export takes while bins go on closing.
  const horizon = await horizonOf(query, filter.run)
  const { from, to } = binRange(filter, filter.resolution, horizon)
  let sides: Sides | undefined
  let sidesOf: SeriesInfo[] | undefined
  for await (const { series, group, pages } of walk(
    await findSeries(query, filter),
    binReader(query, from, to),
  )) {
    if (sidesOf !== group) {
      sides = await readSides(query, group)
      sidesOf = group
    }
    const summing = createSumming({
      series: series.name,
      resolution: filter.resolution,
      from,
      to,
      fill: filter.fill,
      late: sides!.late.get(series.id) ?? [],
      unknown: sides!.unknown.get(series.id) ?? [],
    })
    for await (const page of pages) {
      for (const row of page) yield* summing.add(row)
    }
    // Silence means zeros as far as the source has spoken of the series, which others may be ahead of.
    const idleTo = Math.min(horizon, series.saidTo ?? horizon)
    if (series.idleFrom !== null && series.idleFrom < idleTo) {
      yield* summing.add({
        bin: series.idleFrom,
        n: idleTo - series.idleFrom,
        count: 0,
        covered: 1,
        idle: true,
      })
    }
    yield* summing.end()
  }
}

type Sides = {
  late: Map<number, { start: number; count: number }[]>
  unknown: Map<number, { from: number; to: number }[]>
}

/** What stands beside the bins of a group of series. */
async function readSides(query: Query, group: SeriesInfo[]): Promise<Sides> {
  const ids = arrayLiteral(group.map(({ id }) => id))
  const late = await query(
    'SELECT series AS id, start, count FROM late WHERE series = ANY ($1::int[]) AND start >= 0 ORDER BY start',
    [ids],
  )
  const unknown = await query(
    'SELECT series AS id, "from", "to" FROM unknown_spans WHERE series = ANY ($1::int[]) ORDER BY "from"',
    [ids],
  )
  return {
    late: grouped(late.rows, (row) => ({ start: row.start as number, count: row.count as number })),
    unknown: grouped(unknown.rows, (row) => ({ from: row.from as number, to: row.to as number })),
  }
}

export async function* exportSignals(query: Query, filter: ExportFilter): AsyncGenerator<SignalRow> {
  for await (const { series, pages } of walk(await findSeries(query, filter), signalReader(query, filter))) {
    for await (const page of pages) {
      for (const row of page) yield { series: series.name, ...signalOf(row) }
    }
  }
}

export const signalOf = (row: Row): Omit<SignalRow, 'series'> =>
  ({
    start: row.start,
    resolution: row.resolution,
    count: row.count,
    expected: row.expected,
    dispersion: row.dispersion,
    residual: row.residual,
    variance: row.variance,
    autocorrelation: row.autocorrelation,
    rawVariance: row.raw_variance,
    rawAutocorrelation: row.raw_autocorrelation,
    varianceTrend: row.variance_trend,
    autocorrelationTrend: row.autocorrelation_trend,
    pVariance: row.p_variance,
    pAutocorrelation: row.p_autocorrelation,
    p: row.p,
    score: row.score,
    decision: row.decision,
    reason: row.reason,
    settings: row.settings,
  }) as Omit<SignalRow, 'series'>

/** Alerts whose events are read together. */
const ALERT_PAGE = 250

export async function* exportAlerts(query: Query, filter: ExportFilter): AsyncGenerator<AlertRow> {
  let after = ''
  for (;;) {
    const { rows } = await query(
      `SELECT e.*, c.name AS channel_name
       FROM (
         SELECT fingerprint FROM alerts
         WHERE run = (SELECT id FROM runs WHERE name = $1) AND fingerprint > $2
           AND ($3::bigint IS NULL OR opened_at >= $3) AND ($4::bigint IS NULL OR opened_at < $4)
           AND ($5::bytea IS NULL OR channel = (
             SELECT c.id FROM runs r JOIN channels c ON c.run = r.id WHERE r.name = $1 AND c.key = $5))
         ORDER BY fingerprint LIMIT ${ALERT_PAGE}
       ) a JOIN alert_events e USING (fingerprint) JOIN channels c ON c.id = e.channel
       ORDER BY e.fingerprint, e.sequence`,
      [filter.run, after, filter.from ?? null, filter.to ?? null, channelKey(filter.channel)],
    )
    for (const row of rows) {
      const alert = alertRowOf(row)
      const wanted =
        (filter.series === undefined || alert.series === filter.series) &&
        (filter.resolution === undefined || alert.resolution === filter.resolution)
      if (wanted) yield alert
    }
    if (new Set(rows.map((row) => row.fingerprint)).size < ALERT_PAGE) return
    after = rows.at(-1)!.fingerprint as string
  }
}

const alertRowOf = (row: Row): AlertRow =>
  ({
    id: row.fingerprint,
    sequence: row.sequence,
    event: row.event,
    type: row.kind,
    channel: row.channel_name,
    severity: row.severity,
    time: row.time,
    openedAt: row.opened_at,
    series: `${row.measure}:${row.channel_name}`,
    resolution: row.resolution,
    start: row.start,
    reason: row.reason,
    evidence: evidenceOf(row),
    preset: row.preset,
    settings: row.settings,
  }) as AlertRow

/** The evidence with its fields in the order of the schema: the database keeps another one. */
export const evidenceOf = (row: Row): AlertRow['evidence'] =>
  (row.evidence as AlertRow['evidence']).map((e) => ({
    measure: e.measure,
    resolution: e.resolution,
    start: e.start,
    count: e.count,
    expected: e.expected,
    dispersion: e.dispersion,
    variance: e.variance,
    autocorrelation: e.autocorrelation,
    p: e.p,
    score: e.score,
    reason: e.reason,
  }))
