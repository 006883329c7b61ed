import { hostname } from 'node:os'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostsOf } from '../../common/foreign.ts'
import type { ServerOptions } from '../server.ts'
import { fakeStore, testApi } from '../testing.ts'
import type { Scope } from './principal.ts'

const TOKEN = 'a-token'
const admin = {
  token: TOKEN,
  backfill: async () => ({}),
  deleteRun: async () => {},
  deadLetters: async () => [],
  atWork: () => [],
  redrive: async () => ({ redriven: 0, fromFiles: 0 }),
}
const ELSEWHERE = '10.0.0.7'
const opened: { close(): Promise<unknown> }[] = []
afterAll(() => Promise.all(opened.map((app) => app.close())))
async function apiOn(host = '127.0.0.1', more: Partial<ServerOptions> = {}) {
  const { app, logged } = await testApi({ host, admin, ...more })
  opened.push(app)
  const status = async (url: string, headers: Record<string, string> = {}, remoteAddress = '127.0.0.1') =>
    (await app.inject({ url, headers, remoteAddress })).statusCode
  return { app, logged, status }
}
let here: Awaited<ReturnType<typeof apiOn>>
beforeAll(async () => {
  here = await apiOn()
})

describe('scopes', () => {
  it('a route without one is refused when it is made', async () => {
    const { app } = await testApi()
    expect(() => app.get('/v1/more', async () => ({}))).toThrow('GET /v1/more has no scope')
  })

  it('each documented route is kept from who may nothing, but two', async () => {
    const { paths } = (await here.app.inject('/docs/json')).json()
    const open: string[] = []
    for (const path of Object.keys(paths)) {
      const status = await here.status(path.replace('{id}', 'casts:*'), {}, ELSEWHERE)
      if (status !== 403) open.push(path)
    }
    expect(open).toEqual(['/healthz', '/readyz'])
  })

  const asked = {
    public: ['/', '/healthz', '/readyz', '/docs/json', '/dashboard/dashboard.js'],
    read: ['/v1/alerts', '/v1/overview', '/v1/export/counts', '/v1/about', '/v1/stream?x=1'],
    ops: ['/v1/ops/lag', '/v1/ops/source', '/v1/ops/dead-letters', '/v1/ops/latency', '/metrics'],
    admin: ['/admin', '/admin/dead-letters'],
  }
  const allowedTo = async (api: typeof here, headers = {}, address = '127.0.0.1') => {
    const may: string[] = []
    for (const [scope, urls] of Object.entries(asked)) {
      const statuses = await Promise.all(urls.map((url) => api.status(url, headers, address)))
      const refused = statuses.filter((status) => status === 401 || status === 403)
      expect([scope, refused.length]).toEqual([scope, refused.length === 0 ? 0 : urls.length])
      if (refused.length === 0) may.push(scope)
    }
    return may
  }

  it('the owner may all but what needs the token', async () => {
    for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])
      expect(await allowedTo(here, {}, address)).toEqual(['public', 'read', 'ops'])
    const authorization = `Bearer ${TOKEN}`
    expect(await allowedTo(here, { authorization })).toEqual(['public', 'read', 'ops', 'admin'])
  })

  it.each(['forwarded', 'via', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-host', 'X-Forwarded-Proto'])(
    'who comes through a proxy, which says %s, is not the owner, whatever he knows',
    async (name) => {
      const headers = { [name]: '127.0.0.1', authorization: `Bearer ${TOKEN}` }
      expect(await allowedTo(here, headers)).toEqual(['public'])
      const anyone = await apiOn('127.0.0.1', { anyone: ['read'] })
      expect(await allowedTo(anyone, headers)).toEqual(['public', 'read'])
      // A proxy that is trusted to name its clients lets nobody be the owner, from here or elsewhere.
      const trusting = await apiOn('127.0.0.1', { trustedProxies: ['127.0.0.1', ELSEWHERE] })
      for (const proxy of ['127.0.0.1', ELSEWHERE])
        expect([proxy, await allowedTo(trusting, headers, proxy)]).toEqual([proxy, ['public']])
    },
  )

  it('anyone else may what is granted to anyone', async () => {
    for (const anyone of [[], ['read'], ['ops'], ['read', 'ops']] satisfies Scope[][]) {
      const api = await apiOn('0.0.0.0', { anyone })
      const headers = { host: '10.0.0.1', authorization: `Bearer ${TOKEN}` }
      for (const address of [ELSEWHERE, '::ffff:10.0.0.1', '2001:db8::1'])
        expect(await allowedTo(api, headers, address)).toEqual(['public', ...anyone])
    }
  })

  it('who is refused is told what would help', async () => {
    const answer = await here.app.inject({ url: '/v1/alerts', remoteAddress: ELSEWHERE })
    expect(answer.json()).toMatchObject({ status: 403, detail: expect.stringContaining('FCM_ANYONE=read') })
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  })
})

