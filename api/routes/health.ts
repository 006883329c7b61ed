/** What orchestrators and Prometheus ask of any process of ours, whatever it does. */
import { setTimeout } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { Status } from '../contracts/ops.ts'
import { answers, streams } from '../contracts/problem.ts'
import { createReader, type Reading } from '../metrics/reading.ts'
import { sendProblem } from '../problem.ts'
import type { Server } from '../server.ts'

export type Health = {
  metrics: Registry
  /** What has failed in this process for good, in words; empty while all is well. */
  failures(): string[]
  /** What it can't work without, as a sentence begins: `ping` rejects while that does not answer. */
  needs: { what: string; ping(): Promise<unknown> }[]
  /** Metrics that are read anew at each scrape. */
  readings: readonly Reading[]
}

/** What takes longer to say that it is there is as good as gone, ms. */
const PATIENCE = 2000

export function healthRoutes(app: Server, { metrics, failures, needs, readings }: Health): void {
  const response = answers(Status)
  const read = createReader(readings)

  app.get('/healthz', {
    config: { scope: 'public' },
    schema: { tags: ['ops'], operationId: 'health', summary: 'Whether the process is up', response },
    handler: () => ({ status: 'ok' }),
  })

  app.get('/readyz', {
    config: { scope: 'public' },
    schema: {
      tags: ['ops'],
      operationId: 'ready',
      summary: 'Whether what the process needs answers, and nothing in it has failed',
      response,
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
      response: streams('The metrics.', 'text/plain'),
    },
    handler: async (request, reply) => {
      await read(request.log)
      return reply.type(metrics.contentType).send(await metrics.metrics())
    },
  })
}
