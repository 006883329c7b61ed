/** Streams while the store is away, and while the server ends. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { FcmError } from '../common/errors.ts'
import { change, closeOpened, connect, growingStore, listening } from './stream.fixture.ts'
import { fakeStore, testApi } from './testing.ts'

afterEach(closeOpened)

describe('GET /v1/stream', () => {
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
})
