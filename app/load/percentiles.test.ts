import fc from 'fast-check'
import { expect, test } from 'vitest'
import { percentile, summarise } from './percentiles.ts'

test('a percentile is a sample that enough others do not exceed, and the smallest such one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (samples, q) => {
        const sorted = samples.toSorted((a, b) => a - b)
        const found = percentile(sorted, q)!
        const upTo = (x: number) => samples.filter((sample) => sample <= x).length
        expect(samples).toContain(found)
        expect(upTo(found)).toBeGreaterThanOrEqual(q * samples.length)
        const smaller = sorted.filter((sample) => sample < found).at(-1)
        if (smaller !== undefined) expect(upTo(smaller)).toBeLessThan(Math.max(1, q * samples.length))
      },
    ),
  )
})

test('a summary of samples in any order, and of none', () => {
  const samples = Array.from({ length: 200 }, (_, i) => ((i * 37) % 200) + 1)
  expect(summarise(samples)).toEqual({ n: 200, p50: 100, p90: 180, p99: 198, max: 200 })
  expect(summarise([])).toEqual({ n: 0, p50: null, p90: null, p99: null, max: null })
})
