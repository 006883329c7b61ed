import type { Registry } from 'prom-client'
import { Type } from 'typebox'
import type { Store } from '../../connectors/postgres/store.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { createAlertMetrics } from '../alert-metrics.ts'
import { deadLettersOf } from '../dead-letters.ts'
import { createLagMetrics, lagOf } from '../lag.ts'
import * as s from '../schemas.ts'
import type { Server } from '../server.ts'
import { createSourceMetrics } from '../source-metrics.ts'
import { healthRoutes } from './health.ts'
import { allOf } from './query.ts'

type Ops = {
  store: Store
  log: EventLog
  metrics: Registry
  about: () => Promise<{ version: string; notice: string | null }>
  failures: (() => string[]) | undefined
  now: () => number
}

export function opsRoutes(app: Server, { store, log, metrics, about, failures, now }: Ops): void {
  app.get('/v1/ops/lag', {
    config: { scope: 'ops' },
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
    config: { scope: 'ops' },
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
    config: { scope: 'read' },
    schema: {
      tags: ['ops'],
      operationId: 'about',
      summary: 'The version, and what everyone who looks at this should know',
      querystring: s.exactly({}),
      response: s.answers(Type.Object({ version: Type.String(), notice: s.Nullable(Type.String()) })),
    },
    handler: about,
  })

  healthRoutes(app, {
    metrics,
    failures: failures ?? (() => []),
    needs: [{ what: 'The store', ping: store.ping }],
    updates: [
      { what: 'lag', ...createLagMetrics(log, metrics, now) },
      { what: 'what the source does', ...createSourceMetrics(store, log, metrics) },
      { what: 'which alerts are open', ...createAlertMetrics(store, log, metrics) },
    ],
  })
}
