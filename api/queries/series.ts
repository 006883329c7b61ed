import { type Static, Type } from 'typebox'
import type { Paging } from '../../connectors/postgres/database/questions.ts'
import * as ask from '../contracts/asking.ts'
import { exactly, type Page } from '../contracts/schema.ts'
import type { CountBin, Series, Signal } from '../contracts/series.ts'
import { pageOf, spanOf } from './asking.ts'
import type { Means } from './means.ts'
import * as present from './present.ts'

export const ListSeries = exactly({
  run: ask.AnyRun,
  channel: Type.Optional(ask.ChannelName),
  measure: Type.Optional(ask.MeasureFilter),
  ...ask.paging(50, 500),
})
export const OneSeries = exactly({ id: ask.SeriesName })
export const OfSeries = exactly({
  run: ask.AnyRun,
  resolution: ask.BaseResolution,
  ...ask.span,
  ...ask.paging(500, 5000),
})

export const seriesQueries = ({ store, known }: Means) => ({
  /** Those of the most events first. */
  async series(asked: Static<typeof ListSeries>): Promise<Page<Series>> {
    const { run, channel, measure } = asked
    await known.run(run)
    const filter = { channel, measure }
    return pageOf(
      'series',
      [run, filter],
      asked,
      (page) => store.series.list(run, filter, page),
      present.series,
    )
  },

  /** Events per bin, earliest first; zeros of idle time are filled in, gaps are not. */
  async counts(id: string, asked: Static<typeof OfSeries>): Promise<Page<CountBin>> {
    const { run, resolution } = asked
    await known.series(run, id)
    const span = spanOf(asked)
    const counts = (page: Paging) => store.series.counts(run, id, resolution, span, page)
    return pageOf('counts', [run, id, resolution, span], asked, counts, present.count)
  },

  /** What the detector made of each bin, earliest first. */
  async signals(id: string, asked: Static<typeof OfSeries>): Promise<Page<Signal>> {
    const { run, resolution } = asked
    await known.series(run, id)
    const span = spanOf(asked)
    const signals = (page: Paging) => store.series.signals(run, id, resolution, span, page)
    return pageOf('signals', [run, id, resolution, span], asked, signals, present.signal)
  },
})
