import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FcmError } from '../common/errors.ts'
import { CHANNEL, fakeLog, fakeStore, SERIES, testApi } from './testing.ts'

const id = encodeURIComponent(SERIES)
const channel = encodeURIComponent(CHANNEL)
const spanned = ['/v1/alerts', `/v1/series/${id}/counts`, `/v1/series/${id}/signals`]
const LISTS = [
  ...spanned,
  '/v1/series',
  '/v1/channels',
  `/v1/channels/${channel}/casts`,
  '/v1/gaps',
  '/v1/ops/requests',
]
const PROBLEM = 'application/problem+json; charset=utf-8'
const EXPORTS = ['/v1/export/counts', '/v1/export/signals', '/v1/export/alerts']

let api: Awaited<ReturnType<typeof testApi>>
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.app.close())
const get = (url: string) => api.app.inject({ url })

describe('problems', () => {
  const problemOf = async (url: string, status: number) => {
    const answer = await get(url)
    expect([url, answer.statusCode]).toEqual([url, status])
    expect(answer.headers['content-type']).toBe(PROBLEM)
    expect(answer.headers['content-security-policy']).toContain("default-src 'self'")
    expect(answer.json()).toMatchObject({ status, type: expect.any(String), title: expect.any(String) })
    expect(answer.body).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/)
    return answer.json()
  }

  it.each([
    ['/v1/alerts?severty=low', 'severty', 'is not known here'],
    ['/v1/runs?x=1', 'x', 'is not known here'],
    ['/v1/alerts?type=Boom!', 'type', 'must be a type of alert, such as early-warning, onset, collapse'],
    ['/v1/alerts?limit=0', 'limit', 'must be >= 1'],
    ['/v1/alerts?limit=501', 'limit', 'must be <= 500'],
    ['/v1/alerts?limit=x', 'limit', 'must be integer'],
    ['/v1/alerts?limit=1&limit=2', 'limit', 'must be integer'],
    ['/v1/alerts?all=maybe', 'all', 'must be boolean'],
    ['/v1/overview?limit=501', 'limit', 'must be <= 500'],
    ['/v1/overview?cursor=x', 'cursor', 'is not known here'],
    ['/v1/alerts?run=No!', 'run', 'must name a run'],
    ['/v1/alerts?cursor=forged', 'cursor', 'must be the `next` of the page before'],
    ['/v1/export/signals?fill=true', 'fill', 'is not known here'],
    ['/v1/alerts?from=yesterday', 'from', 'written like 2024-02-05T00:05:00Z'],
    ['/v1/alerts?from=2024-02-30T00:00:00Z', 'from', 'must be a time in UTC'],
    ['/v1/alerts?to=2024-02-05T00:00:00%2B01:00', 'to', 'must be a time in UTC'],
    ['/v1/alerts?channel=', 'channel', 'must be a name'],
    ['/v1/alerts?channel=a%00b', 'channel', 'without a zero character'],
    ['/v1/series/no-such-measure:x/counts', 'id', 'must be <measure>:<channel>'],
    ['/v1/series/casts:/signals', 'id', 'must be <measure>:<channel>'],
    [`/v1/series/${id}/counts?resolution=60`, 'resolution', 'must be one of 300, 3600, 21600'],
    ['/v1/export/counts?format=xml', 'format', 'must be one of csv, ndjson'],
  ])('%s is refused with its reason', async (url, name, detail) => {
    const problem = await problemOf(url, 400)
    expect(problem.type).toBe('urn:fcm:problem:request-invalid')
    expect(problem.errors).toEqual([
      {
        in: url.includes('/series/') && name === 'id' ? 'path' : 'query',
        name,
        detail: expect.stringContaining(detail),
      },
    ])
    expect(problem.detail).toContain(detail)
  })

  it('tells every fault of a request at once', async () => {
    const { errors } = await problemOf('/v1/alerts?limit=0&type=X&y=1', 400)
    expect(errors.map((e: { name: string }) => e.name).sort()).toEqual(['limit', 'type', 'y'])
  })

  it.each([...spanned, `/v1/channels/${channel}/casts`, '/v1/gaps', ...EXPORTS])(
    '%s wants from before to',
    async (url) => {
      const problem = await problemOf(`${url}?from=2024-02-05T00:00:01Z&to=2024-02-05T00:00:00Z`, 400)
      expect(problem).toMatchObject({ type: 'urn:fcm:problem:option-invalid', errors: [{ name: 'from' }] })
      expect((await get(`${url}?from=2024-02-05T00:00:00Z&to=2024-02-05T00:00:00Z`)).statusCode).toBe(200)
    },
  )

  it('says when there is nothing at an address', async () => {
    expect((await problemOf('/v1/nothing?x=<b>', 404)).detail).toContain('/v1/nothing')
    expect((await problemOf('/v1/alerts/a2', 404)).detail).toBe('There is no alert of this id.')
    await problemOf('/v1/alerts/%zz', 400)
    await problemOf('/admin/dead-letters', 404)
    await problemOf(`/v1/series/casts:${'x'.repeat(20_000)}/counts`, 414)
  })

  it.each([...LISTS, ...EXPORTS, '/v1/ops/lag', '/v1/ops/source', '/v1/ops/dead-letters', '/v1/overview'])(
    '%s of a run that is not there is no empty list',
    async (url) => {
      const problem = await problemOf(`${url}?run=typo`, 404)
      expect(problem).toMatchObject({ type: 'urn:fcm:problem:run-unknown' })
      expect(problem.detail).toContain('"typo"')
      expect((await get(`${url}?run=history`)).statusCode).toBe(200)
    },
  )

  it.each(['/v1/alerts', '/v1/gaps', '/v1/ops/requests'])(
    '%s of a channel that is not there is no empty list',
    async (url) => {
      const ask = (channel: string) =>
        problemOf(`${url}?run=history&channel=${encodeURIComponent(channel)}`, 404)
      expect((await ask('b?c=1')).detail).toBe(
        'No channel "b?c=1" in run "history". Channels are named by their URL. /v1/channels lists those that have series.',
      )
      expect((await ask('a b?c=1')).detail).toBe(
        `No channel "a b?c=1" in run "history". Channels are named by their URL; did you mean ${CHANNEL} ?`,
      )
      const { detail } = await ask(`\u001b[31m\n${'x'.repeat(900)}`)
      expect(detail).toMatch(/^No channel "x{300}" in/)
      for (const known of [CHANNEL, '_', '*']) {
        expect((await get(`${url}?channel=${encodeURIComponent(known)}`)).statusCode).toBe(200)
      }
      const twins = { findChannel: async () => ({ known: false, alike: ['https://a/x', 'https://b/x'] }) }
      const { app } = await testApi({ store: fakeStore({ series: twins }) })
      expect((await app.inject({ url: `${url}?channel=x` })).json().detail).not.toContain('did you mean')
    },
  )

  it('a run whose records only wait in the log is there, and so is live', async () => {
    const { app } = await testApi({
      store: fakeStore({ runs: { has: async () => false } }),
      log: fakeLog({ 'fcm.waiting.activity': [[]] }),
    })
    const status = async (run: string) => (await app.inject({ url: `/v1/alerts?run=${run}` })).statusCode
    expect([await status('waiting'), await status('live'), await status('wait')]).toEqual([200, 200, 404])
  })

  it('a series that is not there is no empty list, nor an empty export', async () => {
    const other = encodeURIComponent('posts:nowhere')
    for (const url of [
      `/v1/series/${other}/counts?`,
      `/v1/series/${other}/signals?`,
      `/v1/export/counts?series=${other}&`,
    ]) {
      const { detail } = await problemOf(`${url}run=history`, 404)
      expect(detail).toBe('Run "history" has no such series. /v1/series lists those there are.')
    }
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'] as const)(
    'refuses %s where only GET is',
    async (method) => {
      for (const url of ['/v1/alerts', '/v1/alerts/a1', '/healthz']) {
        const payload = ['OPTIONS', 'TRACE'].includes(method)
          ? {}
          : { payload: '<x/>', headers: { 'content-type': 'text/xml' } }
        const answer = await api.app.inject({ method, url, ...payload })
        expect(answer.statusCode).toBe(405)
        expect(answer.headers).toMatchObject({ allow: 'GET, HEAD', 'content-type': PROBLEM })
      }
    },
  )

  it('answers 503 with Retry-After while the store is away', async () => {
    const away = async () => {
      throw new FcmError('DATABASE_UNREACHABLE', { why: 'connect ECONNREFUSED 10.1.2.3:5432' })
    }
    const { app, logged } = await testApi({ store: fakeStore({ alerts: { list: away } }) })
    const answer = await app.inject({ url: '/v1/alerts' })
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.json().type).toBe('urn:fcm:problem:database-unreachable')
    expect(answer.body).not.toContain('10.1.2.3')
    expect(logged[0]!.err!.stack).toContain('10.1.2.3')
  })

  it('keeps a fault of its own from the asker, and logs it with its stack', async () => {
    const broken = async () => {
      throw new TypeError('secret of the house')
    }
    const { app, logged } = await testApi({ store: fakeStore({ series: { channels: broken } }) })
    const answer = await app.inject({ url: '/v1/channels' })
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('secret')
    expect(answer.json().detail).toMatch(/as request [0-9a-f-]{36}\.$/)
    expect(logged[0]).toMatchObject({ level: 50, err: { stack: expect.stringContaining('problem.test.ts') } })
  })

  it('says what a person can do about a failure that does not pass', async () => {
    const log = fakeLog()
    log.topics = async () => {
      throw new FcmError('LOG_BROKEN', { file: 'log.db', why: 'it is not a database' })
    }
    const { app, logged } = await testApi({ log })
    const answer = await app.inject({ url: '/v1/ops/lag' })
    expect(answer.json()).toMatchObject({
      status: 500,
      type: 'urn:fcm:problem:log-broken',
      detail: expect.stringContaining("The event log log.db can't be used: it is not a database."),
    })
    expect(logged[0]).toMatchObject({ level: 50 })
  })

  it('names the option that the store refused', async () => {
    const refuse = async () => {
      throw new FcmError('OPTION_INVALID', {
        option: 'cursor',
        why: 'it is not of this list',
        hint: 'Begin anew',
      })
    }
    const { app } = await testApi({ store: fakeStore({ alerts: { list: refuse } }) })
    const { next } = (await get('/v1/alerts')).json()
    const answer = await app.inject({ url: `/v1/alerts?cursor=${next}` })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors).toEqual([{ in: 'query', name: 'cursor', detail: 'it is not of this list' }])
  })

  it('has an answer for any query string', async () => {
    const names = [
      'run',
      'type',
      'severity',
      'state',
      'channel',
      'from',
      'to',
      'limit',
      'cursor',
      'resolution',
      'fill',
    ]
    const name = fc.oneof(fc.constantFrom(...names, 'format', '__proto__', 'constructor'), fc.string())
    const known = fc.constantFrom(
      'live',
      'collapse',
      'low',
      'open',
      '2024-02-05T00:05:00Z',
      '300',
      'true',
      '1e2',
    )
    const value = fc.oneof(fc.string({ unit: 'binary' }), known)
    const pairs = fc.array(fc.tuple(name, value), { maxLength: 5 })
    const query = fc.oneof(
      pairs.map((p) => p.map(([n, v]) => `${n}=${encodeURIComponent(v.toWellFormed())}`).join('&')),
      fc.string().map((text) => text.replaceAll('#', '')),
    )
    const url = fc.constantFrom(
      ...LISTS,
      ...EXPORTS,
      '/v1/ops/lag',
      '/v1/ops/source',
      '/v1/ops/dead-letters',
      '/v1/overview',
      '/v1/alerts/a1',
    )
    await fc.assert(
      fc.asyncProperty(url, query, async (path, text) => {
        const answer = await get(`${path}?${text}`)
        expect([200, 400, 404]).toContain(answer.statusCode)
        const type = answer.headers['content-type']
        if (answer.statusCode !== 200) expect(type).toBe(PROBLEM)
      }),
      { numRuns: 200 },
    )
  })
})
