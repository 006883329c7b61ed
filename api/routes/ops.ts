import { About, DeadLetters, Lag, Latency, Run } from '../contracts/ops.ts'
import { answers, list } from '../contracts/problem.ts'
import { exactly } from '../contracts/schema.ts'
import { Requests, Source } from '../contracts/source.ts'
import { OfChannel } from '../queries/channels.ts'
import { GetSource, ListRuns, OfRun } from '../queries/operations.ts'
import type { Queries } from '../queries/queries.ts'
import { revalidated } from '../revalidated.ts'
import type { Server } from '../server.ts'

export function opsRoutes(app: Server, queries: Queries, about: () => Promise<About>): void {
  app.get('/v1/runs', {
    config: { scope: 'read' },
    schema: {
      tags: ['runs'],
      operationId: 'listRuns',
      summary: 'Runs: live, and every named backfill',
      querystring: ListRuns,
      response: list(Run),
    },
    onSend: revalidated,
    handler: ({ query }) => queries.runs(query),
  })

  app.get('/v1/ops/source', {
    config: { scope: 'ops' },
    schema: {
      tags: ['ops'],
      operationId: 'getSource',
      summary: 'How far the source has come, its gaps, its last round, and its channels',
      querystring: GetSource,
      response: answers(Source),
    },
    onSend: revalidated,
    handler: ({ query }) => queries.source(query),
  })

  app.get('/v1/ops/requests', {
    config: { scope: 'ops' },
    schema: {
      tags: ['ops'],
      operationId: 'listRequests',
      summary: 'Requests of the source by channel and hour, earliest first',
      querystring: OfChannel,
      response: list(Requests),
    },
    handler: ({ query }) => queries.requests(query),
  })

  app.get('/v1/ops/lag', {
    config: { scope: 'ops' },
    schema: {
      tags: ['ops'],
      operationId: 'listLag',
      summary: 'How far each consumer group of a run is behind, in records and seconds',
      querystring: OfRun,
      response: list(Lag),
    },
    onSend: revalidated,
    handler: ({ query }) => queries.lag(query),
  })

  app.get('/v1/ops/dead-letters', {
    config: { scope: 'ops' },
    schema: {
      tags: ['ops'],
      operationId: 'countDeadLetters',
      summary:
        'Records that could not be processed, counted by where they come from, and why the last could not',
      querystring: OfRun,
      response: answers(DeadLetters),
    },
    onSend: revalidated,
    handler: ({ query }) => queries.deadLetters(query),
  })

  app.get('/v1/ops/latency', {
    config: { scope: 'ops' },
    schema: {
      tags: ['ops'],
      operationId: 'latency',
      summary: 'How long alerts took in the last minutes, from what decided them to their commit, by hop',
      querystring: OfRun,
      response: answers(Latency),
    },
    handler: ({ query }) => queries.latency(query),
  })

  app.get('/v1/about', {
    config: { scope: 'read' },
    schema: {
      tags: ['ops'],
      operationId: 'about',
      summary: 'The version, and what everyone who looks at this should know',
      querystring: exactly({}),
      response: answers(About),
    },
    onSend: revalidated,
    handler: about,
  })
}
