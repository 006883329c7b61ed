/** What many streams, and slow ones, may take of the server and of the store. */
import { once } from 'node:events'
import { type IncomingMessage, get as request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { change, closeOpened, connect, growingStore, listening } from './stream.fixture.ts'

afterEach(closeOpened)

describe('GET /v1/stream', () => {
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
    await expect.poll(() => metrics.metrics()).toContain('\nfcm_stream_clients 0\n')
    response.resume()
    await expect.poll(() => response.closed).toBe(true)
    expect(response.complete).toBe(false)
    // 200 MB would be 20 pages; what sockets hold is a few MB.
    expect(state.pages).toBeLessThan(6)
  })
})
