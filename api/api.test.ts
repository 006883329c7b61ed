import { Check } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUR } from '../common/time.ts'
import type { Subject } from '../schemas/records.ts'
import { Alert, AlertDetail, AlertList } from './contracts/alerts.ts'
import { Cast, Channel, ChannelState, Gap, Overview } from './contracts/channels.ts'
import { Run } from './contracts/ops.ts'
import { CountBin, Series, Signal } from './contracts/series.ts'
import { Requests, Source } from './contracts/source.ts'
import {
  CHANNEL,
  castRow,
  channelState,
  fakeStore,
  HOSTILE,
  SERIES,
  signalRow,
  sourceState,
  T0,
  testApi,
} from './testing.ts'

const id = encodeURIComponent(SERIES)
const channel = encodeURIComponent(CHANNEL)
const LISTS = {
  '/v1/alerts': Alert,
  '/v1/series': Series,
  [`/v1/series/${id}/counts`]: CountBin,
  [`/v1/series/${id}/signals`]: Signal,
  '/v1/channels': Channel,
  [`/v1/channels/${channel}/casts`]: Cast,
  '/v1/gaps': Gap,
  '/v1/ops/requests': Requests,
  '/v1/runs': Run,
}

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
    expect(Object.keys(answer).sort()).toEqual(Object.keys(AlertDetail.properties).sort())
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
      `/v1/alerts?run=history&type=collapse&severity=high&state=open&channel=${channel}&from=${from}&to=2024-02-05T00:05:00.000Z&all=true&limit=7`,
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
      { limit: 7, cursor: undefined },
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
    await get(`/v1/ops/requests?run=history&channel=${channel}&from=${from}&limit=2`)
    expect(api.store.asked.at(-1)).toEqual([
      ...['operations.requests', 'history', { channel: CHANNEL, from: span.from, to: undefined }],
      { limit: 2, cursor: undefined },
    ])
    await get('/v1/ops/source?run=history&limit=20')
    expect(api.store.asked.slice(-2)).toEqual([
      ['operations.source', 'history'],
      ['operations.followed', 'history', T0 - HOUR, 20],
    ])
  })

  it('lists alerts within the cap that is set, and tells how many are beyond it', async () => {
    const answer = (await get('/v1/alerts')).json()
    expect(Check(AlertList, answer)).toBe(true)
    expect(answer).toMatchObject({ beyondCap: 7, items: [{ score: 0.875, listed: true }] })
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
    expect(Check(Overview, answer)).toBe(true)
    expect(Object.keys(answer.items[0]).sort()).toEqual(Object.keys(ChannelState.properties).sort())
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
    expect(Check(Overview, (await app.inject({ url: '/v1/overview' })).json())).toBe(true)
  })

  it('shows what the source does as its schema says, errors capped', async () => {
    const answer = (await get('/v1/ops/source')).json()
    expect(Check(Source, answer)).toBe(true)
    expect(Object.keys(answer).sort()).toEqual(Object.keys(Source.properties).sort())
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
    expect(Check(Source, none)).toBe(true)
    expect(none).toMatchObject({ round: null, hour: null })
  })

  it.each([
    ['/v1/alerts', 50],
    [`/v1/series/${id}/counts`, 500],
  ])('%s has a default limit and hands the cursor out', async (url, limit) => {
    expect((await get(url)).json().next).toMatch(/^[\w-]{11}\.next-page$/)
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

describe('alerts about anything', () => {
  it.each<[Subject]>([
    [{ type: 'cluster', id: 'c1', accounts: [3, 7], size: 12 }],
    [{ type: 'community', id: 'm1', size: 300 }],
    [{ type: 'channel' }],
  ])('are told with their subject and whatever evidence there is: %j', async (subject) => {
    const plain = { detector: 'coordination', figures: [{ name: 'shared urls', value: 7 }], reason: 'why' }
    const given = (await fakeStore().alerts.get('a1'))!
    const get = async () => ({
      ...{ ...given, subject, series: null, resolution: null, start: null },
      evidence: [...given.evidence, plain],
    })
    const { app } = await testApi({ store: fakeStore({ alerts: { get } }) })
    const answer = (await app.inject('/v1/alerts/a1')).json()
    expect(Check(AlertDetail, answer)).toBe(true)
    expect(answer).toMatchObject({ subject, series: null })
    expect(answer.evidence.at(-1)).toEqual(plain)
    expect(answer.evidence[0]).toMatchObject({ series: SERIES })
    await app.close()
  })
})
