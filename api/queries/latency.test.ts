import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fakeLog, testApi } from '../testing.ts'
import { type Bucket, quantile } from './latency.ts'

const bounds = [0.01, 0.1, 0.15, 0.5]
const bucketsOf = (values: number[]): Bucket[] =>
  [...bounds, null].map((le, i) => ({
    le,
    count: values.filter((x) => x > (bounds[i - 1] ?? -1) && x <= (le ?? Infinity)).length,
  }))

test('a quantile lies in the bucket of the value that it stands for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.001, max: 0.5, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, q) => {
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.ceil(q * sorted.length - 1e-9) - 1]!
        const found = quantile(bucketsOf(values), q)!
        const upper = bounds.find((le) => exact <= le)!
        const lower = bounds[bounds.indexOf(upper) - 1] ?? 0
        expect(found).toBeGreaterThanOrEqual(lower)
        expect(found).toBeLessThanOrEqual(upper)
      },
    ),
  )
})

test('quantiles interpolate, are unknown without data, and beyond all bounds are the last bound', () => {
  const even = bucketsOf([0.05, 0.06, 0.07, 0.08])
  expect(quantile(even, 0.5)).toBeCloseTo(0.055, 10)
  expect(quantile(even, 1)).toBeCloseTo(0.1, 10)
  expect(quantile(bucketsOf([]), 0.5)).toBeNull()
  expect(quantile(bucketsOf([3]), 0.99)).toBe(0.5)
})

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] }))
afterEach(() => void vi.useRealTimers())

test('tells each hop of a run, of the last minutes', async () => {
  const metrics = new Registry()
  const { app } = await testApi({ metrics, now: Date.now, log: fakeLog({ 'fcm.other.activity': [[]] }) })
  const ask = async (run = 'live') => (await app.inject(`/v1/ops/latency?run=${run}`)).json()
  expect((await ask()).items.map((item: { count: number; p99: null }) => [item.count, item.p99])).toEqual(
    Array(4).fill([0, null]),
  )

  const registers = [metrics]
  const common = { help: 'h', buckets: bounds, registers }
  const decision = new Histogram({ name: 'fcm_decision_seconds', labelNames: ['run'], ...common })
  const part = new Histogram({ name: 'fcm_decision_part_seconds', labelNames: ['run', 'hop'], ...common })
  // The history of a run, which took its time.
  for (let i = 0; i < 100; i++) decision.observe({ run: 'live' }, 9)
  await vi.advanceTimersByTimeAsync(400_000)
  for (let i = 0; i < 10; i++) decision.observe({ run: 'live' }, 0.12)
  decision.observe({ run: 'other' }, 0.4)
  part.observe({ run: 'live', hop: 'store' }, 0.02)

  const answer = await ask()
  expect(answer).toMatchObject({ budget: 0.15 })
  expect(answer.seconds).toBeGreaterThanOrEqual(300)
  expect(answer.seconds).toBeLessThan(400)
  const [count, detect, store, all] = answer.items
  expect([count.count, detect.count, store.count, all.count]).toEqual([0, 0, 1, 10])
  expect(store.title).toMatch(/commit/)
  expect(all.buckets).toEqual([...bounds, null].map((le) => ({ le, count: le === 0.15 ? 10 : 0 })))
  expect(all.p99).toBeCloseTo(0.1 + 0.05 * 0.99, 10)
  expect((await ask('other')).items[3].count).toBe(1)
  await app.close()
})
