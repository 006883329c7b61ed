import { Type } from 'typebox'
import type { Store } from '../../connectors/postgres/store.ts'
import * as present from '../present.ts'
import * as s from '../schemas.ts'
import type { Server } from '../server.ts'
import { checkChannel } from './known.ts'
import { allOf, pageOf, pagingOf, spanOf } from './query.ts'

export function channelRoutes(app: Server, store: Store): void {
  app.get('/v1/overview', {
    config: { scope: 'read' },
    schema: {
      tags: ['channels'],
      operationId: 'getOverview',
      summary: 'Channels as they are now, by risk',
      description:
        'Those with an open early warning first, then onset, collapse, none; then by falling score, rising p-value ' +
        '(what is not known comes last) and falling number of recent events.',
      querystring: s.exactly({ run: s.AnyRun, limit: s.paging(50, 500).limit }),
      response: s.answers(s.Overview),
    },
    handler: async ({ query }) => present.overview(await store.series.overview(query.run, query.limit)),
  })

  app.get('/v1/channels', {
    config: { scope: 'read' },
    schema: {
      tags: ['channels'],
      operationId: 'listChannels',
      summary: 'Channels that have series',
      querystring: s.exactly({ run: s.AnyRun }),
      response: s.list(s.Channel),
    },
    handler: async ({ query }) => allOf(await store.series.channels(query.run), present.channel),
  })

  app.get('/v1/channels/:id/casts', {
    config: { scope: 'read' },
    schema: {
      tags: ['channels'],
      operationId: 'listCasts',
      summary: 'Casts of a channel, newest first',
      params: s.exactly({ id: s.ChannelName }),
      querystring: s.exactly({ run: s.AnyRun, ...s.span, ...s.paging(50, 500) }),
      response: s.list(s.Cast),
    },
    handler: async ({ params, query }) =>
      pageOf(await store.casts.list(query.run, params.id, spanOf(query), pagingOf(query)), present.cast),
  })

  app.get('/v1/gaps', {
    config: { scope: 'read' },
    schema: {
      tags: ['channels'],
      operationId: 'listGaps',
      summary: 'Times that were not observed and why, earliest first',
      querystring: s.exactly({
        run: s.AnyRun,
        channel: Type.Optional(s.ChannelName),
        ...s.span,
        ...s.paging(500, 5000),
      }),
      response: s.list(s.Gap),
    },
    preHandler: checkChannel(store),
    handler: async ({ query }) => {
      const filter = { channel: query.channel, ...spanOf(query) }
      return pageOf(await store.operations.gaps(query.run, filter, pagingOf(query)), present.gap)
    },
  })

  app.get('/v1/runs', {
    config: { scope: 'read' },
    schema: {
      tags: ['runs'],
      operationId: 'listRuns',
      summary: 'Runs: live, and every named backfill',
      querystring: s.exactly({}),
      response: s.list(s.Run),
    },
    handler: async () => allOf(await store.runs.list(), present.run),
  })
}
