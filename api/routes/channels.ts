import { Cast, Channel, Gap, Overview } from '../contracts/channels.ts'
import { answers, list } from '../contracts/problem.ts'
import { GetOverview, ListCasts, ListChannels, OfChannel, OneChannel } from '../queries/channels.ts'
import type { Queries } from '../queries/queries.ts'
import { revalidated } from '../revalidated.ts'
import type { Server } from '../server.ts'

export function channelRoutes(app: Server, queries: Queries): void {
  app.get('/v1/overview', {
    config: { scope: 'read' },
    schema: {
      tags: ['channels'],
      operationId: 'getOverview',
      summary: 'Channels as they are now, by risk',
      description:
        'Those with an open early warning first, then onset, collapse, none; then by falling score, rising p-value ' +
        '(what is not known comes last) and falling number of recent events.',
      querystring: GetOverview,
      response: answers(Overview),
    },
    onSend: revalidated,
    handler: ({ query }) => queries.overview(query),
  })

  app.get('/v1/channels', {
    config: { scope: 'read' },
    schema: {
      tags: ['channels'],
      operationId: 'listChannels',
      summary: 'Channels that have series',
      querystring: ListChannels,
      response: list(Channel),
    },
    handler: ({ query }) => queries.channels(query),
  })

  app.get('/v1/channels/:id/casts', {
    config: { scope: 'read' },
    schema: {
      tags: ['channels'],
      operationId: 'listCasts',
      summary: 'Casts of a channel, newest first',
      params: OneChannel,
      querystring: ListCasts,
      response: list(Cast),
    },
    handler: ({ params, query }) => queries.casts(params.id, query),
  })

  app.get('/v1/gaps', {
    config: { scope: 'read' },
    schema: {
      tags: ['channels'],
      operationId: 'listGaps',
      summary: 'Times that were not observed and why, earliest first',
      querystring: OfChannel,
      response: list(Gap),
    },
    handler: ({ query }) => queries.gaps(query),
  })
}
