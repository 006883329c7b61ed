/** GET of JSON over HTTP, with all that a stranger's server may do to one told apart. */
import http from 'node:http'
import https from 'node:https'
import { oneLine, withoutEndSlashes } from '../../../common/text.ts'
import { SECOND } from '../../../common/time.ts'
import { HUB_SECONDS_HEADER, type HubMeta } from '../tools.ts'

/** Of an answer, in bytes. Its head may have 16 kB, Node's own limit. */
export const MAX_BODY = 32 * 2 ** 20
const SOCKETS = 32
/** Seconds that a hub may say to wait. */
export const MAX_RETRY_AFTER = 86_400

/** What one tool call costs: `seconds` that simulated hubs declared, undefined where none did. */
export type Call = { seconds?: number; signal?: AbortSignal }

export type Query = Record<string, string | number | boolean | undefined>

/** A hub that did not answer as asked. The message is what a person reads; `error`, `status`, `retryAfter` as in HubMeta. */
export class HubError extends Error {
  override name = 'HubError'
  readonly error: NonNullable<HubMeta['error']>
  readonly status: number | undefined
  readonly retryAfter: number | undefined

  constructor(error: NonNullable<HubMeta['error']>, message: string, status?: number, retryAfter?: number) {
    super(message)
    this.error = error
    this.status = status
    this.retryAfter = retryAfter
  }
}

export interface HttpClient {
  /**
   * The JSON under this path. Declared seconds are added to `call`.
   * @throws HubError
   */
  get(path: string, query: Query, call: Call): Promise<unknown>
  close(): void
}

/**
 * `base`: http or https, its path is kept. `timeout`: seconds for a whole answer, and before that for one of the
 * connections to be free. Redirects are refused.
 */
export function httpClient(base: string, timeout: number): HttpClient {
  const root = new URL(base)
  const secure = root.protocol === 'https:'
  const { request } = secure ? https : http
  // node:http with kept connections makes over 3 times as many small requests a second as fetch.
  const agent = new (secure ? https : http).Agent({
    keepAlive: true,
    maxSockets: SOCKETS,
    scheduling: 'fifo',
  })
  const prefix = withoutEndSlashes(root.pathname)

  /** A connection kept too long may be closed under a new request: that one is sent again, on another. */
  async function get(path: string, query: Query, call: Call): Promise<unknown> {
    try {
      return await once(path, query, call)
    } catch (error) {
      if (error !== STALE) throw error
      return once(path, query, call, false)
    }
  }

  function once(path: string, query: Query, call: Call, kept = true): Promise<unknown> {
    call.signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      let state: 'queued' | 'connecting' | 'connected' = 'queued'
      let settled = false
      const settle = (end: () => void) => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        end()
      }
      const fail = (error: unknown) => settle(() => reject(error))
      const outgoing = request(
        {
          protocol: root.protocol,
          hostname: root.hostname.replace(/^\[|\]$/g, ''),
          port: root.port,
          path: `${prefix}${path}${queryString(query)}`,
          headers: { accept: 'application/json' },
          ...(kept ? { agent } : { agent: false }),
        },
        (incoming) => {
          const chunks: Buffer[] = []
          let size = 0
          incoming.on('data', (chunk: Buffer) => {
            size += chunk.length
            chunks.push(chunk)
            if (size > MAX_BODY) {
              fail(new HubError('unreadable', failed(`the answer is larger than ${MAX_BODY} bytes`)))
              outgoing.destroy()
            }
          })
          incoming.on('error', () => fail(new HubError('broken', failed('the answer broke off'))))
          incoming.on('end', () =>
            settle(() => {
              try {
                resolve(readAnswer(incoming, Buffer.concat(chunks), timeout, call))
              } catch (error) {
                reject(error)
              }
            }),
          )
        },
      )
      const timer = setTimeout(() => {
        const why =
          state === 'queued' ? `no connection was free for ${timeout} s` : `no answer within ${timeout} s`
        fail(new HubError(state === 'connecting' ? 'unreachable' : 'broken', failed(why)))
        outgoing.destroy()
      }, timeout * SECOND)
      outgoing.on('socket', (socket) => {
        timer.refresh()
        state = socket.connecting ? 'connecting' : 'connected'
        if (socket.connecting)
          socket.once(secure ? 'secureConnect' : 'connect', () => {
            state = 'connected'
          })
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) =>
        fail(
          outgoing.reusedSocket && error.code === 'ECONNRESET'
            ? STALE
            : error.code?.startsWith('HPE_')
              ? new HubError('unreadable', failed('the answer is not HTTP'))
              : new HubError('unreachable', failed(error.code ?? oneLine(error.message, 200))),
        ),
      )
      outgoing.end()
    })
  }

  return { get, close: () => agent.destroy() }
}

const STALE = Symbol('a kept connection was closed')

const failed = (why: string) => `Failed to fetch from Hubble: ${why}`

function readAnswer(incoming: http.IncomingMessage, body: Buffer, timeout: number, call: Call): unknown {
  const status = incoming.statusCode ?? 0
  const declared = Number(incoming.headers[HUB_SECONDS_HEADER] ?? 0)
  if (declared > 0) {
    call.seconds = (call.seconds ?? 0) + Math.min(declared, timeout)
    if (declared > timeout) throw new HubError('broken', failed(`no answer within ${timeout} s`))
  }
  if (status !== 200) {
    const words = `Hubble API error: ${status} - ${details(body) || `Request failed with status code ${status}`}`
    throw new HubError(
      status === 503 ? 'unreachable' : 'refused',
      words,
      status,
      retryAfter(incoming.headers['retry-after']),
    )
  }
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new HubError('unreadable', failed('the answer is not JSON'))
  }
}

/** What a hub says was wrong, in the words of either family: Hubble's `details`, Snapchain's `error_detail`. */
function details(body: Buffer): string {
  try {
    const json = JSON.parse(body.toString('utf8'))
    const said = [json.details, json.error_detail, json.error].find((s) => typeof s === 'string' && s !== '')
    return said === undefined ? '' : oneLine(said, 200)
  } catch {
    return ''
  }
}

/** Seconds; a date counts from now. */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const seconds = /^\d+$/.test(header)
    ? Number(header)
    : Math.ceil((Date.parse(header) - Date.now()) / SECOND)
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), MAX_RETRY_AFTER) : undefined
}

function queryString(query: Query): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(String(value).toWellFormed())}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}
