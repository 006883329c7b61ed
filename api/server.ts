/** What every HTTP server of ours has, whatever it serves. */

import type { Server as HttpServer } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyHttpOptions, fastify, LogController } from 'fastify'
import { answerClientError, answerError, notFound } from './problem.ts'
import { Problem } from './schemas.ts'
import { checkHost, isLoopbackHost, secureHeaders } from './security.ts'

export type ServerOptions = {
  logger: FastifyBaseLogger
  /** What will be listened on: a loopback host answers to loopback names only. */
  host: string
}

/** A Fastify app that answers every error as a problem, and listens to nothing yet. */
export function createServer(
  { logger, host }: ServerOptions,
  options: FastifyHttpOptions<HttpServer, FastifyBaseLogger>,
) {
  const app = fastify({
    ...options,
    loggerInstance: logger,
    // Dashboards, orchestrators and scrapers ask every few seconds; what goes wrong is logged by `answerError`.
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => {
      secureHeaders(reply)
      answerError(error, request, reply)
    },
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.addHook('onRequest', (_request, reply, done) => {
    secureHeaders(reply)
    done()
  })
  if (isLoopbackHost(host)) app.addHook('onRequest', checkHost(host))
  // Answers are built field by field; their schemas are for readers, and the tests hold the two together.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(notFound)
  app.addSchema(Problem)
  return app
}

export type Server = ReturnType<typeof createServer>
