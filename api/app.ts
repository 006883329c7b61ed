/** The query API: one Fastify app, which also answers without listening (`app.inject`, also as a stream). */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Histogram, type Registry } from 'prom-client'
import type { Store } from '../connectors/postgres/store.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import { withScope } from './auth/guard.ts'
import { DOCS_POLICY } from './auth/headers.ts'
import { nameSchemas, TAGS } from './contracts/document.ts'
import { parseTime } from './contracts/schema.ts'
import { createRate } from './limits.ts'
import { createAlertMetrics } from './metrics/alerts.ts'
import { createBuildMetric } from './metrics/build.ts'
import { createLagMetrics } from './metrics/lag.ts'
import { createSourceMetrics } from './metrics/source.ts'
import { notFound, sendProblem } from './problem.ts'
import { createLatency } from './queries/latency.ts'
import { createQueries } from './queries/queries.ts'
import { createShared } from './queries/shared.ts'
import { type Admin, adminRoutes } from './routes/admin.ts'
import { alertRoutes } from './routes/alerts.ts'
import { channelRoutes } from './routes/channels.ts'
import { dashboardRoutes } from './routes/dashboard.ts'
import { exportRoutes } from './routes/export.ts'
import { healthRoutes } from './routes/health.ts'
import { opsRoutes } from './routes/ops.ts'
import { seriesRoutes } from './routes/series.ts'
import { type StreamOptions, streamRoutes } from './routes/stream.ts'
import { createServer, type Server, type ServerOptions } from './server.ts'
import { createStreams } from './streams.ts'

export type ApiOptions = ServerOptions & {
  store: Store
  log: EventLog
  metrics: Registry
  /** Of the program. */
  version: string
  /** What everyone who looks at it should know, such as that all of it is simulated. */
  notice?: () => Promise<string | null>
  /** How many alerts of one type that opened on one day are listed; 0: all. Default 20. */
  alertsPerDay?: number
  /** Absent: there are no admin routes. */
  admin?: Admin
  /** What has failed in this process for good, in words; empty while all is well. Tells /readyz. */
  failures?: () => string[]
  /** The wall clock in ms: for the age of unread records. */
  now?: () => number
  /** For tests. */
  streamTimes?: StreamOptions['times']
}

export async function createApi(options: ApiOptions) {
  const { store, log, metrics, version, alertsPerDay = 20, now = Date.now } = options
  const app = createServer(
    { ...options, adminToken: options.admin?.token },
    {
      // Series and channels are named by URLs, and stand in paths.
      routerOptions: { maxParamLength: 16_384 },
      // A request that takes longer to arrive than this is no honest one.
      requestTimeout: 30_000,
      ajv: {
        customOptions: {
          allErrors: true,
          coerceTypes: true,
          removeAdditional: false,
          formats: { 'date-time': (text: string) => parseTime(text) !== null },
        },
      },
    },
  )
  limitRequests(app, now)
  measureRequests(app, metrics)
  const methods = collectMethods(app)
  const streams = createStreams(app)
  const shared = createShared()
  const latency = createLatency(metrics, now)
  app.addHook('onClose', async () => latency.close())
  const queries = createQueries({ store, log, shared, latency, alertsPerDay, now })

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Farcaster Coordination Monitor',
        version,
        description:
          'Times are ISO 8601 in UTC to the second; spans include `from` and exclude `to`. ' +
          'Texts of casts are untrusted. Errors are RFC 9457 problem details.',
      },
      servers: [{ url: '/', description: 'Where this document comes from.' }],
      tags: TAGS,
    },
    transformObject: (document) =>
      nameSchemas('openapiObject' in document ? document.openapiObject : document.swaggerObject),
  })
  alertRoutes(app, queries)
  streamRoutes(app, {
    store,
    queries,
    metrics,
    streams,
    shared,
    perDay: alertsPerDay,
    times: options.streamTimes,
  })
  seriesRoutes(app, queries)
  channelRoutes(app, queries)
  exportRoutes(app, store, queries, streams)
  const { notice = async () => null, failures = () => [] } = options
  const about = () => shared.answer('', ['about'], async () => ({ version, notice: await notice() }))
  opsRoutes(app, queries, about)
  createBuildMetric(metrics, version)
  healthRoutes(app, {
    metrics,
    failures,
    needs: [{ what: 'The store', ping: store.ping }],
    readings: [
      createLagMetrics(log, metrics, now),
      createSourceMetrics(store, log, metrics),
      createAlertMetrics(store, log, metrics),
    ],
  })
  if (options.admin) await app.register(adminRoutes(options.admin, queries, streams))
  const docs = { routePrefix: '/docs', staticCSP: DOCS_POLICY, uiConfig: { layout: 'BaseLayout' } } as const
  // What there is, and the page that shows it, are no secret: what they show is asked for by itself.
  await app.register(withScope('public', async (app) => app.register(swaggerUi, docs)))
  await app.register(withScope('public', dashboardRoutes))
  refuseOtherMethods(app, methods)
  return app
}

/** Of one address, in so many seconds: some open pages, which ask a few times each second, are far below. */
const MOST_REQUESTS = 1000
const WINDOW_SECONDS = 10

/** Who is not on this machine may not ask without end. */
function limitRequests(app: Server, now: () => number): void {
  const rate = createRate(MOST_REQUESTS, WINDOW_SECONDS, now)
  app.addHook('onRequest', (request, reply, done) => {
    const wait = request.principal.type === 'nobody' ? rate.wait(request.ip) : 0
    if (wait === 0) return done()
    reply.header('retry-after', wait)
    const detail = `More than ${MOST_REQUESTS} requests in ${WINDOW_SECONDS} s came from your address. Ask again in ${wait} s.`
    sendProblem(reply, 429, detail)
  })
}

function measureRequests(app: Server, metrics: Registry) {
  const seconds = new Histogram({
    name: 'fcm_http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [metrics],
  })
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
    done()
  })
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'] as const

/** The methods of every path of the API that is routed from now on: files have none to tell of. */
function collectMethods(app: Server): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method, schema }) => {
    if (schema?.operationId === undefined) return
    const of = methods.get(url) ?? new Set()
    for (const m of [method].flat()) of.add(m)
    methods.set(url, of)
  })
  return methods
}

/** 405 with what is allowed, before a body is read, for every other method of a known path. */
function refuseOtherMethods(app: Server, methods: Map<string, Set<string>>) {
  for (const [url, allowed] of methods) {
    const others = METHODS.filter((method) => !allowed.has(method))
    const allow = [...allowed].join(', ')
    app.route({
      url,
      method: others,
      config: { scope: 'public' },
      schema: { hide: true },
      onRequest: async (request, reply) =>
        sendProblem(
          reply.header('allow', allow),
          405,
          `${request.method} is not possible here; ${allow} is.`,
        ),
      handler: notFound,
    })
  }
}
