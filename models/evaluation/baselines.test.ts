import { expect, test } from 'vitest'
import type { Reading } from '../early-warning/tracker.ts'
import { createRandom } from '../random.ts'
import { type Bin, baselinesAt, createHistory, fanoRatio, inar, push } from './baselines.ts'

const reading = (of: Partial<Reading>): Reading => ({
  count: 0,
  expected: 10,
  usual: 10,
  dispersion: 0,
  residual: 0,
  variance: null,
  autocorrelation: null,
  rawVariance: null,
  rawAutocorrelation: null,
  varianceTrend: null,
  autocorrelationTrend: null,
  usualVariance: 1,
  usualAutocorrelation: 0,
  usualExcess: 1,
  excess: null,
  shape: 1,
  surge: null,
  ...of,
})
const bin = (of: Partial<Reading>, replies = Number.NaN, casts = Number.NaN): Bin => ({
  reading: reading(of),
  replies,
  casts,
  shareResidual: Number.NaN,
})

function after(bins: readonly Bin[]) {
  const history = createHistory()
  for (const b of bins) push(history, b)
  return baselinesAt(history)
}

test('values and means, as they are and over what is usual', () => {
  const values = after([
    ...Array(20).fill(bin({ count: 4 })),
    ...Array(11).fill(bin({ count: 6 })),
    bin({ count: 30 }),
  ])
  expect(values['last value']).toBe(30)
  expect(values['last value over usual']).toBeCloseTo(30.5 / 10.5, 12)
  expect(values['rolling mean']).toBe(8)
  expect(values['rolling mean over usual']).toBeCloseTo(96.5 / 120.5, 12)
})

test('indicators are those of the runtime; what it does not know is not known', () => {
  const known = { variance: 1.5, rawVariance: 7, autocorrelation: 0.4, rawAutocorrelation: 0.6 }
  const trends = { varianceTrend: 0.2, autocorrelationTrend: -0.1 }
  const values = after([bin({ ...known, ...trends })])
  expect(values.variance).toBe(7)
  expect(values['variance, residuals']).toBe(1.5)
  expect(values['variance trend, residuals']).toBe(0.2)
  expect(values.autocorrelation).toBe(0.6)
  expect(values['autocorrelation, residuals']).toBe(0.4)
  expect(values['autocorrelation trend']).toBe(-0.1)
  expect(after([bin({})]).variance).toBeNaN()
})

test('a raw variance that only grows has the trend 1', () => {
  const values = after(Array.from({ length: 48 }, (_, i) => bin({ rawVariance: i })))
  expect(values['variance trend']).toBe(1)
})

test('CUSUM adds what is above half a standard deviation, and never falls below 0', () => {
  const residuals = [1.5, -3, 2, 1, null, 0.25]
  // 1, 0, 1.5, 2, 1.5, 1.25
  expect(after(residuals.map((residual) => bin({ residual }))).CUSUM).toBeCloseTo(1.25, 12)
})

test('share of replies: of the last 24 bins, and over that before; unknown bins are left out', () => {
  const before = Array(30).fill(bin({}, 2, 8))
  const now = Array(22).fill(bin({}, 6, 8))
  const values = after([...before, ...now, bin({}), bin({})])
  expect(values['share of replies']).toBeCloseTo(0.75, 12)
  expect(values['share of replies over usual']).toBeCloseTo(0.5, 12)
  expect(after([bin({})])['share of replies']).toBeNaN()
})

test('residuals of the share of replies: the last 12 that are known, summed over their standard deviation', () => {
  const of = (...residuals: number[]) =>
    after(residuals.map((shareResidual) => ({ ...bin({}), shareResidual })))['share of replies, residuals']
  const unknown = Number.NaN
  expect(of(9, ...Array(6).fill(1), unknown, ...Array(6).fill(2), unknown)).toBeCloseTo(
    18 / Math.sqrt(12),
    12,
  )
  expect(of(unknown, 1, 2)).toBeCloseTo(3 / Math.sqrt(2), 12)
  expect(of(unknown)).toBeNaN()
})

test('Fano: blocks that vary as the mean have no branching, 4 times as much has a ratio of a half', () => {
  // Sums of 6 bins with a mean of 60: all are 60 +- the same.
  const blocks = (above: number): Bin[] =>
    Array.from({ length: 96 }, (_, i) => bin({ count: 10 + (Math.floor(i / 48) % 2 === 0 ? 1 : -1) * above }))
  const squares = (above: number): number =>
    Array.from({ length: 91 }, (_, i) => {
      const low = Math.min(6, Math.max(0, i + 6 - 48))
      return ((6 - 2 * low) * above) ** 2
    }).reduce((sum, x) => sum + x, 0)
  expect(fanoRatio(blocks(2))).toBeCloseTo(1 - 1 / Math.sqrt(squares(2) / (60 * 91)), 12)
  expect(fanoRatio([])).toBeNaN()
})

/** INAR(2) about 20: 0.4 of the bin before and 0.2 of that before it. */
function branching(bins: number): Bin[] {
  const random = createRandom('inar')
  const counts = [20, 20]
  while (counts.length < bins + 100) {
    const [b, a] = [counts.at(-2)!, counts.at(-1)!]
    counts.push(random.poisson(20 * 0.4 + 0.4 * a + 0.2 * b))
  }
  return counts.slice(100).map((count) => bin({ count, expected: 20 }))
}

test('INAR finds the branching ratio of a process that is one', () => {
  expect(inar(branching(6000))).toBeCloseTo(0.6, 1)
  const random = createRandom('none')
  const none = Array.from({ length: 6000 }, () => bin({ count: random.poisson(20), expected: 20 }))
  expect(Math.abs(inar(none))).toBeLessThan(0.1)
})

test('INAR says nothing of too few bins, or of bins without any difference', () => {
  expect(inar(branching(20))).toBeNaN()
  expect(inar(Array(50).fill(bin({ count: 10 })))).toBeNaN()
})

test('a branching ratio rises over what it was in the three windows before', () => {
  const random = createRandom('rise')
  const quiet = Array.from({ length: 288 }, () => bin({ count: random.poisson(20), expected: 20 }))
  const values = after([...quiet, ...branching(96)])
  expect(values['rise of branching ratio']).toBeCloseTo(inar(branching(96)) - inar(quiet), 12)
  expect(values['rise of branching ratio']).toBeGreaterThan(0.2)
})
