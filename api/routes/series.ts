import { Type } from 'typebox'
import type { Store } from '../../connectors/postgres/store.ts'
import * as present from '../present.ts'
import * as s from '../schemas.ts'
import type { Server } from '../server.ts'
import { checkSeries } from './known.ts'
import { pageOf, pagingOf, spanOf } from './query.ts'

const oneSeries = {
  params: s.exactly({ id: s.SeriesName }),
  querystring: s.exactly({ run: s.AnyRun, resolution: s.BaseResolution, ...s.span, ...s.paging(500, 5000) }),
}

export function seriesRoutes(app: Server, store: Store): void {
  const preHandler = checkSeries(store)

  app.get('/v1/series', {
    config: { scope: 'read' },
    schema: {
      tags: ['series'],
      operationId: 'listSeries',
      summary: 'Series, those of the most events first',
      querystring: s.exactly({
        run: s.AnyRun,
        channel: Type.Optional(s.ChannelName),
        measure: Type.Optional(s.MeasureFilter),
        ...s.paging(50, 500),
      }),
      response: s.list(s.Series),
    },
    handler: async ({ query }) => {
      const { run, channel, measure } = query
      return pageOf(await store.series.list(run, { channel, measure }, pagingOf(query)), present.series)
    },
  })

  app.get('/v1/series/:id/counts', {
    config: { scope: 'read' },
    schema: {
      tags: ['series'],
      operationId: 'listCounts',
      summary: 'Events per bin, earliest first; zeros of idle time are filled in, gaps are not',
      ...oneSeries,
      response: s.list(s.CountBin),
    },
    preHandler,
    handler: async ({ params, query }) =>
      pageOf(
        await store.series.counts(query.run, params.id, query.resolution, spanOf(query), pagingOf(query)),
        present.count,
      ),
  })

  app.get('/v1/series/:id/signals', {
    config: { scope: 'read' },
    schema: {
      tags: ['series'],
      operationId: 'listSignals',
      summary: 'What the detector made of each bin, earliest first: every decision and its reason',
      ...oneSeries,
      response: s.list(s.Signal),
    },
    preHandler,
    handler: async ({ params, query }) =>
      pageOf(
        await store.series.signals(query.run, params.id, query.resolution, spanOf(query), pagingOf(query)),
        present.signal,
      ),
  })
}
