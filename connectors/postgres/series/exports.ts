/** Counts and signals as rows: whole exports, and the pages of one series. */
import { arrayLiteral, type Query, type Row } from '../database/database.ts'
import type { ExportFilter } from '../database/questions.ts'
import { binReader, findSeries, grouped, horizonOf, type SeriesInfo, signalReader, walk } from './reading.ts'
import type { CountRow, SignalRow } from './series.ts'
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
