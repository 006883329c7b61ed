import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { testApi } from '../testing.ts'
import { createShared } from './shared.ts'

it('makes an answer once for all who ask within a second, and anew after', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const shared = createShared()
    const make = vi.fn(async () => ({}))
    const [one, two] = await Promise.all([shared.answer('live', [1], make), shared.answer('live', [1], make)])
    expect(one).toBe(two)
    vi.advanceTimersByTime(999)
    await shared.answer('live', [1], make)
    expect(make).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1)
    await shared.answer('live', [1], make)
    expect(make).toHaveBeenCalledTimes(2)
    await shared.answer('live', [2], make)
    await shared.answer('other', [1], make)
    expect(make).toHaveBeenCalledTimes(4)
  } finally {
    vi.useRealTimers()
  }
})

it('shares what takes longer than a second to make, and keeps it for a second from when it is there', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const shared = createShared()
    const slow = Promise.withResolvers<number>()
    const make = vi.fn(() => slow.promise)
    const ask = () => shared.answer('live', [1], make)
    const asked = [ask()]
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(1000)
      asked.push(ask())
    }
    slow.resolve(1)
    expect(await Promise.all(asked)).toEqual([1, 1, 1, 1, 1, 1])
    vi.advanceTimersByTime(999)
    await ask()
    expect(make).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1)
    await ask()
    expect(make).toHaveBeenCalledTimes(2)
  } finally {
    vi.useRealTimers()
  }
})

it('makes it anew when something of the run is new, also what is being made', async () => {
  const shared = createShared()
  const first = Promise.withResolvers<number>()
  const early = shared.answer('live', [1], () => first.promise)
  const other = await shared.answer('other', [1], async () => 3)
  shared.renew('live')
  const late = shared.answer('live', [1], async () => 2)
  first.resolve(1)
  expect([await early, await late]).toEqual([1, 2])
  expect(await shared.answer('live', [1], async () => 4)).toBe(2)
  expect(await shared.answer('other', [1], async () => 5)).toBe(other)
})

it('keeps no failure', async () => {
  const shared = createShared()
  await expect(shared.answer('live', [1], () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  expect(await shared.answer('live', [1], async () => 1)).toBe(1)
})

it('keeps no more than 200', async () => {
  const shared = createShared()
  const make = vi.fn(async () => 1)
  for (let i = 0; i < 250; i++) await shared.answer(`run-${i}`, [1], make)
  await shared.answer('run-249', [1], make)
  expect(make).toHaveBeenCalledTimes(250)
  await shared.answer('run-0', [1], make)
  expect(make).toHaveBeenCalledTimes(251)
  for (let i = 0; i < 500; i++) await shared.answer('one', [i], make)
  await shared.answer('one', [0], make)
  expect(make).toHaveBeenCalledTimes(752)
})

it.each(['/v1/overview', '/v1/ops/source', '/v1/runs', '/v1/about', '/v1/ops/lag'])(
  '%s is asked of the store once for many pages, who are told when it is the same',
  async (url) => {
    const { app, store } = await testApi()
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.inject(url)))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    const names = store.asked.map(([name]) => name)
    expect(names).toHaveLength(new Set(names).size)
    const { etag } = answers[0]!.headers as { etag: string }
    expect(answers[0]!.headers['cache-control']).toBe('private, no-cache')
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`]) {
      const again = await app.inject({ url, headers: { 'if-none-match': known } })
      expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag])
    }
    const other = await app.inject({ url, headers: { 'if-none-match': '"x"' } })
    expect([other.statusCode, other.body]).toEqual([200, answers[0]!.body])
    await app.close()
  },
)

it('an answer that has changed has another tag, and a problem none', async () => {
  let notice = 'a'
  const { app } = await testApi({ notice: async () => notice })
  const first = (await app.inject('/v1/about')).headers.etag
  notice = 'b'
  await sleep(1010)
  const second = await app.inject({ url: '/v1/about', headers: { 'if-none-match': `${first}` } })
  expect([second.statusCode, second.json().notice]).toEqual([200, 'b'])
  expect((await app.inject('/v1/overview?run=typo')).headers).not.toHaveProperty('etag')
  await app.close()
})

it('alerts are asked for anew each time, and told only where they are others', async () => {
  const { app, store } = await testApi()
  const first = await app.inject('/v1/alerts')
  const again = await app.inject({ url: '/v1/alerts', headers: { 'if-none-match': `${first.headers.etag}` } })
  expect([again.statusCode, again.body]).toEqual([304, ''])
  expect(store.asked.filter(([name]) => name === 'alerts.list')).toHaveLength(2)
  await app.close()
})
