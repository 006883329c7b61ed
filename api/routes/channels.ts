import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { oneLine } from '../../common/text.ts'
import type { Store } from '../../connectors/postgres/port.ts'
import { NETWORK, NO_CHANNEL } from '../../schemas/records.ts'
import type { Api } from '../app.ts'
import * as present from '../present.ts'
import { sendProblem } from '../problem.ts'
import * as s from '../schemas.ts'
import { allOf, pageOf, pagingOf, spanOf } from './query.ts'

/** As much of a name as a message shows. */
const NAME_LIMIT = 300

/** Of routes that narrow a list to `channel`: an empty list for an unknown one would pass for an all-clear. */
export const checkChannel = (store: Store) => async (request: FastifyRequest, reply: FastifyReply) => {
  const { run, channel } = request.query as { run: string; channel?: string }
  if (channel === undefined || channel === NETWORK || channel === NO_CHANNEL) return
  const { known, alike } = await store.findChannel(run, channel)
  if (known) return
  const [one, another] = alike
  const hint =
    one !== undefined && another === undefined
      ? `; did you mean ${oneLine(one, NAME_LIMIT)} ?`
      : '. /v1/channels lists those that have series.'
  const named = `No channel "${oneLine(channel, NAME_LIMIT)}" in run "${run}".`
  return sendProblem(reply, 404, `${named} Channels are named by their URL${hint}`)
}

export function channelRoutes(app: Api, store: Store): void {
  app.get('/v1/channels', {
    schema: {
      tags: ['channels'],
      operationId: 'listChannels',
      summary: 'Channels that have series',
      querystring: s.exactly({ run: s.AnyRun }),
      response: s.list(s.Channel),
    },
    handler: async ({ query }) => allOf(await store.channels(query.run), present.channel),
  })

  app.get('/v1/channels/:id/casts', {
    schema: {
      tags: ['channels'],
      operationId: 'listCasts',
      summary: 'Casts of a channel, newest first',
      params: s.exactly({ id: s.ChannelName }),
      querystring: s.exactly({ run: s.AnyRun, ...s.span, ...s.paging(50, 500) }),
      response: s.list(s.Cast),
    },
    handler: async ({ params, query }) =>
      pageOf(await store.casts(query.run, params.id, spanOf(query), pagingOf(query)), present.cast),
  })

  app.get('/v1/gaps', {
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
      return pageOf(await store.gaps(query.run, filter, pagingOf(query)), present.gap)
    },
  })

  app.get('/v1/runs', {
    schema: {
      tags: ['runs'],
      operationId: 'listRuns',
      summary: 'Runs: live, and every named backfill',
      querystring: s.exactly({}),
      response: s.list(s.Run),
    },
    handler: async () => allOf(await store.runs(), present.run),
  })
}
