/** Who was cut off comes back with the last id, and misses nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { change, closeOpened, connect, growingStore, listening } from './stream.fixture.ts'
import { testApi } from './testing.ts'

afterEach(closeOpened)

describe('GET /v1/stream', () => {
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
})
