import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { foreign } from '../loopback.ts'
import type { FarcasterMcp } from './server.ts'

const MAX_REQUEST = 2 ** 20

/**
 * Serves MCP's streamable HTTP on 127.0.0.1 under /mcp, without sessions: every request stands alone. Requests that a
 * web page makes a browser send are refused.
 * `port`: 0 for any free one. @throws the error of listening
 */
export async function serveMcp(
  mcp: FarcasterMcp,
  port: number,
): Promise<{ url: string; close(): Promise<void> }> {
  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<unknown> {
    const say = (status: number, message: string, headers: http.OutgoingHttpHeaders = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null }))
    const why = foreign(request.headers)
    if (why !== null) return say(403, why)
    if (request.url?.split('?', 1)[0] !== '/mcp') return say(404, 'There is only /mcp')
    if (request.method !== 'POST')
      return say(405, 'There are no sessions: send each request by POST', { allow: 'POST' })
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

  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}
