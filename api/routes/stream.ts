import type { FastifyRequest } from 'fastify'
import { Gauge, type Registry } from 'prom-client'
import { type Static, Type } from 'typebox'
import { iso } from '../../common/time.ts'
import { BEGINNING, type Place } from '../../connectors/postgres/alerts/place.ts'
import type { Store } from '../../connectors/postgres/store.ts'
import { AnyRun, ChannelName } from '../contracts/asking.ts'
import { streams as streamed } from '../contracts/problem.ts'
import { exactly } from '../contracts/schema.ts'
import { createFeed, type FeedOptions, type News } from '../feed.ts'
import { createPlaces } from '../limits.ts'
import * as present from '../queries/present.ts'
import type { Queries } from '../queries/queries.ts'
import type { Shared } from '../queries/shared.ts'
import type { Server } from '../server.ts'
import type { Streams } from '../streams.ts'

export type StreamOptions = {
  store: Store
  metrics: Registry
  streams: Streams
  queries: Queries
  /** What is given to all who ask at the same time: made anew when a stream tells of something. */
  shared: Shared
  /** The cap by which alerts are listed, of each type and day. */
  perDay: number
  /** For tests: how often the store is asked, and so on. */
  times?: Partial<Pick<FeedOptions, 'pollMs' | 'quietMs'> & { stallMs: number }> | undefined
}

/** Streams at once, and of one address. */
const MOST = 100
const EACH = 20
/** A client that does not take what it is sent for so long is gone, or should come again when it has time. */
const STALL_MS = 30_000
/** After which a client that lost its connection comes again, ms. */
const RETRY_MS = 2000

const Query = exactly({
  run: AnyRun,
  channel: Type.Optional(ChannelName),
  lastEventId: Type.Optional(
    Type.String({
      maxLength: 1000,
      description:
        'Like the header Last-Event-ID, which counts more: the `id` behind which to begin; 0: all.',
    }),
  ),
})

export function streamRoutes(app: Server, options: StreamOptions): void {
  const { store, metrics, streams, queries, shared, perDay, times = {} } = options
  const { stallMs = STALL_MS, ...pace } = times
  const onFailure = (err: unknown) => app.log.warn({ err }, 'streams wait for the store')
  const feed = createFeed({ store, perDay, onFailure, onNews: shared.renew, ...pace })
  const places = createPlaces('streams', MOST, EACH)
  new Gauge({
    name: 'fcm_stream_clients',
    help: 'Streams that are open.',
    registers: [metrics],
    collect() {
      this.set(places.taken())
    },
  })

  app.get('/v1/stream', {
    config: { scope: 'read' },
    // HEAD would never end.
    exposeHeadRoute: false,
    schema: {
      tags: ['alerts'],
      operationId: 'stream',
      summary: 'What happens from now on, or since an event: server-sent events',
      description:
        'Events `alert` (an alert as in lists, with `event`: opened, updated or resolved; each once, in order, with an id) ' +
        'and `bins` ({"now"}: the end of the last base bin that is stored, at most once a second, without id). ' +
        'A client that comes back with the last id gets all alerts since; an id that the run does not have is refused. ' +
        `At most ${EACH} streams for one address, ${MOST} in all; one that is not read for ${STALL_MS / 1000} s is closed.`,
      querystring: Query,
      response: streamed('The events.', 'text/event-stream'),
    },
    handler: async (request, reply) => {
      const { run, channel } = request.query
      await queries.known.channel(run, channel)
      const from = await beginning(store, request.query, request.headers['last-event-id'])
      if (!places.take(request, reply)) return reply
      reply.type('text/event-stream; charset=utf-8')
      // A proxy that buffers would hold events back.
      reply.header('x-accel-buffering', 'no')
      return streams.send(reply, async function* (signal) {
        for await (const news of feed.follow(run, from, signal, channel)) {
          const stalled = setTimeout(() => reply.raw.destroy(), stallMs)
          try {
            yield textOf(news)
          } finally {
            clearTimeout(stalled)
          }
        }
      })
    },
  })
}

/** @throws FcmError PLACE_UNKNOWN, PLACE_EXPIRED */
async function beginning(
  store: Store,
  { run, lastEventId }: Static<typeof Query>,
  header: FastifyRequest['headers'][string],
): Promise<Place | 'now'> {
  const id = [header].flat()[0] || lastEventId
  if (id === undefined || id === '') return 'now'
  if (id === ALL) return BEGINNING
  await store.alerts.checkPlace(run, id)
  return id
}

/** The id behind which everything comes. */
const ALL = '0'

/** News as the lines of an event. An id alone is no event, but from then on the client can come back to there. */
function textOf(news: News): string {
  switch (news.type) {
    case 'begin':
      return `retry: ${RETRY_MS}\nid: ${news.behind}\n\n`
    case 'alert': {
      const data = JSON.stringify(present.alertChange(news.change))
      return `id: ${news.change.place}\nevent: alert\ndata: ${data}\n\n`
    }
    case 'bins':
      return `event: bins\ndata: ${JSON.stringify({ now: iso(news.now) })}\n\n`
    case 'quiet':
      return `: still here\nid: ${news.behind}\n\n`
  }
}
