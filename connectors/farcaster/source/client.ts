/** A client of one MCP server that comes back by itself: it knows nothing of Farcaster. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  type CallToolResult,
  CallToolResultSchema,
  ErrorCode,
  ListToolsResultSchema,
  McpError,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'
import { FcmError } from '../../../common/errors.ts'
import { SECOND } from '../../../common/time.ts'
import { HttpRefusal, isUnanswered, mayPass, reason, Unanswered } from './failures.ts'
import { nameOf, openTransport, type ServerTarget } from './transport.ts'

export type CallOutcome =
  | { outcome: 'answered'; result: CallToolResult }
  | { outcome: 'failed'; why: string; retryAfter: number }
  | { outcome: 'away'; why: string }

export interface ToolClient {
  /** What the server offers, as of the last time it was reached. */
  readonly tools: ReadonlyMap<string, Tool>
  /** Never throws. A server that is gone is connected to, or started, again by the next call; calls share the attempt. */
  call(tool: string, args: Record<string, unknown>): Promise<CallOutcome>
  /** Ends the connection, and a server that we started, in at most about 5 s. Calls under way answer `away`. */
  close(): Promise<void>
}

export type ClientOptions = {
  /** ms that a call may take before nobody is taken to answer; default 60,000 */
  timeout?: number
  /** ms that it may take to start a server or connect to it; default 60,000 */
  startTimeout?: number
  /** Bytes that an answer may have; default 32 MB: 1,000 of the longest casts, as text and as data, come to 20 */
  maxAnswer?: number
  /** Gives up connecting for the first time. */
  signal?: AbortSignal
  /** @throws Error with what is wrong with a server that has these tools */
  check?: (tools: ReadonlyMap<string, Tool>) => void
}

/**
 * @throws FcmError MCP_SERVER_AWAY, which may pass: nobody answers, or the process ended;
 *   MCP_SERVER_UNUSABLE: there is no such command, what answers is no MCP server, or `check` refused it
 */
export async function connectTools(target: ServerTarget, options: ClientOptions = {}): Promise<ToolClient> {
  const { timeout = 60 * SECOND, startTimeout = 60 * SECOND, maxAnswer = 32 << 20, check, signal } = options
  const server = nameOf(target)
  let closed = false
  // One for each attempt: the SDK never takes its listeners off a signal.
  let connecting = new AbortController()
  let tools: ReadonlyMap<string, Tool> = new Map()
  let current: Promise<Connection> | null = null
  /** Of servers let go that may not have ended yet. */
  const endings = new Set<Promise<void>>()

  const connected = (): Promise<Connection> => {
    if (current) return current
    connecting = new AbortController()
    const attempt = connect(target, { timeout, startTimeout, maxAnswer }, connecting.signal, (ending) => {
      if (current === attempt) current = null
      endings.add(ending)
      void ending.finally(() => endings.delete(ending))
    }).then(
      async (connection) => {
        try {
          check?.(connection.tools)
        } catch (error) {
          await connection.close()
          throw error
        }
        tools = connection.tools
        return connection
      },
      (error) => {
        if (current === attempt) current = null
        throw error
      },
    )
    current = attempt
    return attempt
  }

  const stop = () => connecting.abort(new Unanswered('connecting was given up'))
  signal?.throwIfAborted()
  signal?.addEventListener('abort', stop)
  try {
    await connected()
  } catch (error) {
    signal?.throwIfAborted()
    const why = reason(error)
    throw new FcmError(mayPass(error) ? 'MCP_SERVER_AWAY' : 'MCP_SERVER_UNUSABLE', { server, why }, error)
  } finally {
    signal?.removeEventListener('abort', stop)
  }

  return {
    get tools() {
      return tools
    },
    async call(tool, args) {
      if (closed) return { outcome: 'away', why: 'the connection was closed' }
      try {
        return await (await connected()).call(tool, args)
      } catch (error) {
        return { outcome: 'away', why: reason(error) }
      }
    },
    async close() {
      closed = true
      connecting.abort(new Unanswered('the connection was closed'))
      const connection = await current?.catch(() => null)
      await connection?.close()
      await Promise.all(endings)
    },
  }
}

