import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ApiOptions } from './app.ts'
import { createRate } from './limits.ts'
import { countRow, fakeStore, testApi } from './testing.ts'

describe('requests of one address', () => {
  it('are let through up to the limit in a window, whatever others ask', () => {
    const step = fc.record({ address: fc.constantFrom('a', 'b', 'c'), ms: fc.nat(3000) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let at = 0
        const rate = createRate(5, 10, () => at)
        const windows = new Map<string, { from: number; count: number }>()
        for (const { address, ms } of steps) {
          at += ms
          const before = windows.get(address)
          const window = before && at - before.from < 10_000 ? before : { from: at, count: 0 }
          window.count++
          windows.set(address, window)
          const wait = rate.wait(address)
          expect(wait === 0).toBe(window.count <= 5)
          expect(wait).toBeLessThanOrEqual(10)
          // Who waits so long may go on.
          if (wait > 0) expect(at + wait * 1000).toBeGreaterThanOrEqual(window.from + 10_000)
        }
      }),
    )
  })

  it('are remembered of no more addresses than may be', () => {
    const rate = createRate(1, 10, () => 0, 2)
    for (const address of ['a', 'b', 'c']) expect(rate.wait(address)).toBe(0)
    expect([rate.wait('c'), rate.wait('b')]).toEqual([10, 10])
    expect(rate.wait('a')).toBe(0)
    expect(rate.wait('b')).toBe(0)
  })

  it('are refused with 429, but those of the owner', async () => {
    let at = 0
    const { app } = await testApi({ now: () => at, anyone: ['read'] })
    const ask = (remoteAddress: string) => app.inject({ url: '/v1/about', remoteAddress })
    for (let i = 0; i < 1000; i++) expect((await ask('10.0.0.7')).statusCode).toBe(200)
    const refused = await ask('10.0.0.7')
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '10'])
    expect(refused.json().detail).toContain('1000 requests in 10 s')
    expect((await ask('10.0.0.8')).statusCode).toBe(200)
    expect((await ask('127.0.0.1')).statusCode).toBe(200)
    at = 10_000
    expect((await ask('10.0.0.7')).statusCode).toBe(200)
    for (let i = 0; i < 1100; i++) await app.inject('/v1/nothing')
    expect((await ask('127.0.0.1')).statusCode).toBe(200)
    await app.close()
  })
})

describe('clients behind a proxy', () => {
  const PROXY = '10.0.0.1'
  const trusting = { anyone: ['read'], trustedProxies: [PROXY, 'fd00::/64', '127.0.0.1'] } as const
  const asks = async (options: Partial<ApiOptions>) => {
    const { app } = await testApi({ now: () => 0, ...options })
    onTestFinished(() => app.close())
    return async (client: string, remoteAddress = PROXY) =>
      (await app.inject({ url: '/v1/about', remoteAddress, headers: { 'x-forwarded-for': client } }))
        .statusCode
  }

  it('have each a limit of their own where it is trusted, whatever they say of themselves', async () => {
    const ask = await asks(trusting)
    for (let i = 0; i < 1000; i++) expect(await ask(`192.0.2.${i % 256}, 203.0.113.1`)).toBe(200)
    expect(await ask('203.0.113.1')).toBe(429)
    expect(await ask('203.0.113.1', `::ffff:${PROXY}`)).toBe(429)
    // Through a second proxy that is trusted, too.
    expect(await ask(`203.0.113.1, ${PROXY}`, 'fd00::7')).toBe(429)
    for (const proxy of [PROXY, 'fd00::7', '127.0.0.1']) expect(await ask('203.0.113.2', proxy)).toBe(200)
  })

  it.each([
    ['another is', trusting],
    ['none is', { anyone: ['read'] }],
  ] as const)('have one together where %s trusted', async (_, options) => {
    const ask = await asks(options)
    for (let i = 0; i < 1000; i++) expect(await ask(`203.0.113.${i % 256}`, '10.0.0.2')).toBe(200)
    expect(await ask('203.0.113.1', '10.0.0.2')).toBe(429)
  })

  it('have each their places for exports', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    async function* slow() {
      await asked
      yield countRow
    }
    const store = fakeStore({ series: { exportCounts: slow } })
    const { app } = await testApi({ store, ...trusting })
    onTestFinished(() => app.close())
    const ask = async (client: string) =>
      app.inject({
        url: '/v1/export/counts',
        remoteAddress: PROXY,
        headers: { 'x-forwarded-for': client },
      })
    const open = ['1', '1', '1', '1', '2'].map((end) => ask(`203.0.113.${end}`))
    expect((await ask('203.0.113.1')).statusCode).toBe(429)
    resolve()
    expect((await Promise.all(open)).map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200])
  })
})

describe('exports at a time', () => {
  it('are 4 of one address and 8 in all, and more as soon as one has ended', async () => {
    async function* endless() {
      for (;;) yield countRow
    }
    const { app } = await testApi({ store: fakeStore({ series: { exportCounts: endless } }) })
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
    const open: IncomingMessage[] = []
    const ask = async (localAddress: string) => {
      const asked = request({ port, localAddress, host: '127.0.0.1', path: '/v1/export/counts' }).end()
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      response.on('error', () => {})
      open.push(response)
      return response
    }
    const statuses = async (address: string, n: number) => {
      const asked: (number | undefined)[] = []
      for (let i = 0; i < n; i++) asked.push((await ask(address)).statusCode)
      return asked
    }
    expect(await statuses('127.0.0.1', 5)).toEqual([200, 200, 200, 200, 429])
    expect(await statuses('127.0.0.2', 4)).toEqual([200, 200, 200, 200])
    const full = await ask('127.0.0.3')
    expect([full.statusCode, full.headers['retry-after']]).toEqual([503, '10'])
    open[0]!.destroy()
    await expect.poll(async () => (await ask('127.0.0.1')).statusCode).toBe(200)
    for (const response of open) response.destroy()
    await app.close()
  })
})
