/** What every HTTP server of ours has, whatever it serves. */

import { randomUUID } from 'node:crypto'
import type { Server as HttpServer } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyHttpOptions, fastify, LogController } from 'fastify'
import { type Guard, guard } from './auth/guard.ts'
import { secureHeaders } from './auth/headers.ts'
import { answerClientError, answerError, notFound } from './problem.ts'

export type ServerOptions = Guard & {
  logger: FastifyBaseLogger
  /**
   * Addresses and ranges (CIDR) of proxies: what came through one is counted for the client that its X-Forwarded-For names,
   * everything else for who is connected. It gives no rights to anybody.
   */
  trustedProxies?: readonly string[]
}

/** A Fastify app that answers every error as a problem, and listens to nothing yet. */
export function createServer(
  { logger, trustedProxies = [], ...guarded }: ServerOptions,
  options: FastifyHttpOptions<HttpServer, FastifyBaseLogger>,
) {
  const app = fastify({
    // Named in problems and in the log, which several processes may write.
    genReqId: () => randomUUID(),
    ...options,
    trustProxy: [...trustedProxies],
    loggerInstance: logger,
    // Dashboards, orchestrators and scrapers ask every few seconds; what goes wrong is logged by `answerError`.
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => {
      secureHeaders(reply)
      answerError(error, request, reply)
    },
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>()
  guard(app, guarded)
  // Answers are built field by field; their schemas are for readers, and the tests hold the two together.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(notFound)
  return app
}

export type Server = ReturnType<typeof createServer>
