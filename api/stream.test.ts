/** What a stream tells, and when. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Check } from 'typebox/value'
import { afterEach, describe, expect, it } from 'vitest'
import { AlertChange as Contract } from './contracts/alerts.ts'
import { change, closeOpened, connect, growingStore, kindOf, listening } from './stream.fixture.ts'
import { CHANNEL, testApi } from './testing.ts'

afterEach(closeOpened)

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

  it('is kept from other names and origins, and is of a run and a channel that there are', async () => {
    const { app } = await testApi()
    const status = async (url: string, headers = {}) => (await app.inject({ url, headers })).statusCode
    expect(await status('/v1/stream', { host: 'evil.example' })).toBe(421)
    expect(await status('/v1/stream?run=typo')).toBe(404)
    expect(await status('/v1/stream?channel=typo')).toBe(404)
    expect(await status('/v1/stream?x=1')).toBe(400)
    expect((await app.inject({ method: 'HEAD', url: '/v1/stream' })).statusCode).toBe(405)
  })
})
