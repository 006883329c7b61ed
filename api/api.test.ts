import fc from 'fast-check'
import { Check } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FcmError } from '../common/errors.ts'
import { HOUR } from '../common/time.ts'
import * as s from './schemas.ts'
import {
  CHANNEL,
  castRow,
  channelState,
  fakeLog,
  fakeStore,
  HOSTILE,
  rowsOf,
  SERIES,
  signalRow,
  sourceState,
  T0,
  testApi,
} from './testing.ts'

const id = encodeURIComponent(SERIES)
const channel = encodeURIComponent(CHANNEL)
const LISTS = {
  '/v1/alerts': s.Alert,
  '/v1/series': s.Series,
  [`/v1/series/${id}/counts`]: s.CountBin,
  [`/v1/series/${id}/signals`]: s.Signal,
  '/v1/channels': s.Channel,
  [`/v1/channels/${channel}/casts`]: s.Cast,
  '/v1/gaps': s.Gap,
  '/v1/ops/requests': s.Requests,
  '/v1/runs': s.Run,
}
const PROBLEM = 'application/problem+json; charset=utf-8'
const EXPORTS = ['/v1/export/counts', '/v1/export/signals', '/v1/export/alerts']
const spanned = ['/v1/alerts', `/v1/series/${id}/counts`, `/v1/series/${id}/signals`]

let api: Awaited<ReturnType<typeof testApi>>
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.app.close())
const get = (url: string) => api.app.inject({ url })

