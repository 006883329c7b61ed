import http from 'node:http'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cast } from '../fixtures.ts'
import { type FakeHub, fakeHub, pageOf } from './fake-hub.fixture.ts'
import { serveMcp } from './http-server.ts'
import { type FarcasterMcp, farcasterMcp } from './server.ts'

const CHANNEL = 'https://onchainsummer.xyz'
let hub: FakeHub
let mcp: FarcasterMcp
let serving: Awaited<ReturnType<typeof serveMcp>>

beforeAll(async () => {
  const posts = Array.from({ length: 50 }, (_, n) => cast(n + 1, Date.UTC(2024, 1, 5, 0, n), CHANNEL))
  hub = await fakeHub((path, query) =>
    path === '/v1/castsByParent' ? { json: pageOf(posts, query) } : undefined,
  )
  mcp = farcasterMcp({ hub: hub.url, version: '1' })
  serving = await serveMcp(mcp, 0)
})
afterAll(async () => {
  await serving.close()
  mcp.close()
  await hub.close()
})

test('a client lists and calls, many at once', async () => {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(new URL(serving.url)) as Transport)
  expect((await client.listTools()).tools).toHaveLength(9)
  const call = (limit: number) =>
    client.callTool({ name: 'get-channel-casts', arguments: { channel: CHANNEL, limit } })
  const results = await Promise.all(Array.from({ length: 50 }, (_, n) => call(n + 1)))
  for (const [n, { structuredContent }] of results.entries())
    expect((structuredContent as { casts: unknown[] }).casts).toHaveLength(n + 1)
  await client.close()
})

describe('over bare HTTP', () => {
  type Sent = { method?: string; path?: string; headers?: http.OutgoingHttpHeaders; body?: string }
  const send = ({ method = 'POST', path = '/mcp', headers = {}, body }: Sent) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const request = http.request(
        serving.url,
        {
          path,
          method,
          headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            ...headers,
          },
        },
        async (response) => {
          const chunks: Buffer[] = []
          for await (const chunk of response) chunks.push(chunk)
          resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() })
        },
      )
      request.on('error', reject)
      request.end(body)
    })
  const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })

  test('a request stands alone, without a session', async () => {
    const { status, body } = await send({ body: list })
    expect(status).toBe(200)
    expect(JSON.parse(body).result.tools).toHaveLength(9)
  })

  test.each([
    ['127.0.0.1', undefined, 200],
    ['localhost:1234', 'http://localhost:5173', 200],
    ['[::1]:80', 'http://127.0.0.1', 200],
    ['evil.example', undefined, 403],
    ['127.0.0.1.evil.example', undefined, 403],
    ['evil.example#@localhost', undefined, 403],
    ['127.0.0.1', 'https://evil.example', 403],
    ['127.0.0.1', 'null', 403],
  ])('Host %s and Origin %s', async (host, origin, status) => {
    const answer = await send({ body: list, headers: { host, ...(origin && { origin }) } })
    expect(answer.status).toBe(status)
    if (status !== 200) expect(answer.body).not.toContain('tools')
  })

  test.each([
    [{ method: 'GET' }, 405],
    [{ method: 'DELETE' }, 405],
    [{ path: '/other', body: list }, 404],
    [{ method: 'GET', path: '//' }, 404],
    [{ path: '/mcp?x=//', body: list }, 200],
    [{ body: '{' }, 400],
    [
      { body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x', params: { x: 'y'.repeat(2 ** 20) } }) },
      413,
    ],
  ] as [Sent, number][])('%j', async (sent, status) => {
    expect((await send(sent)).status).toBe(status)
  })
})

test('a port that is taken is an error', async () => {
  const port = Number(new URL(serving.url).port)
  await expect(serveMcp(mcp, port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