type Bounds = { timeout: number; startTimeout: number; maxAnswer: number }

type Connection = {
  tools: ReadonlyMap<string, Tool>
  call(tool: string, args: Record<string, unknown>): Promise<CallOutcome>
  close(): Promise<void>
}

async function connect(
  target: ServerTarget,
  { timeout, startTimeout, maxAnswer }: Bounds,
  signal: AbortSignal,
  onLost: (ending: Promise<void>) => void,
): Promise<Connection> {
  const { transport, gone, ended } = openTransport(target, Math.max(timeout, startTimeout), maxAnswer)
  const client = new Client({ name: 'fcm', version: '1' })
  let lost = false
  let ending: Promise<void> | undefined
  let oversized = false
  client.onerror = (error) => {
    oversized ||= error.message.includes('exceeded maximum size')
  }
  const end = async () => {
    await client.close()
    await ended()
  }
  // Nothing is asked of it from now on, though its process may need seconds to end.
  const close = async () => {
    if (!lost) {
      lost = true
      ending = end()
      onLost(ending)
    }
    await ending
  }
  client.onclose = close

  /** After a call that nobody answered: a server that is only slow still answers a ping, one that hangs is let go. */
  const listen = async () => {
    if (lost) return
    const limit = Math.min(timeout, 5 * SECOND)
    await client.ping({ timeout: limit }).catch(close)
  }

  const refused = ({ status, retryAfter }: HttpRefusal): CallOutcome => {
    // A session that the server no longer knows: it was started anew.
    const forgotten = (status === 404 || status === 400) && transport.sessionId !== undefined
    if (forgotten || status === 502 || status === 503 || status === 504) {
      void close()
      return { outcome: 'away', why: `HTTP status ${status}` }
    }
    return { outcome: 'failed', why: `the server refused: HTTP status ${status}`, retryAfter }
  }

  const call = async (tool: string, args: Record<string, unknown>): Promise<CallOutcome> => {
    const expiry = new AbortController()
    const timer = setTimeout(() => expiry.abort(), timeout)
    try {
      // `callTool` would compile and run the server's own schemas; what it answers is held against ours.
      const result = await client.request(
        { method: 'tools/call', params: { name: tool, arguments: args } },
        CallToolResultSchema,
        { signal: expiry.signal, timeout: timeout + SECOND },
      )
      return { outcome: 'answered', result }
    } catch (error) {
      // Asking again would bring the same.
      if (oversized) return { outcome: 'failed', why: 'its answer is too large', retryAfter: 0 }
      if (lost) return { outcome: 'away', why: gone() }
      if (expiry.signal.aborted) {
        void listen()
        return { outcome: 'away', why: `no answer within ${timeout / SECOND} s` }
      }
      if (error instanceof HttpRefusal) return refused(error)
      if (!isUnanswered(error)) return { outcome: 'failed', why: reason(error), retryAfter: 0 }
      void close()
      return { outcome: 'away', why: reason(error) }
    } finally {
      clearTimeout(timer)
    }
  }

  try {
    await client.connect(transport, { timeout: startTimeout, signal })
    const tools = new Map<string, Tool>()
    let cursor: string | undefined
    // Bounded, should a server's list never end.
    for (let page = 0; page < 20; page++) {
      const listed = await client.request(
        { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
        ListToolsResultSchema,
        { timeout: startTimeout, signal },
      )
      for (const tool of listed.tools) tools.set(tool.name, tool)
      cursor = listed.nextCursor
      if (cursor === undefined) break
    }
    return { tools, call, close }
  } catch (error) {
    const died = error instanceof McpError && error.code === ErrorCode.ConnectionClosed && lost
    await close()
    throw died ? new Unanswered(gone()) : error
  }
}