describe('names', () => {
  it.each(['127.0.0.1', '127.0.0.1:8080', 'localhost:1', 'LOCALHOST', '[::1]:8080'])(
    'on loopback %s is answered',
    async (host) => expect(await here.status('/healthz', { host })).toBe(200),
  )

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example:80',
    'evil.example:127',
    '10.0.0.1',
  ])('a page that calls this server "%s" gets nothing', async (host) => {
    for (const url of ['/v1/runs', '/', '/nothing', '/docs/', '/v1/stream'])
      expect([url, await here.status(url, { host })]).toEqual([url, 421])
  })

  it.each([
    ['127.0.0.2', '127.0.0.2:8080'],
    ['::ffff:127.0.0.1', '[::ffff:7f00:1]:8080'],
    ['192.168.1.5', '192.168.1.5:8080'],
    ['monitor.lan', 'monitor.lan'],
  ])('the address %s that is listened on is answered, and the usual ones', async (own, host) => {
    const { status } = await apiOn(own)
    expect([await status('/healthz', { host }), await status('/healthz', { host: 'localhost' })]).toEqual([
      200, 200,
    ])
    expect(await status('/healthz', { host: '127.0.0.3:8080' })).toBe(421)
    expect(await status('/healthz', { host: 'evil.example' })).toBe(421)
  })

  it.each(['0.0.0.0', '::'])(
    'on %s addresses and the name of the machine are answered, no others',
    async (own) => {
      const { status } = await apiOn(own)
      const machine = hostname().toLowerCase()
      for (const host of ['10.0.0.1:8080', '[2001:db8::1]:80', 'localhost', machine])
        expect([host, await status('/healthz', { host })]).toEqual([host, 200])
      for (const host of ['evil.example', '10.0.0.1.evil.example', 'evil.example:8080', '10.0.0'])
        expect([host, await status('/healthz', { host })]).toEqual([host, 421])
    },
  )

  it('those that are set are answered, beside the usual ones', async () => {
    const { status } = await apiOn('127.0.0.1', { allowedHosts: ['Monitor.example', 'fcm'] })
    for (const host of ['monitor.example', 'MONITOR.example:8443', 'fcm:80', 'localhost'])
      expect([host, await status('/healthz', { host })]).toEqual([host, 200])
    expect(await status('/healthz', { host: 'x.monitor.example' })).toBe(421)
  })

  it('no text but these is a name', () => {
    const { answersTo } = hostsOf('127.0.0.1', [])
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.webAuthority()), (name) => {
        expect(answersTo(name)).toBe(['127.0.0.1', 'localhost', '[::1]'].includes(name))
      }),
    )
  })
})

