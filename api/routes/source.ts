import { Type } from 'typebox'
import type { Store } from '../../connectors/postgres/store.ts'
import * as present from '../present.ts'
import * as s from '../schemas.ts'
import type { Server } from '../server.ts'
import { checkChannel } from './known.ts'
import { pageOf, pagingOf, spanOf } from './query.ts'

/** What the source does: how far it has come, what it misses, and what it asks for. */
export function sourceRoutes(app: Server, store: Store): void {
  app.get('/v1/ops/source', {
    config: { scope: 'ops' },
    schema: {
      tags: ['ops'],
      operationId: 'getSource',
      summary: 'How far the source has come, its gaps, its last round, and its channels',
      querystring: s.exactly({ run: s.AnyRun, limit: s.paging(100, 5000).limit }),
      response: s.answers(s.Source),
    },
    handler: async ({ query: { run, limit } }) => {
      const state = await store.operations.source(run)
      return present.source(run, state, await store.operations.followed(run, state.hour, limit))
    },
  })

  app.get('/v1/ops/requests', {
    config: { scope: 'ops' },
    schema: {
      tags: ['ops'],
      operationId: 'listRequests',
      summary: 'Requests of the source by channel and hour, earliest first',
      querystring: s.exactly({
        run: s.AnyRun,
        channel: Type.Optional(s.ChannelName),
        ...s.span,
        ...s.paging(500, 5000),
      }),
      response: s.list(s.Requests),
    },
    preHandler: checkChannel(store),
    handler: async ({ query }) => {
      const filter = { channel: query.channel, ...spanOf(query) }
      return pageOf(await store.operations.requests(query.run, filter, pagingOf(query)), present.requests)
    },
  })
}
