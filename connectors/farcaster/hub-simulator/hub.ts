/** A hub over HTTP on the loopback address, answering from memory. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FcmError } from '../../../common/errors.ts'
import { foreign, hostsOf } from '../../../common/foreign.ts'
import { SECOND } from '../../../common/time.ts'
import { HUB_SECONDS_HEADER } from '../tools.ts'
import type { HubClock } from './clock.ts'
import type { HubData } from './data.ts'
import { canonical, drawFault, type Fault, garble, striking } from './faults.ts'
import { BadQuery, Refused, readQuery } from './query.ts'
import { createRoutes } from './routes.ts'
import { createStore } from './store.ts'

export type HubOptions = {
  data: HubData
  clock: HubClock
  /** In order: of those that strike one request, delays add up and the first other one decides the answer. */
  faults?: readonly Fault[]
  /** The family of hubs in whose form errors come. */
  errors?: 'snapchain' | 'hubble'
  /** 0, the default: any free one. */
  port?: number
}

export type Hub = { url: string; close(): Promise<void> }

const HOST = '127.0.0.1'
const HOSTS = hostsOf(HOST, [])
const MAX_BODY = 1000
/** A timer can't be longer. */
const LONGEST_WAIT = 2 ** 31 - 1

type Answer = { status: number; body: string; type?: string; headers?: Record<string, string> }

/**
 * Serves `data` as of `clock`: answers and faults are functions of the data's seed, the request and the clock's time.
 * Beside the API: `PUT /clock {"now": ms}` sets a driven clock; until then the API answers 503.
 * @throws FcmError PORT_IN_USE, LISTEN_FAILED
 */
export async function createHub({
  data,
  clock,
  faults = [],
  errors = 'snapchain',
  port = 0,
}: HubOptions): Promise<Hub> {
  const store = createStore(data.retention)
  const routes = createRoutes(data, store)
  const fail = errors === 'snapchain' ? snapchainError : hubbleError

  function answer(path: string, params: URLSearchParams, now: number): Answer {
    const route = routes.get(path)
    if (!route) return NOT_FOUND
    try {
      return { status: 200, body: route(readQuery(params, errors === 'hubble'), now) }
    } catch (error) {
      if (error instanceof BadQuery) {
        return { status: 400, body: `Invalid query parameters: ${error.message}`, type: 'text/plain' }
      }
      if (error instanceof Refused) return fail(error)
      throw error
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    if (path === '/clock') return send(response, await setClock(request))
    const now = clock.now()
    if (now === null) return send(response, fail(new Refused('unavailable', 'the clock is not set yet', 503)))
    store.advance(data.upTo(now), now)
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
    const given = request.method === 'GET' ? answer(path, query, now) : NOT_FOUND
    if (faults.length === 0 || !/^\/v[12]\//.test(path)) return send(response, given)
    const asked = canonical(path, query)
    await misbehave(response, given, asked, now)
  }

  async function misbehave(
    response: ServerResponse,
    given: Answer,
    asked: string,
    now: number,
  ): Promise<void> {
    const struck = striking(faults, data.seed, asked, now)
    const delays = struck.filter(({ kind }) => kind === 'slow' || kind === 'hang')
    const seconds = delays.reduce((sum, fault) => sum + fault.seconds, 0)
    if (seconds > 0) response.setHeader(HUB_SECONDS_HEADER, seconds)
    if (!clock.driven) {
      if (delays.some(({ kind }) => kind === 'hang')) return
      if (seconds > 0) await open(response, (seconds * SECOND) / (clock.speed || 1))
      if (response.destroyed) return
    }
    const other = struck.find(({ kind }) => kind !== 'slow' && kind !== 'hang')
    switch (other?.kind) {
      case '429':
        return send(response, {
          status: 429,
          body: '{"message":"Too many requests"}',
          headers: { 'retry-after': String(other.seconds) },
        })
      case '500':
        return send(response, { ...fail(new Refused('unavailable', 'internal error')), status: 500 })
      case 'dangling':
        return send(response, fail(new Refused('not_found', 'could not get message with key')))
      case 'garbage': {
        // Another draw than the one that decided to strike.
        const draw = drawFault(data.seed, 'which garbage', asked, now)
        return send(response, given.status === 200 ? { ...given, body: garble(given.body, draw) } : given)
      }
      case 'cut':
        return cut(response, given)
      default:
        return send(response, given)
    }
  }

  async function setClock(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'PUT') return NOT_FOUND
    const refused = foreign(request.headers, { method: request.method, isPublic: false }, HOSTS)
    if (refused) return problem(refused.status, refused.why)
    if (!clock.driven) return problem(409, 'this clock runs by itself')
    const now = readTime(await readBody(request))
    if (now === null) return problem(400, 'the body must be {"now": ms}')
    if (!clock.set(now)) return problem(409, `the clock stands at ${clock.now()} and never goes back`)
    store.advance(data.upTo(now), now)
    return { status: 200, body: JSON.stringify({ now }) }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: Error) => {
      process.stderr.write(`hub: ${request.url}: ${error.stack}\n`)
      response.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = { host: HOST, port, why: error.message }
      reject(new FcmError(error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'LISTEN_FAILED', where, error))
    })
    server.listen(port, HOST, resolve)
  })
  const now = clock.now()
  if (now !== null) store.advance(data.upTo(now), now)
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(response: ServerResponse, { status, body, type = 'application/json', headers }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}

/** The head of a whole answer, half of its body, and then nothing any more. */
function cut(response: ServerResponse, { status, body, type = 'application/json' }: Answer): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length })
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy())
}

/** Resolves after `ms`, or when the client has gone. */
function open(response: ServerResponse, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.min(ms, LONGEST_WAIT))
    response.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += chunk
    if (body.length > MAX_BODY) return ''
  }
  return body
}

function readTime(body: string): number | null {
  try {
    const { now } = JSON.parse(body) as { now: unknown }
    return Number.isSafeInteger(now) ? (now as number) : null
  } catch {
    return null
  }
}

const NOT_FOUND: Answer = { status: 404, body: 'Not Found', type: 'text/plain' }
const problem = (status: number, error: string): Answer => ({ status, body: JSON.stringify({ error }) })

/** Snapchain says 400 to nearly everything, what is not found included. */
const snapchainError = ({ code, message, status }: Refused): Answer => ({
  status,
  body: JSON.stringify({ error: code, error_detail: message }),
})

const GRPC_CODES = { not_found: 5, 'bad_request.invalid_param': 3, unavailable: 14 }

const hubbleError = ({ code, message, status }: Refused): Answer => ({
  status,
  body: JSON.stringify({
    errCode: code,
    presentable: false,
    name: 'HubError',
    code: GRPC_CODES[code],
    details: message,
    metadata: { errcode: [code], 'content-type': ['application/grpc+proto'] },
  }),
})
