/** A client of one MCP server that comes back by itself: it knows nothing of Farcaster. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  ErrorCode,
  ListToolsResultSchema,
  McpError,
  ResultSchema,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'
import { FcmError } from '../../../../common/errors.ts'
import { SECOND } from '../../../../common/time.ts'
import { HttpRefusal, isTimeout, isUnanswered, mayPass, reason, Unanswered } from './failures.ts'
import { TOO_LARGE } from './stdio.ts'
import { type ToolResult, toolResult } from './tool-result.ts'
import { nameOf, openTransport, type ServerTarget } from './transport.ts'

export type CallOutcome =
  | { outcome: 'answered'; result: ToolResult }
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
  /** ms that it may take to start a server, to connect to it, or to answer a call; default 60,000 */
  timeout?: number
  /** Bytes that an answer may have; default 32 MB: 1,000 of the longest casts, as text and as data, come to 20 */
  maxAnswer?: number
  /** Gives up connecting for the first time. */
  signal?: AbortSignal
  /** A server that was gone is connected to, or was started, again; `why` it was gone. */
  onAgain?: (why: string) => void
  /** @throws Error with what is wrong with a server that has these tools */
  check?: (tools: ReadonlyMap<string, Tool>) => void
}

/**
 * @throws FcmError MCP_SERVER_AWAY, which may pass: nobody answers, or the process ended;
 *   MCP_SERVER_UNUSABLE: there is no such command, what answers is no MCP server, or `check` refused it
 */