describe('pages of others', () => {
  const host = '127.0.0.1:8080'
  const site = (name: string, more = {}) => ({ host, 'sec-fetch-site': name, ...more })
  const opened = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

  it.each(['cross-site', 'same-site'])('%s: nothing may be fetched, only the page opened', async (name) => {
    for (const url of ['/v1/alerts', '/v1/gaps?channel=x', '/healthz', '/metrics', '/', '/nothing'])
      expect([url, await here.status(url, site(name, { 'sec-fetch-mode': 'no-cors' }))]).toEqual([url, 403])
    for (const url of ['/', '/?run=history', '/docs/'])
      expect([url, await here.status(url, site(name, opened))]).toEqual([url, 200])
    expect(await here.status('/v1/alerts', site(name, opened))).toBe(403)
    expect(await here.status('/', site(name, { ...opened, 'sec-fetch-dest': 'iframe' }))).toBe(403)
    const posted = await here.app.inject({ method: 'POST', url: '/', headers: site(name, opened) })
    expect(posted.statusCode).toBe(403)
  })

  it('its own page, what is typed, and programs are answered', async () => {
    for (const headers of [site('same-origin'), site('none', opened), { host }])
      expect(await here.status('/v1/alerts', headers)).toBe(200)
  })

  it.each([
    ['http://127.0.0.1:8080', 200],
    ['https://127.0.0.1:8080', 200],
    ['http://127.0.0.1:3000', 403],
    ['http://localhost:8080', 403],
    ['https://evil.example', 403],
    ['null', 403],
    ['', 403],
    ['http://monitor.example', 200],
  ])('by the origin %s: %i', async (origin, expected) => {
    const { status } = await apiOn('127.0.0.1', { allowedHosts: ['monitor.example'] })
    expect(await status('/v1/alerts', { host, origin })).toBe(expected)
  })
})

describe('the audit log', () => {
  const audited = (logged: unknown[]) => (logged as { msg: string }[]).filter(({ msg }) => msg === 'audit')

  it('has a line for each admin call, let in or not, and none for reading', async () => {
    const { app, logged } = await apiOn()
    const authorization = `Bearer ${TOKEN}`
    await app.inject({ method: 'DELETE', url: '/admin/runs/history', headers: { authorization } })
    await app.inject({ method: 'DELETE', url: '/admin/runs/a%0Ab', remoteAddress: ELSEWHERE })
    const body = { run: 'history', files: ['/a'] }
    await app.inject({ method: 'POST', url: '/admin/backfills', headers: { authorization }, payload: body })
    await app.inject('/v1/alerts')
    await app.inject({ method: 'POST', url: '/v1/alerts' })
    await expect
      .poll(() => audited(logged))
      .toMatchObject([
        {
          who: 'admin',
          from: '127.0.0.1',
          what: { method: 'DELETE', url: '/admin/runs/history' },
          status: 204,
        },
        { who: 'nobody', from: ELSEWHERE, what: { url: '/admin/runs/a%0Ab' }, status: 403 },
        { who: 'admin', what: { url: '/admin/backfills', run: 'history' }, status: 200, outcome: 'done' },
      ])
  })

  it('names who asks through a proxy by what that says of him, where it is trusted', async () => {
    const { app, logged } = await apiOn('127.0.0.1', { trustedProxies: [ELSEWHERE] })
    for (const remoteAddress of [ELSEWHERE, '10.0.0.8'])
      await app.inject({
        method: 'DELETE',
        url: '/admin/runs/history',
        remoteAddress,
        headers: { 'x-forwarded-for': '203.0.113.1' },
      })
    await expect
      .poll(() => audited(logged))
      .toMatchObject([
        { who: 'nobody', from: '203.0.113.1', status: 403 },
        { who: 'nobody', from: '10.0.0.8', status: 403 },
      ])
  })

  it('says how a backfill ended that began well', async () => {
    const { FcmError } = await import('../../common/errors.ts')
    const backfill = async () => {
      throw new FcmError('RUN_BUSY', { run: 'history' })
    }
    const { app, logged } = await testApi({ admin: { ...admin, backfill }, store: fakeStore() })
    const headers = { authorization: `Bearer ${TOKEN}` }
    const payload = { run: 'history', files: ['/a'] }
    await app.inject({ method: 'POST', url: '/admin/backfills', headers, payload })
    await expect.poll(() => audited(logged)).toMatchObject([{ status: 200, outcome: 'RUN_BUSY' }])
  })
})
