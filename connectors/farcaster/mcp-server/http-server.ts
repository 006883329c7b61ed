import http from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { foreign, hostsOf } from '../../../common/foreign.ts'
import { SECOND } from '../../../common/time.ts'
import type { FarcasterMcp } from './server.ts'

/** Of a body, in bytes. */
const MAX_REQUEST = 2 ** 20

/** Of headers, in bytes. */
const MAX_HEADERS = 2 ** 14
/** Requests that are answered at a time; beyond it they are refused with 503. */
export const MAX_AT_ONCE = 256
/** ms in which a request has to be sent. */
const SENT_WITHIN = 30 * SECOND

export type Listening = {
  /** 0: any free one. */
  port: number
  /** The address, default 127.0.0.1. Nobody is asked who it is: on another, whoever reaches it may ask. */
  host?: string
  /** By which it is called beside loopback's names. */
  names?: readonly string[]
}

/**
 * Serves MCP's streamable HTTP under /mcp, without sessions: every request stands alone. Requests that a web page makes a
 * browser send are refused.
 * @throws the error of listening
 */
export async function serveMcp(
  mcp: FarcasterMcp,
  { port, host = '127.0.0.1', names = [] }: Listening,
): Promise<{ url: string; close(): Promise<void> }> {
  const hosts = hostsOf('127.0.0.1', names, { setBy: '--name' })
  let underWay = 0

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<unknown> {
    const say = (status: number, message: string, headers: http.OutgoingHttpHeaders = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null }))
    const { method = '' } = request
    const refused = foreign(request.headers, { method, isPublic: false }, hosts)
    if (refused) return say(refused.status, refused.why)
    if (request.url?.split('?', 1)[0] !== '/mcp') return say(404, 'There is only /mcp')
    if (method !== 'POST')
      return say(405, 'There are no sessions: send each request by POST', { allow: 'POST' })
    if (underWay >= MAX_AT_ONCE) return say(503, 'Too many requests at a time', { 'retry-after': '1' })
    underWay++
    response.once('close', () => underWay--)
    // The SDK's way without sessions is a server and a transport per request.
    const transport = new StreamableHTTPServerTransport({
      enableJsonResponse: true,
      maxRequestBodySize: MAX_REQUEST,
    })
    const connected = mcp.server()
    response.on('close', () => {
      connected.close().catch(() => {})
    })
    await connected.connect(transport as Transport)
    return transport.handleRequest(request, response)
  }

  const server = http.createServer(
    { maxHeaderSize: MAX_HEADERS, requestTimeout: SENT_WITHIN },
    (request, response) => {
      answer(request, response).catch(() => {
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
  return {
    url: `http://${isIPv6(host) ? `[${host}]` : host}:${(server.address() as AddressInfo).port}/mcp`,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}
