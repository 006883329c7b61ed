import { afterEach, expect, it, vi } from 'vitest'
import { fakeLog, testApi } from '../testing.ts'

afterEach(() => void vi.useRealTimers())

it.each(['/v1/ops/lag', '/v1/ops/dead-letters', '/v1/alerts?run=of-the-log-alone'])(
  '%s is answered with 503 while the log hangs',
  async (url) => {
    const asked = Promise.withResolvers<void>()
    const topics = () => {
      asked.resolve()
      return new Promise<never>(() => {})
    }
    const { app } = await testApi({ log: { ...fakeLog(), topics } })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const answer = app.inject({ url })
    await asked.promise
    await vi.advanceTimersByTimeAsync(9_999)
    const early = await Promise.race([answer, Promise.resolve('not yet')])
    expect(early).toBe('not yet')
    await vi.advanceTimersByTimeAsync(1)
    expect((await answer).statusCode).toBe(503)
    expect((await answer).json()).toMatchObject({ type: 'urn:fcm:problem:kafka-unreachable' })
    vi.useRealTimers()
    await app.close()
  },
)
