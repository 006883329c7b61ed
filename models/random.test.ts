import { mean, sampleVariance } from 'simple-statistics'
import { describe, expect, test } from 'vitest'
import { createRandom, type Random } from './random.ts'

const N = 40_000
const draws = (draw: (random: Random) => number, name = 'draws'): number[] => {
  const random = createRandom(7).fork(name)
  return Array.from({ length: N }, () => draw(random))
}

/** Mean within 5 standard errors, variance within 8 %. */
function expectMoments(values: number[], mu: number, variance: number): void {
  expect(Math.abs(mean(values) - mu)).toBeLessThan(5 * Math.sqrt(variance / N))
  expect(sampleVariance(values) / variance).toBeCloseTo(1, 0.8)
}

describe('moments', () => {
  test('uniform', () =>
    expectMoments(
      draws((r) => r.next()),
      1 / 2,
      1 / 12,
    ))
  test('normal', () => {
    const values = draws((r) => r.normal())
    expectMoments(values, 0, 1)
    expect(mean(values.map((x) => x ** 4))).toBeCloseTo(3, 0.5)
  })
  test('exponential', () =>
    expectMoments(
      draws((r) => r.exponential(3)),
      3,
      9,
    ))
  test.each([0.01, 0.5, 3, 9.99, 10, 15.3, 40, 1000, 1e6])('poisson of mean %d', (m) => {
    const values = draws((r) => r.poisson(m))
    expectMoments(values, m, m)
    expect(values.every((k) => Number.isInteger(k) && k >= 0)).toBe(true)
  })
  test.each([
    [0.2, 3],
    [1, 2],
    [7.5, 0.1],
  ])('gamma of shape %d and scale %d', (shape, scale) => {
    const values = draws((r) => r.gamma(shape, scale))
    expectMoments(values, shape * scale, shape * scale * scale)
    expect(Math.min(...values.slice(0, 1000))).toBeGreaterThanOrEqual(0)
  })
  test.each([
    [0.5, 1],
    [20, 0.3],
    [200, 0.05],
    [5, 0],
  ])('negative binomial of mean %d and dispersion %d', (m, dispersion) =>
    expectMoments(
      draws((r) => r.negativeBinomial(m, dispersion)),
      m,
      m + dispersion * m * m,
    ),
  )
})

/** Pearson's chi-square over single counts against the exact probabilities. */
test.each([3, 12, 30])('poisson of mean %d has the exact distribution', (m) => {
  const counts = new Map<number, number>()
  for (const k of draws((r) => r.poisson(m), 'chi-square')) counts.set(k, (counts.get(k) ?? 0) + 1)
  let p = Math.exp(-m)
  let chi2 = 0
  let cells = 0
  for (let k = 0; k < 5 * m + 10; k++, p *= m / k) {
    if (p * N < 10) continue
    chi2 += ((counts.get(k) ?? 0) - p * N) ** 2 / (p * N)
    cells++
  }
  // The mean of chi-square is its degrees of freedom, its variance twice that.
  expect(chi2).toBeLessThan(cells + 4 * Math.sqrt(2 * cells))
})

test('a mean that is not positive gives no events', () => {
  const random = createRandom(1)
  expect([random.poisson(0), random.poisson(-1), random.negativeBinomial(0, 2)]).toEqual([0, 0, 0])
})

test('int covers its range evenly', () => {
  const hits = [0, 0, 0, 0, 0]
  for (const i of draws((r) => r.int(5))) hits[i]!++
  for (const n of hits) expect(n / N).toBeCloseTo(0.2, 1.7)
})

test('the same seed gives the same numbers, another seed or name others', () => {
  const first = (random: Random) => Array.from({ length: 8 }, () => random.next())
  expect(first(createRandom(1))).toEqual(first(createRandom(1)))
  expect(first(createRandom('1'))).toEqual(first(createRandom(1)))
  const streams = [createRandom(1), createRandom(2), createRandom('a'), createRandom(1).fork('a')]
  streams.push(createRandom(1).fork('b'), createRandom(1).fork('a').fork('b'), createRandom(1).fork('ab'))
  expect(new Set(streams.map((r) => r.next())).size).toBe(streams.length)
})

test('a fork depends on the seed and its name, not on what was drawn before', () => {
  const used = createRandom(5)
  for (let i = 0; i < 9; i++) used.normal()
  expect(used.fork('x').next()).toBe(createRandom(5).fork('x').next())
})

test('streams of neighbouring seeds are uncorrelated', () => {
  const a = createRandom(100)
  const b = createRandom(101)
  let sum = 0
  for (let i = 0; i < N; i++) sum += (a.next() - 0.5) * (b.next() - 0.5)
  expect(Math.abs(sum / N) * 12).toBeLessThan(4 / Math.sqrt(N))
})

test('the numbers of a seed never change', () => {
  const random = createRandom(42)
  expect([random.next(), random.normal(), random.poisson(50), random.gamma(2, 3)]).toMatchInlineSnapshot(`
    [
      0.37194574681194414,
      0.83024539614093,
      41,
      5.208092634585816,
    ]
  `)
})
