/** Health and metrics of a process that serves nothing else. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, fastify, LogController } from 'fastify'
import { answerClientError, answerError, notFound } from './problem.ts'
import { type Health, healthRoutes } from './routes/health.ts'
import { Problem } from './schemas.ts'
import { checkHost, isLoopbackHost, secureHeaders } from './security.ts'

export type HealthOptions = Health & {
  logger: FastifyBaseLogger
  /** What will be listened on: a loopback host answers to loopback names only. */
  host: string
}

/** `/healthz`, `/readyz` and `/metrics`, as the query API has them; not listening yet. */
export function createHealthApi({ logger, host, ...health }: HealthOptions) {
  const app = fastify({
    loggerInstance: logger,
    // They are asked every few seconds.
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: 5000,
    // Scrapers keep their connections; nothing is lost when they break.
    forceCloseConnections: true,
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.addHook('onRequest', (_request, reply, done) => {
    secureHeaders(reply)
    done()
  })
  if (isLoopbackHost(host)) app.addHook('onRequest', checkHost(host))
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(notFound)
  app.addSchema(Problem)
  healthRoutes(app, health)
  return app
}
