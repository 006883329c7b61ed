import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cast } from '../fixtures.ts'
import { type FakeHub, fakeHub, pageOf } from './fake-hub.fixture.ts'
import { MAX_AT_ONCE, serveMcp } from './http-server.ts'
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
  serving = await serveMcp(mcp, { port: 0 })
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
    ['localhost:1234', undefined, 200],
    ['[::1]:80', undefined, 200],
    // It has no pages: one of another server on this machine is as foreign as any.
    ['localhost:1234', 'http://localhost:5173', 403],
    ['[::1]:80', 'http://127.0.0.1', 403],
    ['evil.example', undefined, 421],
    ['127.0.0.1.evil.example', undefined, 421],
    ['evil.example#@localhost', undefined, 421],
    ['127.0.0.1', 'https://evil.example', 403],
    ['127.0.0.1', 'null', 403],
  ])('Host %s and Origin %s', async (host, origin, status) => {
    const answer = await send({ body: list, headers: { host, ...(origin && { origin }) } })
    expect(answer.status).toBe(status)
    if (status !== 200) expect(answer.body).not.toContain('tools')
  })

  test.each([
    ['cross-site', 403],
    ['same-site', 403],
    ['none', 200],
  ])('what a browser sends as %s: %i', async (site, status) => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' }
    expect((await send({ body: list, headers })).status).toBe(status)
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
  await expect(serveMcp(mcp, { port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('it answers to the names that it is given, and to no others', async () => {
  const named = await serveMcp(mcp, { port: 0, names: ['mcp'] })
  const status = (host: string, origin?: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = { host, ...(origin && { origin }) }
      http.get(named.url, { headers }, (answer) => resolve(answer.resume().statusCode!)).on('error', reject)
    })
  const [port] = named.url.match(/\d+(?=\/mcp)/)!
  for (const [host, expected] of [
    [`mcp:${port}`, 405],
    ['localhost', 405],
    ['mcp.evil.example', 421],
    ['other', 421],
  ] as const)
    expect([host, await status(host)]).toEqual([host, expected])
  // Programs send no Origin; a page of that name is a page.
  expect(await status('mcp', 'http://evil.example')).toBe(403)
  expect(await status('mcp', 'http://mcp')).toBe(403)
  await named.close()
})

test('beyond so many requests at a time they are refused, and headers have an end', async () => {
  const held: http.ServerResponse[] = []
  const silent = http.createServer((_, response) => void held.push(response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const slow = farcasterMcp({
    hub: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    version: '1',
  })
  const busy = await serveMcp(slow, { port: 0 })
  const call = {
    ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
    params: { name: 'get-channel-casts', arguments: { channel: CHANNEL } },
  }
  const post = (headers: Record<string, string> = {}) =>
    fetch(busy.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(call),
    })
  const all = Array.from({ length: MAX_AT_ONCE + 5 }, () => post().catch(() => null))
  const first = await Promise.race(all)
  expect([first?.status, first?.headers.get('retry-after')]).toEqual([503, '1'])
  expect((await post({ 'x-long': 'x'.repeat(20_000) })).status).toBe(431)
  await busy.close()
  slow.close()
  silent.closeAllConnections()
  silent.close()
  await Promise.all(all)
})
