import { once } from 'node:events'
import { type IncomingMessage, get as request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { Registry } from 'prom-client'
import { Check } from 'typebox/value'
import { afterEach, describe, expect, it } from 'vitest'
import { FcmError } from '../common/errors.ts'
import type { AlertChange, Alerts } from '../connectors/postgres/alerts/alerts.ts'
import { comparePlaces } from '../connectors/postgres/alerts/place.ts'
import type { Store } from '../connectors/postgres/store.ts'
import { AlertChange as Contract } from './contracts/alerts.ts'
import { alert, CHANNEL, fakeStore, T0, testApi } from './testing.ts'

type Event = { id: string | undefined; event: string | undefined; data: string | undefined; text: string }
type Api = Awaited<ReturnType<typeof testApi>>

const opened: Api['app'][] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()))
})

type EventChange = AlertChange & { kind: 'event' }

const change = (n: number, more: Partial<EventChange['now']> = {}): EventChange => ({
  ...{ place: `1.${n}`, at: T0, kind: 'event' },
  alert: `alert-${n}`,
  event: 'opened',
  now: { ...alert, id: `alert-${n}`, state: 'open', ...more },
})

/** A store in which `changes` and `now` may grow, that counts how often it was asked. */
function growingStore(changes: EventChange[] = [], overrides: Partial<Alerts> = {}) {
  const state = { changes, now: T0, polls: 0, pages: 0 }
  const store = fakeStore({
    alerts: {
      lastPlaces: async (runs) => {
        state.polls++
        const last = state.changes.at(-1)
        return new Map(last && runs.includes('live') ? [['live', last.place]] : [])
      },
      changes: async (_run, after, limit) => {
        state.pages++
        return state.changes.filter(({ place }) => comparePlaces(place, after) > 0).slice(0, limit)
      },
      checkPlace: async (run, place) => {
        if (run === 'live' && state.changes.some((c) => c.place === place)) return
        throw new FcmError('PLACE_UNKNOWN', { run, place })
      },
      ...overrides,
    },
    series: { now: async () => state.now },
  })
  return { state, store }
}

async function listening(store: Store, times = {}, metrics = new Registry()) {
  const { app, logged } = await testApi({ store, metrics, streamTimes: { pollMs: 5, ...times } })
  opened.push(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, logged, url: (query = '') => `${url}/v1/stream${query}` }
}

/** Connects and reads events; `close` cuts the connection. */
async function connect(url: string, headers: Record<string, string> = {}, localAddress = '127.0.0.1') {
  const sent = request(url, { headers, localAddress })
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  const events = read(response)
  return {
    response,
    close: () => sent.destroy(),
    /** The next of a kind; undefined: the stream has ended. */
    async next(kind?: 'alert' | 'bins' | 'comment' | 'begin'): Promise<Event | undefined> {
      for (;;) {
        const { value } = await events.next()
        if (!value || kind === undefined || kindOf(value) === kind) return value
      }
    },
  }
}

const kindOf = ({ event, text }: Event) => event ?? (text.startsWith(':') ? 'comment' : 'begin')

async function* read(response: IncomingMessage): AsyncGenerator<Event, undefined> {
  let rest = ''
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop()!
      for (const text of blocks) {
        const field = (name: string) =>
          text
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2)
        yield { id: field('id'), event: field('event'), data: field('data'), text }
      }
    }
  } catch {
    // Cut off.
  }
  return undefined
}

