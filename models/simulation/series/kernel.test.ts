import { expect, test } from 'vitest'
import { kernelOf, meanUnder, outsideFor } from './kernel.ts'

const exponential = (mean: number) => kernelOf((t) => Math.exp(-t / mean))
const total = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0)

test('all that is begotten comes, the soonest first, as its delays say', () => {
  const kernel = exponential(6)
  expect(total(kernel)).toBeCloseTo(1, 9)
  // Of a cause at a uniform time in its bin: 1 - mean (1 - exp(-1 / mean)) comes in the same one.
  expect(kernel[0]).toBeCloseTo(1 - 6 * (1 - Math.exp(-1 / 6)), 6)
  expect(kernel[3]! / kernel[2]!).toBeCloseTo(Math.exp(-1 / 6), 6)
})

test('under a constant ratio and usual rates from outside the mean stays 1', () => {
  const ratio = new Float64Array(50).fill(0.6)
  const rate = meanUnder(exponential(4), new Float64Array(50).fill(0.4), ratio)
  for (const x of rate) expect(x).toBeCloseTo(1, 9)
})

test('a higher ratio brings the mean to outside / (1 - ratio)', () => {
  const ratio = Float64Array.from({ length: 400 }, (_, t) => (t === 0 ? 0.5 : 0.75))
  const rate = meanUnder(exponential(3), new Float64Array(400).fill(0.5), ratio)
  expect(rate.at(-1)).toBeCloseTo(2, 6)
})

test('what comes from outside for a mean gives that mean', () => {
  const kernel = exponential(5)
  const wanted = Float64Array.from({ length: 120 }, (_, t) => 1 + t / 60)
  const ratio = Float64Array.from({ length: 120 }, (_, t) => 0.3 + t / 400)
  const rate = meanUnder(kernel, outsideFor(kernel, wanted, ratio), ratio)
  for (const [t, x] of rate.entries()) expect(x).toBeCloseTo(wanted[t]!, 9)
})

test('nothing less than nothing comes from outside: a mean that must fall faster than memory lets it stays above', () => {
  const kernel = exponential(5)
  const ratio = new Float64Array(20).fill(0.9)
  const outside = outsideFor(kernel, new Float64Array(20).fill(0.01), ratio)
  expect(Math.min(...outside)).toBe(0)
})
