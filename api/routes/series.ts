import { list } from '../contracts/problem.ts'
import { CountBin, Series, Signal } from '../contracts/series.ts'
import type { Queries } from '../queries/queries.ts'
import { ListSeries, OfSeries, OneSeries } from '../queries/series.ts'
import type { Server } from '../server.ts'

export function seriesRoutes(app: Server, queries: Queries): void {
  app.get('/v1/series', {
    config: { scope: 'read' },
    schema: {
      tags: ['series'],
      operationId: 'listSeries',
      summary: 'Series, those of the most events first',
      querystring: ListSeries,
      response: list(Series),
    },
    handler: ({ query }) => queries.series(query),
  })

  app.get('/v1/series/:id/counts', {
    config: { scope: 'read' },
    schema: {
      tags: ['series'],
      operationId: 'listCounts',
      summary: 'Events per bin, earliest first; zeros of idle time are filled in, gaps are not',
      params: OneSeries,
      querystring: OfSeries,
      response: list(CountBin),
    },
    handler: ({ params, query }) => queries.counts(params.id, query),
  })

  app.get('/v1/series/:id/signals', {
    config: { scope: 'read' },
    schema: {
      tags: ['series'],
      operationId: 'listSignals',
      summary: 'What the detector made of each bin, earliest first: every decision and its reason',
      params: OneSeries,
      querystring: OfSeries,
      response: list(Signal),
    },
    handler: ({ params, query }) => queries.signals(params.id, query),
  })
}
