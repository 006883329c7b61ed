import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FcmError } from '../common/errors.ts'
import { fakeStore, testApi } from './testing.ts'

const admin = {
  token: 't',
  backfill: async () => ({}),
  deleteRun: async () => {},
  deadLetters: async () => [],
  atWork: () => [],
  redrive: async () => ({ redriven: 0, fromFiles: 0 }),
}
let api: Awaited<ReturnType<typeof testApi>>
beforeAll(async () => {
  api = await testApi({ admin })
})
afterAll(() => api.app.close())

describe('the OpenAPI document', () => {
  type Operation = {
    parameters: { name: string; required: boolean }[]
    operationId: string
    summary: string
    responses: Record<string, { content?: object }>
  }
  type Document = {
    openapi: string
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, unknown> }
  }
  const document = async (): Promise<Document> => (await api.app.inject({ url: '/docs/json' })).json()

  it('lists every route', async () => {
    const { openapi, paths } = await document()
    expect(openapi).toBe('3.1.0')
    expect(
      Object.entries(paths).flatMap(([path, by]) => Object.keys(by).map((m) => `${m} ${path}`)),
    ).toMatchInlineSnapshot(`
      [
        "get /v1/alerts",
        "get /v1/alerts/{id}",
        "get /v1/stream",
        "get /v1/series",
        "get /v1/series/{id}/counts",
        "get /v1/series/{id}/signals",
        "get /v1/overview",
        "get /v1/channels",
        "get /v1/channels/{id}/casts",
        "get /v1/gaps",
        "get /v1/export/counts",
        "get /v1/export/signals",
        "get /v1/export/alerts",
        "get /v1/runs",
        "get /v1/ops/source",
        "get /v1/ops/requests",
        "get /v1/ops/lag",
        "get /v1/ops/dead-letters",
        "get /v1/ops/latency",
        "get /v1/about",
        "get /healthz",
        "get /readyz",
        "get /metrics",
      ]
    `)
  })

  it('names and describes each, with its problems', async () => {
    const operations = Object.values((await document()).paths).flatMap((by) => Object.values(by))
    expect(new Set(operations.map((o) => o.operationId)).size).toBe(operations.length)
    for (const { operationId, summary, responses } of operations) {
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/)
      expect(summary).toMatch(/^[A-Z]/)
      expect(Object.keys(responses).sort()).toEqual([expect.stringMatching(/^20[04]$/), '4XX', '5XX'])
      expect(responses['4XX']!.content).toHaveProperty(['application/problem+json'])
    }
  })

  it('asks for no parameter that has a default', async () => {
    const { parameters } = (await document()).paths['/v1/series/{id}/counts']!.get!
    const required = parameters.map(({ name, required }) => [name, required])
    expect(Object.fromEntries(required)).toEqual({
      ...{ id: true, run: false, resolution: false, from: false, to: false, limit: false, cursor: false },
    })
  })
})

describe('the page', () => {
  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/dashboard/dashboard.js', 'application/javascript; charset=utf-8'],
    ['/vendor/uPlot.iife.min.js', 'application/javascript; charset=utf-8'],
    ['/vendor/uPlot.min.css', 'text/css; charset=utf-8'],
    ['/docs/', 'text/html; charset=utf-8'],
    ['/docs/static/swagger-ui-bundle.js', 'application/javascript; charset=utf-8'],
  ])('%s is served from here', async (url, type) => {
    const answer = await api.app.inject({ url })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, type])
    expect(answer.headers['content-security-policy']).toMatch(/^default-src 'self'; object-src 'none'/)
    expect(answer.headers['content-security-policy']).not.toContain('unsafe')
    if (type.startsWith('text/html')) {
      expect(answer.body).not.toMatch(/(src|href)="(https?:)?\/\/|<script>|style="|\son\w+="/)
    }
  })

  it.each([
    '/dashboard/shell.browser.test.ts',
    '/dashboard/testing/scene.ts',
    '/dashboard/../app.ts',
    '/dashboard/%2e%2e/app.ts',
    '/dashboard/..%2fapp.ts',
    '/dashboard/',
    '/vendor/uPlot.cjs.js',
    '/vendor/..%2fpackage.json',
  ])('%s is not served', async (url) => {
    const answer = await api.app.inject({ url })
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.statusCode).toBeLessThan(500)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  })
})

describe('every answer', () => {
  it.each([
    '/v1/runs',
    '/v1/nothing',
    '/v1/alerts?x=1',
    '/healthz',
    '/v1/alerts/%zz',
    '/admin/dead-letters',
    '/metrics',
  ])('%s forbids what a browser could do wrong with it', async (url) => {
    const { headers } = await api.app.inject({ url, headers: { origin: 'https://evil.example' } })
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'referrer-policy': 'no-referrer',
    })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('what is not HTTP', () => {
  it.each([
    ['nonsense', 'BAD\r\n\r\n', 400],
    ['an endless address', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 431],
  ])('%s gets a problem and a closed connection', async (_what, sent, status) => {
    const { app } = await testApi()
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
    const socket = connect(Number(port), '127.0.0.1').end(sent)
    const answer = Buffer.concat(await socket.toArray()).toString()
    expect(answer).toMatch(
      new RegExp(`^HTTP/1.1 ${status} .*\\r\\ncontent-type: application/problem\\+json\\r\\n`),
    )
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ status })
    await app.close()
  })
})

describe('/readyz', () => {
  const ready = async (options: Parameters<typeof testApi>[0]) => {
    const { app } = await testApi(options)
    expect((await app.inject({ url: '/healthz' })).json()).toEqual({ status: 'ok' })
    return app.inject({ url: '/readyz' })
  }

  it('is well while the store answers and nothing failed', async () => {
    expect((await ready({ failures: () => [] })).statusCode).toBe(200)
  })

  it('tells what failed', async () => {
    const ping = () => Promise.reject(new FcmError('DATABASE_UNREACHABLE', { why: 'gone' }))
    const answer = await ready({
      store: fakeStore({ ping }),
      failures: () => ['The stage count has stopped.'],
    })
    expect(answer.json()).toMatchObject({
      status: 503,
      detail: 'The stage count has stopped. The store does not answer.',
    })
  })

  it('does not wait for ever', async () => {
    const answer = await ready({ store: fakeStore({ ping: () => new Promise(() => {}) }) })
    expect(answer.json()).toMatchObject({ status: 503 })
  })
})