describe('answers', () => {
  it.each(Object.entries(LISTS))('%s lists items as its schema says', async (url, item) => {
    const answer = await get(url)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.json().items).toHaveLength(1)
    expect(Object.keys(answer.json().items[0]).sort()).toEqual(Object.keys(item.properties).sort())
    expect(Check(item, answer.json().items[0])).toBe(true)
  })

  it('shows an alert with its evidence and events', async () => {
    const answer = (await get('/v1/alerts/a1')).json()
    expect(Object.keys(answer).sort()).toEqual(Object.keys(s.AlertDetail.properties).sort())
    expect(answer).toMatchObject({
      openedAt: '2024-02-05T00:05:00Z',
      resolvedAt: '2024-02-05T01:05:00Z',
      evidence: [{ series: SERIES, start: '2024-02-05T00:05:00Z', expected: 12.125, score: null }],
      events: [{ sequence: 1, event: 'opened', time: '2024-02-05T00:05:00Z' }],
    })
  })

  it('passes every filter on, as the store takes it', async () => {
    const from = '2024-02-05T00:00:00Z'
    await get(
      `/v1/alerts?run=history&type=collapse&severity=high&state=open&channel=${channel}&from=${from}&to=2024-02-05T00:05:00.000Z&all=true&limit=7&cursor=abc`,
    )
    const filter = {
      type: 'collapse',
      severity: 'high',
      state: 'open',
      channel: CHANNEL,
      all: true,
      perDay: 20,
    }
    const span = { from: Date.UTC(2024, 1, 5), to: T0 }
    expect(api.store.asked.at(-1)).toEqual([
      'alerts.list',
      'history',
      { ...filter, ...span },
      { limit: 7, cursor: 'abc' },
    ])
    await get(`/v1/series/${id}/signals?resolution=21600&limit=5000&from=${from}`)
    expect(api.store.asked.at(-1)).toEqual([
      ...['series.signals', 'live', SERIES, 21600],
      { from: span.from, to: undefined },
      { limit: 5000, cursor: undefined },
    ])
    await get(`/v1/gaps?channel=${channel}&to=${from}`)
    expect(api.store.asked.at(-1)).toEqual([
      'operations.gaps',
      'live',
      { channel: CHANNEL, from: undefined, to: span.from },
      { limit: 500, cursor: undefined },
    ])
    await get(`/v1/ops/requests?run=history&channel=${channel}&from=${from}&limit=2&cursor=x`)
    expect(api.store.asked.at(-1)).toEqual([
      ...['operations.requests', 'history', { channel: CHANNEL, from: span.from, to: undefined }],
      { limit: 2, cursor: 'x' },
    ])
    await get('/v1/ops/source?run=history&limit=20')
    expect(api.store.asked.slice(-2)).toEqual([
      ['operations.source', 'history'],
      ['operations.followed', 'history', T0 - HOUR, 20],
    ])
  })

  it('lists alerts within the cap that is set, and tells how many are beyond it', async () => {
    const answer = (await get('/v1/alerts')).json()
    expect(Check(s.AlertList, answer)).toBe(true)
    expect(answer).toMatchObject({ beyondCap: 7, items: [{ score: 0.875, q: 0.01, listed: true }] })
    const store = fakeStore()
    const { app } = await testApi({ store, alertsPerDay: 3 })
    await app.inject({ url: '/v1/alerts' })
    expect(store.asked.at(-1)![2]).toMatchObject({ perDay: 3, all: false })
    await app.inject({ url: '/v1/alerts/a1' })
    expect(store.asked.at(-1)).toEqual(['alerts.get', 'a1', 3])
  })

  it('shows channels by risk as its schema says', async () => {
    const answer = (await get('/v1/overview?run=history&limit=500')).json()
    expect(api.store.asked.at(-1)).toEqual(['series.overview', 'history', 500])
    expect(Check(s.Overview, answer)).toBe(true)
    expect(Object.keys(answer.items[0]).sort()).toEqual(Object.keys(s.ChannelState.properties).sort())
    expect(answer).toMatchObject({
      now: '2024-02-05T00:05:00Z',
      items: [
        { channel: CHANNEL, at: '2024-02-05T00:05:00Z', alerts: [{ openedAt: '2024-02-05T00:05:00Z' }] },
      ],
    })
    await get('/v1/overview')
    expect(api.store.asked.at(-1)).toEqual(['series.overview', 'live', 50])
    const nothing = async () => ({
      now: null,
      items: [{ ...channelState, score: null, p: null, at: null, decision: null, alerts: [] }],
    })
    const { app } = await testApi({ store: fakeStore({ series: { overview: nothing } }) })
    expect(Check(s.Overview, (await app.inject({ url: '/v1/overview' })).json())).toBe(true)
  })

  it('shows what the source does as its schema says, errors capped', async () => {
    const answer = (await get('/v1/ops/source')).json()
    expect(Check(s.Source, answer)).toBe(true)
    expect(Object.keys(answer).sort()).toEqual(Object.keys(s.Source.properties).sort())
    expect(answer).toMatchObject({
      measures: [
        { measure: 'posts', decidedTo: '2024-02-05T00:05:00Z', gapRatio24h: 0.25 },
        { measure: 'replies', decidedTo: '2024-02-04T23:05:00Z', gapRatio24h: null },
      ],
      round: { at: '2024-02-05T00:05:00Z', requests: 40, failed: 3, error: HOSTILE, next: null },
      ...{ followed: 2, failing: 1, behind: 1 },
      hour: '2024-02-04T23:05:00Z',
      channels: [
        {
          channel: CHANNEL,
          postsTo: '2024-02-05T00:05:00Z',
          repliesTo: null,
          behind: ['replies'],
          requests: 12,
        },
      ],
    })
    expect([...answer.channels[0].error]).toHaveLength(300)
    const { app } = await testApi({
      store: fakeStore({
        operations: { source: async () => ({ ...sourceState, round: null, hour: null, measures: [] }) },
      }),
    })
    const none = (await app.inject({ url: '/v1/ops/source' })).json()
    expect(Check(s.Source, none)).toBe(true)
    expect(none).toMatchObject({ round: null, hour: null })
  })

  it.each([
    ['/v1/alerts', 50],
    [`/v1/series/${id}/counts`, 500],
  ])('%s has a default limit and hands the cursor out', async (url, limit) => {
    expect((await get(url)).json().next).toBe('next-page')
    expect(api.store.asked.at(-1)!.at(-1)).toEqual({ limit, cursor: undefined })
  })

  it('draws the 95 % band of the expected distribution, or none', async () => {
    const { app } = await testApi({
      store: fakeStore({
        series: {
          signals: async () => ({
            items: [
              { ...signalRow, expected: 12, dispersion: 0.25 },
              { ...signalRow, expected: null, dispersion: null },
            ],
            next: null,
          }),
        },
      }),
    })
    const { items } = (await app.inject({ url: `/v1/series/${id}/signals` })).json()
    // Quantiles of the negative binomial with mean 12 and variance 12 + 0.25 * 12^2, size 4, probability 1/4.
    expect(items[0]).toMatchObject({ lower: 2, upper: 29 })
    expect(items[1]).toMatchObject({ expected: null, lower: null, upper: null })
  })

  it('caps the text of casts by code point and says so', async () => {
    const texts = ['\u{1F409}'.repeat(1000), '\u{1F409}'.repeat(1001), `a${'\u{1F409}'.repeat(5000)}`, null]
    const items = texts.map((text) => ({ ...castRow, text, parentHash: Buffer.from([1, 2]) }))
    const { app } = await testApi({
      store: fakeStore({ casts: { list: async () => ({ items, next: null }) } }),
    })
    const casts = (await app.inject({ url: `/v1/channels/${channel}/casts` })).json().items
    expect(casts.map((c: { text: string | null }) => c.text && [...c.text].length)).toEqual([
      1000,
      1000,
      1000,
      null,
    ])
    expect(casts.map((c: { truncated: boolean }) => c.truncated)).toEqual([false, true, true, false])
    expect(casts[2].text.isWellFormed()).toBe(true)
    expect(casts[0]).toMatchObject({
      hash: `0x${'ab'.repeat(20)}`,
      parentHash: '0x0102',
      time: '2024-02-05T00:05:00Z',
    })
  })

  it('gives hostile text out as JSON only', async () => {
    for (const url of ['/v1/alerts', '/v1/alerts/a1', `/v1/channels/${channel}/casts`]) {
      const { headers, body } = await get(url)
      expect(body).toContain('alert(1)')
      expect(headers['content-type']).toMatch(/^application\/json/)
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
    expect((await get(`/v1/channels/${channel}/casts`)).json().items[0].text).toBe(HOSTILE)
  })
})

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
    ['/v1/alerts?type=Boom!', 'type', 'must match pattern'],
    ['/v1/alerts?limit=0', 'limit', 'must be >= 1'],
    ['/v1/alerts?limit=501', 'limit', 'must be <= 500'],
    ['/v1/alerts?limit=x', 'limit', 'must be integer'],
    ['/v1/alerts?limit=1&limit=2', 'limit', 'must be integer'],
    ['/v1/alerts?all=maybe', 'all', 'must be boolean'],
    ['/v1/overview?limit=501', 'limit', 'must be <= 500'],
    ['/v1/overview?cursor=x', 'cursor', 'is not known here'],
    ['/v1/alerts?run=No!', 'run', 'must name a run'],
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

  it.each([
    ...Object.keys(LISTS).filter((url) => url !== '/v1/runs'),
    ...EXPORTS,
    '/v1/ops/lag',
    '/v1/ops/source',
    '/v1/ops/dead-letters',
    '/v1/overview',
  ])('%s of a run that is not there is no empty list', async (url) => {
    const problem = await problemOf(`${url}?run=typo`, 404)
    expect(problem).toMatchObject({ type: 'urn:fcm:problem:run-unknown' })
    expect(problem.detail).toContain('"typo"')
    expect((await get(`${url}?run=history`)).statusCode).toBe(200)
  })

  it.each(['/v1/gaps', '/v1/ops/requests'])(
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

  it('a series that is not there is no empty list, but an empty export', async () => {
    const other = encodeURIComponent('posts:nowhere')
    for (const what of ['counts', 'signals']) {
      const { detail } = await problemOf(`/v1/series/${other}/${what}?run=history`, 404)
      expect(detail).toBe('Run "history" has no such series. /v1/series lists those there are.')
    }
    const { app } = await testApi({ store: fakeStore({ series: { exportCounts: () => rowsOf() } }) })
    expect((await app.inject({ url: `/v1/export/counts?series=${other}` })).statusCode).toBe(200)
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const)(
    'refuses %s where only GET is',
    async (method) => {
      for (const url of ['/v1/alerts', '/v1/alerts/a1', '/healthz']) {
        const payload =
          method === 'OPTIONS' ? {} : { payload: '<x/>', headers: { 'content-type': 'text/xml' } }
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
    expect(answer.json().detail).toMatch(/request req-\w+/)
    expect(logged[0]).toMatchObject({ level: 50, err: { stack: expect.stringContaining('api.test.ts') } })
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
    const answer = await app.inject({ url: '/v1/alerts?cursor=forged' })
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
      ...Object.keys(LISTS),
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

describe('the time form', () => {
  it('reads back what it writes, and nothing that is not a time', () => {
    const most = Date.UTC(9999, 11, 31)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: most }), (ms) => {
        expect(s.parseTime(new Date(ms).toISOString())).toBe(ms)
      }),
    )
    for (const text of [
      '',
      '2024-02-05',
      '2024-02-05T00:05Z',
      '2024-13-01T00:00:00Z',
      '2024-02-05T24:00:00Z',
      '1969-12-31T23:59:59Z',
      '2024-02-05 00:05:00Z',
      '2024-02-05T00:05:00',
    ]) {
      expect([text, s.parseTime(text)]).toEqual([text, null])
    }
  })
})
