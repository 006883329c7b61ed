import { setTimeout } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { Type } from 'typebox'
import type { Store } from '../../connectors/postgres/port.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { createAlertMetrics } from '../alert-metrics.ts'
import type { Api } from '../app.ts'
import { deadLettersOf } from '../dead-letters.ts'
import { createLagMetrics, lagOf } from '../lag.ts'
import { sendProblem } from '../problem.ts'
import * as s from '../schemas.ts'
import { createSourceMetrics } from '../source-metrics.ts'
import { allOf } from './query.ts'

type Ops = {
  store: Store
  log: EventLog
  metrics: Registry
  about: { version: string; notice: string | null }
  failures: (() => string[]) | undefined
  now: () => number
}

/** A store that takes longer to say that it is there is as good as gone, ms. */
const PATIENCE = 2000

const Status = s.answers(Type.Object({ status: Type.String() }))

export function opsRoutes(app: Api, { store, log, metrics, about, failures, now }: Ops): void {
  const lagMetrics = createLagMetrics(log, metrics, now)
  const sourceMetrics = createSourceMetrics(store, log, metrics)
  const alertMetrics = createAlertMetrics(store, log, metrics)

  app.get('/v1/ops/lag', {
    schema: {
      tags: ['ops'],
      operationId: 'listLag',
      summary: 'How far each consumer group of a run is behind, in records and seconds',
      querystring: s.exactly({ run: s.AnyRun }),
      response: s.list(s.Lag),
    },
    handler: async ({ query }) => allOf(await lagOf(log, query.run, now), (row) => row),
  })

  app.get('/v1/ops/dead-letters', {
    schema: {
      tags: ['ops'],
      operationId: 'countDeadLetters',
      summary:
        'Records that could not be processed, counted by where they come from, and why the last could not',
      querystring: s.exactly({ run: s.AnyRun }),
      response: s.answers(s.DeadLetters),
    },
    handler: ({ query }) => deadLettersOf(log, query.run),
  })

  app.get('/v1/about', {
    schema: {
      tags: ['ops'],
      operationId: 'about',
      summary: 'The version, and what everyone who looks at this should know',
      querystring: s.exactly({}),
      response: s.answers(Type.Object({ version: Type.String(), notice: s.Nullable(Type.String()) })),
    },
    handler: () => about,
  })

  app.get('/healthz', {
    schema: { tags: ['ops'], operationId: 'health', summary: 'Whether the process is up', response: Status },
    handler: () => ({ status: 'ok' }),
  })

  app.get('/readyz', {
    schema: {
      tags: ['ops'],
      operationId: 'ready',
      summary: 'Whether the store answers and nothing in the process has failed',
      response: Status,
    },
    handler: async (request, reply) => {
      const failed = failures?.() ?? []
      const answered = await Promise.race([
        store.ping().then(
          () => true,
          (error) => {
            request.log.warn({ err: error }, 'the store does not answer')
            return false
          },
        ),
        setTimeout(PATIENCE, false, { ref: false }),
      ])
      if (!answered) failed.push('The store does not answer.')
      return failed.length === 0 ? { status: 'ok' } : sendProblem(reply, 503, failed.join(' '))
    },
  })

  app.get('/metrics', {
    schema: {
      tags: ['ops'],
      operationId: 'metrics',
      summary: 'Metrics for Prometheus',
      response: s.streams('The metrics.', 'text/plain'),
    },
    handler: async (request, reply) => {
      // The other metrics are worth having most when the log or the store is in trouble.
      const update = (what: string, { update }: { update(): Promise<void> }) =>
        update().catch((error) => request.log.warn({ err: error }, `${what} is not known`))
      await Promise.all([
        update('lag', lagMetrics),
        update('what the source does', sourceMetrics),
        update('which alerts are open', alertMetrics),
      ])
      return reply.type(metrics.contentType).send(await metrics.metrics())
    },
  })
}
