/** What orchestrators and Prometheus ask of any process of ours, whatever it does. */
import { setTimeout } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { Type } from 'typebox'
import { sendProblem } from '../problem.ts'
import * as s from '../schemas.ts'
import type { Server } from '../server.ts'

export type Health = {
  metrics: Registry
  /** What has failed in this process for good, in words; empty while all is well. */
  failures(): string[]
  /** What it can't work without, as a sentence begins: `ping` rejects while that does not answer. */
  needs: { what: string; ping(): Promise<unknown> }[]
  /** Metrics that are read anew at each scrape. */
  updates: { what: string; update(): Promise<void> }[]
}

/** What takes longer to say that it is there is as good as gone, ms. */
const PATIENCE = 2000

const Status = s.answers(Type.Object({ status: Type.String() }))

export function healthRoutes(app: Server, { metrics, failures, needs, updates }: Health): void {
  app.get('/healthz', {
    config: { scope: 'public' },
    schema: { tags: ['ops'], operationId: 'health', summary: 'Whether the process is up', response: Status },
    handler: () => ({ status: 'ok' }),
  })

  app.get('/readyz', {
    config: { scope: 'public' },
    schema: {
      tags: ['ops'],
      operationId: 'ready',
      summary: 'Whether what the process needs answers, and nothing in it has failed',
      response: Status,
    },
    handler: async (request, reply) => {
      const away = needs.map(({ what, ping }) =>
        Promise.race([
          ping().then(
            () => [],
            (error) => {
              request.log.warn({ err: error }, `${what} does not answer`)
              return [`${what} does not answer.`]
            },
          ),
          setTimeout(PATIENCE, [`${what} does not answer.`], { ref: false }),
        ]),
      )
      const wrong = [...failures(), ...(await Promise.all(away)).flat()]
      return wrong.length === 0 ? { status: 'ok' } : sendProblem(reply, 503, wrong.join(' '))
    },
  })

  app.get('/metrics', {
    config: { scope: 'ops' },
    schema: {
      tags: ['ops'],
      operationId: 'metrics',
      summary: 'Metrics for Prometheus',
      response: s.streams('The metrics.', 'text/plain'),
    },
    handler: async (request, reply) => {
      // The other metrics are worth having most when the log or the store is in trouble.
      await Promise.all(
        updates.map(({ what, update }) =>
          update().catch((error) => request.log.warn({ err: error }, `${what} is not known`)),
        ),
      )
      return reply.type(metrics.contentType).send(await metrics.metrics())
    },
  })
}