export async function connectTools(target: ServerTarget, options: ClientOptions = {}): Promise<ToolClient> {
  const { timeout = 60 * SECOND, maxAnswer = 32 << 20, check, signal, onAgain } = options
  let closed = false
  // One for each attempt: the SDK never takes its listeners off a signal.
  let connecting = new AbortController()
  let tools: ReadonlyMap<string, Tool> = new Map()
  let current: Promise<Connection> | null = null
  /** Why the server was first gone since it was there. */
  let gone: string | null = null
  /** Of servers let go that may not have ended yet. */
  const endings = new Set<Promise<void>>()

  const connected = (): Promise<Connection> => {
    if (current) return current
    connecting = new AbortController()
    const attempt = connect(target, { timeout, maxAnswer }, connecting.signal, (ending, why) => {
      if (current === attempt) current = null
      gone ??= why
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
        if (gone !== null) onAgain?.(gone)
        gone = null
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
    const told = { server: nameOf(target), why: reason(error, true) }
    throw new FcmError(mayPass(error) ? 'MCP_SERVER_AWAY' : 'MCP_SERVER_UNUSABLE', told, error)
  } finally {
    signal?.removeEventListener('abort', stop)
  }

  /** Calls that are under way beside each other, and the end of those that are made alone, one after the other. */
  const beside = new Set<Promise<unknown>>()
  let alone: Promise<unknown> = Promise.resolve()

  const ask = async (tool: string, args: Arguments, isAgain: boolean): Promise<Outcome> => {
    if (closed) return away('the connection was closed')
    try {
      return await (await connected()).call(tool, args, isAgain)
    } catch (error) {
      return away(reason(error))
    }
  }
  const askBeside = async (tool: string, args: Arguments, isAgain = false): Promise<Outcome> => {
    for (let last: unknown; last !== alone; ) {
      last = alone
      await last
    }
    const asked = ask(tool, args, isAgain)
    beside.add(asked)
    return asked.finally(() => beside.delete(asked))
  }
  const askAlone = (tool: string, args: Arguments): Promise<Outcome> => {
    const asked = alone.then(() => Promise.all(beside)).then(() => ask(tool, args, true))
    alone = asked
    return asked
  }

  return {
    get tools() {
      return tools
    },
    async call(tool, args) {
      let outcome = await askBeside(tool, args)
      if (outcome.outcome === 'forgotten') outcome = await askBeside(tool, args, true)
      // Which of those under way had an answer too large shows when each is asked alone.
      if (outcome.outcome === 'suspect') outcome = await askAlone(tool, args)
      if (outcome.outcome === 'suspect' || outcome.outcome === 'forgotten')
        return away('the connection was lost')
      return outcome
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

/** Of a server's list of tools. */
export const MAX_TOOL_PAGES = 20
export const MAX_TOOLS = 1000

type Arguments = Record<string, unknown>
type Bounds = { timeout: number; maxAnswer: number }
/** `forgotten`: the server no longer knows the session. `suspect`: one of several answers under way was too large. */
type Outcome = CallOutcome | { outcome: 'forgotten' } | { outcome: 'suspect' }

const away = (why: string) => ({ outcome: 'away', why }) as const
const failed = (why: string, retryAfter = 0) => ({ outcome: 'failed', why, retryAfter }) as const

type Connection = {
  tools: ReadonlyMap<string, Tool>
  /** `isAgain`: what is refused now was not refused for the session's sake. */
  call(tool: string, args: Arguments, isAgain: boolean): Promise<Outcome>
  close(): Promise<void>
}

async function connect(
  target: ServerTarget,
  { timeout, maxAnswer }: Bounds,
  signal: AbortSignal,
  onLost: (ending: Promise<void>, why: string) => void,
): Promise<Connection> {
  const { transport, gone, ended } = openTransport(target, timeout, maxAnswer)
  const client = new Client({ name: 'fcm', version: '1' })
  let lost = false
  let ending: Promise<void> | undefined
  let underWay = 0
  /** How many calls were under way when an answer was too large, which ends the connection. */
  let suspects = 0
  let forgotten = false
  client.onerror = (error) => {
    if (suspects === 0 && error.message === TOO_LARGE) suspects = underWay
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
      onLost(ending, gone().message)
    }
    await ending
  }
  client.onclose = close

  const ping = async (): Promise<void> => {
    if (!lost) await client.ping({ timeout: Math.min(timeout, 5 * SECOND) })
  }

  /** Of one call: the others are not to blame, nor is the session, unless a server started anew knows none of before. */
  const refused = async (refusal: HttpRefusal, isAgain: boolean): Promise<Outcome> => {
    const { status, retryAfter, message } = refusal
    if (status === 502 || status === 503 || status === 504) return away(message)
    if (isSessionRefusal(refusal) && transport.sessionId !== undefined && !isAgain) {
      if (await ping().then(() => false, isSessionRefusal)) {
        forgotten = true
        void close()
      }
      if (lost) return { outcome: 'forgotten' }
    }
    return failed(message, retryAfter)
  }

  const call = async (tool: string, args: Arguments, isAgain: boolean): Promise<Outcome> => {
    underWay++
    try {
      // `callTool` would compile and run the server's own schemas; what it answers is held against ours.
      const result = await client.request(
        { method: 'tools/call', params: { name: tool, arguments: args } },
        ResultSchema,
        { timeout },
      )
      return { outcome: 'answered', result: toolResult(result) }
    } catch (error) {
      if (suspects > 1) return { outcome: 'suspect' }
      if (suspects === 1) return failed('its answer is too large')
      if (error instanceof HttpRefusal) return refused(error, isAgain)
      if (forgotten && !isAgain) return { outcome: 'forgotten' }
      if (lost) return away(gone().message)
      if (isTimeout(error)) {
        // One that is only slow still answers a ping, one that hangs is let go.
        void ping().catch(close)
        return away(`no answer within ${timeout / SECOND} s`)
      }
      return isUnanswered(error) ? away(reason(error)) : failed(reason(error))
    } finally {
      underWay--
    }
  }

  try {
    await client.connect(transport, { timeout, signal })
    const tools = new Map<string, Tool>()
    let cursor: string | undefined
    // Bounded, should a server's list never end.
    for (let page = 0; page < MAX_TOOL_PAGES && tools.size < MAX_TOOLS; page++) {
      const listed = await client.request(
        { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
        ListToolsResultSchema,
        { timeout, signal },
      )
      for (const tool of listed.tools.slice(0, MAX_TOOLS - tools.size)) tools.set(tool.name, tool)
      cursor = listed.nextCursor
      if (cursor === undefined) break
    }
    return { tools, call, close }
  } catch (error) {
    const died = error instanceof McpError && error.code === ErrorCode.ConnectionClosed && lost
    await close()
    throw died ? gone() : error
  }
}

const isSessionRefusal = (error: unknown): boolean =>
  error instanceof HttpRefusal && (error.status === 404 || error.status === 400)
