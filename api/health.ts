/** Health and metrics of a process that serves nothing else. */
import { type Health, healthRoutes } from './routes/health.ts'
import { createServer, type ServerOptions } from './server.ts'

/** `/healthz`, `/readyz` and `/metrics`, as the query API has them; not listening yet. */
export function createHealthApi(options: ServerOptions & Health) {
  // Scrapers keep their connections; nothing is lost when they break.
  const app = createServer(options, { requestTimeout: 5000, forceCloseConnections: true })
  healthRoutes(app, options)
  return app
}