describe('GET /v1/stream', () => {
  it('begins with how to come back, and then tells what happens', async () => {
    const { state, store } = growingStore([change(3), change(7)])
    const { url } = await listening(store)
    const stream = await connect(url())
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    expect((await stream.next())!.text).toBe('retry: 2000\nid: 1.7')
    expect((await stream.next())!.text).toBe('event: bins\ndata: {"now":"2024-02-05T00:05:00Z"}')
    state.changes.push({ ...change(9), event: 'updated' })
    const told = (await stream.next())!
    expect(told).toMatchObject({ id: '1.9', event: 'alert' })
    const data = JSON.parse(told.data!)
    expect(Object.keys(data).sort()).toEqual(Object.keys(Contract.properties).sort())
    expect(Check(Contract, data)).toBe(true)
    expect(data).toMatchObject({ id: 'alert-9', event: 'updated', sequence: 2, score: 0.875, listed: true })
    stream.close()
  })

  it('gives everything to who comes back, wherever the connection was cut, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 300, maxLength: 300 }),
        fc.array(fc.nat(60), { minLength: 3, maxLength: 12 }),
        fc.boolean(),
        async (steps, cuts, byQuery) => {
          const places = steps.map((_, i) => steps.slice(0, i + 1).reduce((sum, step) => sum + step, 0))
          const all = places.map((place) => change(place))
          const { state, store } = growingStore()
          const { app, url } = await listening(store)
          const growing = (async () => {
            for (let i = 0; i < all.length; i += 7) {
              state.changes.push(...all.slice(i, i + 7))
              await sleep(1)
            }
          })()
          const seen: string[] = []
          let id = '0'
          for (let round = 0; seen.length < all.length; round++) {
            const stream = await connect(
              url(byQuery ? `?lastEventId=${id}` : ''),
              byQuery ? {} : { 'last-event-id': id },
            )
            const most = cuts[round] ?? all.length
            for (let n = 0; n < most && seen.length < all.length; n++) {
              const told = (await stream.next('alert'))!
              seen.push(JSON.parse(told.data!).id)
              id = told.id!
            }
            stream.close()
          }
          await growing
          expect(seen).toEqual(all.map(({ alert }) => alert))
          await app.close()
        },
      ),
      { numRuns: 4, endOnFailure: true },
    )
  })

  it('loses nothing of what happens before the first event, when it is cut there', async () => {
    const { state, store } = growingStore([change(1)])
    const { url } = await listening(store)
    const first = await connect(url())
    const { id } = (await first.next('begin'))!
    first.close()
    state.changes.push(change(2), change(3))
    const second = await connect(url(), { 'last-event-id': id! })
    expect((await second.next('alert'))!.id).toBe('1.2')
    expect((await second.next('alert'))!.id).toBe('1.3')
    second.close()
  })

  it.each(['1.99', '2.4', '-1.1', '4-alert-4', "4-'; DROP TABLE alerts", 'x'.repeat(900)])(
    'refuses the id %s, which the run does not have',
    async (id) => {
      const { store } = growingStore([change(4)])
      const { app } = await testApi({ store })
      for (const [url, headers] of [
        ['/v1/stream', { 'last-event-id': id }],
        [`/v1/stream?lastEventId=${encodeURIComponent(id)}`, {}],
        ['/v1/stream?run=history', { 'last-event-id': '1.4' }],
      ] as const) {
        const answer = await app.inject({ url, headers })
        expect(answer.statusCode).toBe(404)
        expect(answer.json().type).toBe('urn:fcm:problem:place-unknown')
      }
    },
  )

  it('the header counts more than the query, which a client repeats', async () => {
    const { store } = growingStore([change(1), change(2), change(3)])
    const { url } = await listening(store)
    const stream = await connect(url('?lastEventId=1.1'), { 'last-event-id': '1.2' })
    expect((await stream.next('alert'))!.id).toBe('1.3')
    stream.close()
  })

  it('tells of one channel when asked to', async () => {
    const { store } = growingStore([
      change(1, { channel: 'other' }),
      change(2),
      change(3, { channel: 'other' }),
    ])
    const { url } = await listening(store)
    const stream = await connect(url('?channel=other&lastEventId=0'))
    expect((await stream.next('alert'))!.id).toBe('1.1')
    expect((await stream.next('alert'))!.id).toBe('1.3')
    stream.close()
    const mine = await connect(url(`?channel=${encodeURIComponent(CHANNEL)}&lastEventId=0`))
    expect((await mine.next('alert'))!.id).toBe('1.2')
    mine.close()
  })

  it('keeps an id that holds a line break on one line', async () => {
    const odd = { ...change(1), alert: 'a\n\ndata: x' }
    const { store } = growingStore([odd, change(2)])
    const { url } = await listening(store)
    const first = await connect(url('?lastEventId=0'))
    const { id } = (await first.next('alert'))!
    first.close()
    const second = await connect(url(), { 'last-event-id': id! })
    expect((await second.next('alert'))!.id).toBe('1.2')
    second.close()
  })

  it('tells of newer bins at most once a second', async () => {
    const { state, store } = growingStore()
    const { url } = await listening(store)
    const stream = await connect(url())
    await stream.next('bins')
    const begun = performance.now()
    const growing = setInterval(() => {
      state.now += 300_000
    }, 10)
    const [one, two] = [await stream.next('bins'), await stream.next('bins')]
    clearInterval(growing)
    expect(performance.now() - begun).toBeGreaterThan(1900)
    expect(Date.parse(JSON.parse(two!.data!).now)).toBeGreaterThan(Date.parse(JSON.parse(one!.data!).now))
    expect(one!.id).toBeUndefined()
    stream.close()
  })

  it('gives a sign of life while nothing happens, and none while something does', async () => {
    const { state, store } = growingStore()
    const { url } = await listening(store, { quietMs: 700 })
    const stream = await connect(url())
    await stream.next('bins')
    const growing = setInterval(() => state.changes.push(change(state.changes.length + 1)), 20)
    await sleep(1200)
    clearInterval(growing)
    const told: string[] = []
    while (told.at(-1) !== 'comment') told.push(kindOf((await stream.next())!))
    expect(told.length).toBeGreaterThan(5)
    expect((await stream.next())!.text).toMatch(/^: still here\nid: 1\.\d+$/)
    stream.close()
  })

  it('gives it on time while only others are told of, with the id up to which all is seen', async () => {
    const { state, store } = growingStore()
    const { url } = await listening(store, { quietMs: 300 })
    const stream = await connect(url(`?channel=${encodeURIComponent(CHANNEL)}`))
    await stream.next('bins')
    const begun = performance.now()
    const growing = setInterval(
      () => state.changes.push(change(state.changes.length + 1, { channel: 'other' })),
      10,
    )
    const signs = [await stream.next(), await stream.next(), await stream.next()]
    clearInterval(growing)
    expect(performance.now() - begun).toBeLessThan(3000)
    const places = signs.map((sign) => Number(/^: still here\nid: 1\.(\d+)$/.exec(sign!.text)![1]))
    expect(places[0]).toBeGreaterThan(1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    stream.close()
    // Who comes back with it misses nothing.
    state.changes.push(change(state.changes.length + 1))
    const again = await connect(url(`?channel=${encodeURIComponent(CHANNEL)}`), {
      'last-event-id': signs[2]!.id!,
    })
    expect((await again.next('alert'))!.id).toBe(`1.${state.changes.length}`)
    again.close()
  })

  it('asks the store once for all streams, and not at all without', async () => {
    const { state, store } = growingStore()
    const { url } = await listening(store, { pollMs: 50 })
    const streams = await Promise.all(Array.from({ length: 20 }, () => connect(url())))
    await Promise.all(streams.map((stream) => stream.next('bins')))
    const [polls, pages, begun] = [state.polls, state.pages, performance.now()]
    state.changes.push(change(1))
    await Promise.all(streams.map((stream) => stream.next('alert')))
    await sleep(300)
    expect(state.polls - polls).toBeLessThanOrEqual((performance.now() - begun) / 50 + 1)
    expect(state.pages - pages).toBe(1)
    for (const stream of streams) stream.close()
    await expect
      .poll(async () => {
        const before = state.polls
        await sleep(150)
        return state.polls - before
      })
      .toBe(0)
  })

  it('takes no more than 20 of one address and 100 in all, and others as soon as one has gone', async () => {
    const { store } = growingStore()
    const metrics = new Registry()
    const { app, url } = await listening(store, {}, metrics)
    const streams = await Promise.all(
      Array.from({ length: 100 }, (_, i) => connect(url(), {}, `127.0.0.${2 + (i % 5)}`)),
    )
    for (const stream of streams) expect(stream.response.statusCode).toBe(200)
    const answer = await app.inject({ url: '/v1/stream' })
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '10'])
    expect(answer.json().detail).toContain('100 streams')
    expect(await metrics.metrics()).toContain('\nfcm_stream_clients 100\n')
    streams[0]!.close()
    await expect.poll(() => metrics.metrics()).toContain('\nfcm_stream_clients 99\n')
    const mine = await app.inject({ url: '/v1/stream', remoteAddress: '127.0.0.3' })
    expect([mine.statusCode, mine.headers['retry-after']]).toEqual([429, '10'])
    expect(mine.json().detail).toContain('20 streams of yours')
    const again = await connect(url())
    expect((await again.next())!.text).toContain('retry')
    for (const stream of [...streams, again]) stream.close()
    await expect.poll(() => metrics.metrics()).toContain('\nfcm_stream_clients 0\n')
  })

  it('closes one that is not read, and reads no further ahead for it than a page', async () => {
    const reason = 'x'.repeat(100_000)
    const { state, store } = growingStore(Array.from({ length: 2000 }, (_, i) => change(i + 1, { reason })))
    const metrics = new Registry()
    const { url } = await listening(store, { stallMs: 200 }, metrics)
    const sent = request(url('?lastEventId=0'))
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.pause()
    for (const side of [sent, response]) side.on('error', () => {})
    expect(await metrics.metrics()).toContain('\nfcm_stream_clients 1\n')
    await expect.poll(() => metrics.metrics(), { timeout: 5000 }).toContain('\nfcm_stream_clients 0\n')
    response.resume()
    await expect.poll(() => response.closed).toBe(true)
    expect(response.complete).toBe(false)
    // 200 MB would be 20 pages; what sockets hold is a few MB.
    expect(state.pages).toBeLessThan(6)
  })

  it('goes on when the store answers again, and says once that it did not', async () => {
    const { state, store } = growingStore()
    let away = false
    const whenThere =
      <A extends unknown[], R>(ask: (...asked: A) => Promise<R>) =>
      async (...asked: A): Promise<R> => {
        if (away) throw new FcmError('DATABASE_UNREACHABLE', { why: 'gone' })
        return ask(...asked)
      }
    const { logged, url } = await listening({
      ...store,
      alerts: {
        ...store.alerts,
        lastPlaces: whenThere(store.alerts.lastPlaces),
        changes: whenThere(store.alerts.changes),
      },
      series: { ...store.series, now: whenThere(store.series.now) },
    })
    const stream = await connect(url())
    await stream.next('bins')
    away = true
    state.changes.push(change(1))
    await sleep(100)
    away = false
    expect((await stream.next('alert'))!.id).toBe('1.1')
    expect(logged.filter(({ msg }) => msg === 'streams wait for the store')).toHaveLength(1)
    stream.close()
  })

  it('answers 503 when the store is away at first', async () => {
    const away = async () => {
      throw new FcmError('DATABASE_UNREACHABLE', { why: 'gone' })
    }
    const { app } = await testApi({ store: fakeStore({ alerts: { lastPlaces: away } }) })
    expect((await app.inject({ url: '/v1/stream' })).json()).toMatchObject({ status: 503 })
  })

  it('ends with the server, also while it waits for a store that does not answer', async () => {
    const hangs = () => new Promise<never>(() => {})
    for (const overrides of [{}, { changes: hangs }]) {
      const { state, store } = growingStore([change(1)], overrides)
      const { app, url, logged } = await listening(store)
      const streams = await Promise.all([connect(url()), connect(url('?lastEventId=0'))])
      await Promise.all(streams.map((stream) => stream.next()))
      state.changes.push(change(2))
      await sleep(30)
      const begun = performance.now()
      await app.close()
      expect(performance.now() - begun).toBeLessThan(1000)
      while (await streams[0]!.next());
      // Nobody asks the store any more, which is closed next.
      const before = state.polls
      await sleep(50)
      expect([state.polls, logged.filter(({ level }) => level > 30)]).toEqual([before, []])
    }
  })

  it('is kept from other names and origins, and is of a run that there is', async () => {
    const { app } = await testApi()
    const status = async (url: string, headers = {}) => (await app.inject({ url, headers })).statusCode
    expect(await status('/v1/stream', { host: 'evil.example' })).toBe(421)
    expect(await status('/v1/stream?run=typo')).toBe(404)
    expect(await status('/v1/stream?x=1')).toBe(400)
    expect((await app.inject({ method: 'HEAD', url: '/v1/stream' })).statusCode).toBe(405)
  })
})
