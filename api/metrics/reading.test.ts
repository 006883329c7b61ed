import { pino } from 'pino'
import { Counter, Gauge, Registry } from 'prom-client'
import { expect, it, vi } from 'vitest'
import { fakeLog, fakeStore, testApi } from '../testing.ts'
import { createReader } from './reading.ts'

const silent = pino({ level: 'silent' })

it('scrapes at the same time tell what one would', async () => {
  const log = fakeLog({ 'fcm.live.activity': [[]] })
  const { app } = await testApi({ log, store: fakeStore() })
  const scrape = async () => (await app.inject('/metrics')).body
  const alone = await scrape()
  expect(alone).toContain('fcm_source_requests_total{run="live"} 1234\n')
  expect(alone).toMatch(/fcm_source_covered_to_timestamp_seconds\{run="live",measure="posts"\} 1707091500\n/)
  expect(alone).toMatch(/fcm_build_info\{version="0.0.0",node="22[\d.]+"\} 1\n/)
  const told = await Promise.all(Array.from({ length: 5 }, scrape))
  for (const one of told) expect(one).toContain('fcm_source_requests_total{run="live"} 1234\n')
  expect(await scrape()).toContain('fcm_source_requests_total{run="live"} 1234\n')
  await app.close()
})

/** A counter that is read, and is told `value`. */
function counted(value: () => Promise<number>) {
  const registers = [new Registry()]
  const counter = new Counter({ name: 'a', help: 'h', registers })
  const read = vi.fn(async () => {
    const n = await value()
    return () => counter.inc(n)
  })
  const told = async () => (await counter.get()).values[0]?.value
  return { reading: { what: 'a', read, clear: () => counter.reset() }, read, told }
}

it('reads once for all who ask meanwhile', async () => {
  const { reading, read, told } = counted(async () => 100)
  const scrape = createReader([reading])
  await Promise.all([scrape(silent), scrape(silent), scrape(silent)])
  expect([read.mock.calls.length, await told()]).toEqual([1, 100])
  await scrape(silent)
  expect([read.mock.calls.length, await told()]).toEqual([2, 100])
})

it('waits for no longer than it may, tells the rest, and asks what hangs no more than once', async () => {
  const slow = Promise.withResolvers<number>()
  const hung = counted(() => slow.promise)
  const registers = [new Registry()]
  const gauge = new Gauge({ name: 'b', help: 'h', registers })
  const quick = { what: 'b', read: async () => () => gauge.set(7), clear: () => gauge.reset() }
  const scrape = createReader([hung.reading, quick], 50)
  const began = performance.now()
  for (let i = 0; i < 3; i++) await scrape(silent)
  expect(performance.now() - began).toBeLessThan(2000)
  expect(hung.read).toHaveBeenCalledTimes(1)
  expect([await hung.told(), (await gauge.get()).values[0]!.value]).toEqual([0, 7])
  slow.resolve(100)
  await scrape(silent)
  expect(await hung.told()).toBe(100)
})

it('has no numbers rather than old ones when reading fails', async () => {
  let fails = false
  const { reading, told } = counted(async () => {
    if (fails) throw new Error('away')
    return 100
  })
  const scrape = createReader([reading])
  await scrape(silent)
  fails = true
  await scrape(silent)
  expect(await told()).toBe(0)
})
