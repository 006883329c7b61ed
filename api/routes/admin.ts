import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { FcmError } from '../../common/errors.ts'
import type { Span } from '../../connectors/postgres/database/questions.ts'
import { AtWork, Letter, Redriven, type RoleOfRun } from '../contracts/admin.ts'
import { AnyRun, Name, NamedRun, span } from '../contracts/asking.ts'
import { answers, list, problems, streams as streamed } from '../contracts/problem.ts'
import { exactly } from '../contracts/schema.ts'
import { allOf, spanOf } from '../queries/asking.ts'
import type { Queries } from '../queries/queries.ts'
import type { Streams } from '../streams.ts'

/** A line on how a backfill goes, or what came of it. */
export type Told = Record<string, unknown>

export type Admin = {
  /** Kept in the data directory; whoever can read that may do all that is below. */
  token: string
  /** Roles of this process that are at work. */
  atWork(): RoleOfRun[]
  /** Resolves with a summary. When `signal` aborts (the asker is gone) it stops where it can be resumed. */
  backfill(
    request: Span & { files: string[]; run: string; believeClocks?: boolean },
    onProgress: (progress: Told) => void,
    signal: AbortSignal,
  ): Promise<Told>
  /** @throws FcmError RUN_UNKNOWN */
  deleteRun(run: string): Promise<void>
  /** Of a run; with their value only if one is asked for by its source. */
  deadLetters(run: string, source: string | undefined): Promise<Letter[]>
  /** Sends the dead letters of these ids (their `source`), or all, where they came from; returns a summary. */
  redrive(run: string, ids: string[] | undefined): Promise<Redriven>
}

const common = { hide: true }
const config = { scope: 'admin' } as const

/** Through these, commands work while another process owns the data directory. */
export const adminRoutes =
  (admin: Admin, { known }: Queries, streams: Streams): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get('/admin', {
      config,
      schema: {
        ...common,
        operationId: 'admin',
        summary: 'Whether this is the process that the token is of, and what it does',
        querystring: exactly({}),
        response: answers(AtWork),
      },
      handler: async () => ({ status: 'ok', atWork: admin.atWork() }),
    })

    app.post('/admin/backfills', {
      config,
      schema: {
        ...common,
        operationId: 'backfill',
        summary: 'Processes archives into a run of their own, telling its progress',
        description:
          'Lines of JSON: {"type":"progress",...} several times, then {"type":"done",...} or {"type":"error","code","detail"}. ' +
          'Closing the connection stops it.',
        querystring: exactly({}),
        body: exactly({
          files: Type.Array(Name(4096), {
            minItems: 1,
            maxItems: 1000,
          }),
          run: NamedRun,
          believeClocks: Type.Optional(Type.Boolean()),
          ...span,
        }),
        response: streamed('Progress.', 'application/x-ndjson'),
      },
      handler: async (request, reply) => {
        const { body, log } = request
        const { files, run, believeClocks } = body
        const asked = { files, run, ...spanOf(body), ...(believeClocks && { believeClocks }) }
        reply.type('application/x-ndjson; charset=utf-8')
        return streams.send(reply, (signal) =>
          tell(
            (onProgress) => admin.backfill(asked, onProgress, signal),
            // Work that was told to stop may well end with an error.
            (error) => signal.aborted || log.error({ err: error, run: body.run }, 'backfill failed'),
            (outcome) => {
              request.outcome = outcome
            },
          ),
        )
      },
    })

    app.delete('/admin/runs/:run', {
      config,
      schema: {
        ...common,
        operationId: 'deleteRun',
        summary: 'Deletes a run: its topics and its rows',
        params: exactly({ run: NamedRun }),
        querystring: exactly({}),
        response: { ...problems, 204: Type.Null({ description: 'It is gone.' }) },
      },
      handler: async ({ params }, reply) => {
        await admin.deleteRun(params.run)
        return reply.code(204).send(null)
      },
    })

    app.get('/admin/dead-letters', {
      config,
      schema: {
        ...common,
        operationId: 'listDeadLetters',
        summary: 'Records that could not be processed, and why',
        querystring: exactly({
          run: AnyRun,
          source: Type.Optional(Name(5000)),
        }),
        response: list(Letter),
      },
      handler: async ({ query }) => {
        await known.run(query.run)
        return allOf(await admin.deadLetters(query.run, query.source), (letter) => letter)
      },
    })

    app.post('/admin/dead-letters/redrive', {
      config,
      schema: {
        ...common,
        operationId: 'redriveDeadLetters',
        summary: 'Sends dead letters where they came from, all or those of the given ids',
        querystring: exactly({}),
        body: exactly({
          run: AnyRun,
          ids: Type.Optional(Type.Array(Name(1000), { minItems: 1 })),
        }),
        response: answers(Redriven),
      },
      handler: ({ body }) => admin.redrive(body.run, body.ids),
    })
  }

/** Lines of JSON on how `work` goes, and how it ended. To a slow reader only the latest progress is told. */
async function* tell(
  work: (onProgress: (progress: Told) => void) => Promise<Told>,
  onFault: (error: unknown) => void,
  onEnd: (outcome: string) => void,
): AsyncGenerator<string> {
  let progress: Told | undefined
  let end: Told | undefined
  let news = Promise.withResolvers<void>()
  const ended = work((latest) => {
    progress = latest
    news.resolve()
  })
    .then(
      (summary) => ({ ...summary, type: 'done' }),
      (error: unknown) => {
        if (error instanceof FcmError) return { type: 'error', code: error.code, detail: error.message }
        onFault(error)
        return { type: 'error', code: 'FAULT', detail: 'This is a fault of the program; it is in the log.' }
      },
    )
    .then((last) => {
      end = last
      onEnd('code' in last ? `${last.code}` : last.type)
      news.resolve()
    })
  const line = (told: Told): string => `${JSON.stringify(told)}\n`
  try {
    while (!end) {
      await news.promise
      news = Promise.withResolvers()
      if (progress) yield line({ ...progress, type: 'progress' })
      progress = undefined
    }
    yield line(end)
  } finally {
    // A reader who went away has ended this generator, but not yet the work.
    await ended
  }
}
