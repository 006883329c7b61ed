/** Long answers: made while they are read, no faster than they are read, and never cut short unnoticed. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'

export type Streams = {
  /**
   * Answers with the text that `make` yields. When it throws after the first byte the connection is broken, so that a
   * part can't be taken for the whole; likewise when the server stops, which waits until `make` has ended.
   * `signal` aborts once nobody reads any more.
   */
  send(reply: FastifyReply, make: (signal: AbortSignal) => AsyncIterable<string>): FastifyReply
}

export function createStreams(app: Pick<FastifyInstance, 'addHook'>): Streams {
  const running = new Map<ServerResponse, Readable>()
  app.addHook('preClose', async () => {
    await Promise.all(
      [...running].map(([response, stream]) => {
        response.destroy()
        return once(stream, 'close')
      }),
    )
  })
  return {
    send(reply, make) {
      const gone = new AbortController()
      const stream = Readable.from(make(gone.signal), { objectMode: false })
      running.set(reply.raw, stream)
      stream.once('close', () => running.delete(reply.raw))
      // A reader in this process is told why. Before the first byte it is a problem instead.
      stream.once('error', ({ message }) => {
        if (reply.raw.headersSent) reply.raw.destroy(new Error(message))
      })
      reply.raw.once('close', () => gone.abort())
      return reply.send(stream)
    },
  }
}
