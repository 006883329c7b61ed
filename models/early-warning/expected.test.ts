import { describe, expect, it } from 'vitest'
import { BASE, DAY, HOUR, WEEK } from '../../common/time.ts'
import { createRandom } from '../random.ts'
import {
  createLevel,
  createProfile,
  createUsual,
  decayLevel,
  dispersion,
  expected,
  learnExcess,
  learnLevel,
  learnProfile,
  learnUsual,
  shape,
  usualAutocorrelation,
  usualExcess,
  usualVariance,
} from './expected.ts'

const MONDAY = Date.UTC(2026, 0, 5)
/** Twice the mean at noon, nothing at midnight; half on Sundays. */
const rate = (time: number): number => {
  const hour = (time % DAY) / HOUR
  const sunday = new Date(time).getUTCDay() === 0 ? 0.5 : 1
  return 6 * sunday * (1 - Math.cos((2 * Math.PI * hour) / 24))
}

describe('profile', () => {
  function learned(weeks: number) {
    const random = createRandom('profile')
    const p = createProfile()
    for (let t = MONDAY; t < MONDAY + weeks * WEEK; t += BASE) learnProfile(p, t, random.poisson(rate(t)))
    return p
  }

  it('is flat before it has learned anything', () => {
    expect(shape(createProfile(), MONDAY, 300)).toBe(1)
    expect(shape(createProfile(), MONDAY, 21600)).toBe(72)
  })

  it('finds the hours of the day within days and those of the week within weeks', () => {
    const ratio = (weeks: number, a: number, b: number) => {
      const p = learned(weeks)
      return shape(p, a, 300) / shape(p, b, 300)
    }
    const noon = MONDAY + 12 * HOUR
    const evening = MONDAY + 18 * HOUR
    expect(ratio(4 / 7, noon, evening)).toBeGreaterThan(1.5)
    expect(ratio(4, noon, evening)).toBeCloseTo(2, 0)
    const sunday = MONDAY + 6 * DAY + 12 * HOUR
    expect(ratio(8, sunday, noon)).toBeGreaterThan(0.4)
    expect(ratio(8, sunday, noon)).toBeLessThan(0.75)
  })

  it('adds up over coarser bins', () => {
    const p = learned(2)
    let sum = 0
    for (let t = MONDAY; t < MONDAY + 6 * HOUR; t += BASE) sum += shape(p, t, 300)
    expect(shape(p, MONDAY, 21600)).toBeCloseTo(sum, 9)
  })

  it('does not take one cascade for a habit', () => {
    const p = learned(2)
    const at = MONDAY + 2 * WEEK + 3 * HOUR
    const before = shape(p, at, 300)
    for (let t = at; t < at + HOUR; t += BASE) learnProfile(p, t, 2000)
    expect(shape(p, at + WEEK, 300)).toBeLessThan(3 * before)
  })
})

describe('level', () => {
  it('follows the mean, and is 0 before there is any', () => {
    const level = createLevel()
    expect(expected(level, 1)).toBe(0)
    for (let i = 0; i < 1000; i++) learnLevel(level, 7, 0.5)
    expect(expected(level, 1)).toBeCloseTo(14, 9)
  })

  it('decays in closed form as it does bin by bin', () => {
    const plain = createLevel()
    for (let i = 0; i < 300; i++) learnLevel(plain, 12, 1)
    const closed = { ...plain }
    for (let i = 0; i < 500; i++) learnLevel(plain, 0, 1)
    decayLevel(closed, 500, 1)
    expect(closed.events).toBeCloseTo(plain.events, 9)
    expect(closed.shape).toBeCloseTo(plain.shape, 9)
  })
})

describe('usual', () => {
  const learnedFrom = (
    n: number,
    draw: (i: number) => { count: number; expected: number; residual: number; next: number },
  ) => {
    const usual = createUsual()
    for (let i = 0; i < n; i++) learnUsual(usual, draw(i), 5000)
    return usual
  }

  it.each([0, 0.05, 0.3])('finds the dispersion %d at a steady mean', (phi) => {
    const random = createRandom(`phi ${phi}`)
    const usual = learnedFrom(8000, () => ({
      count: random.negativeBinomial(20, phi),
      expected: 20,
      residual: 0,
      next: 0,
    }))
    expect(Math.abs(dispersion(usual, 20) - phi)).toBeLessThan(0.15 * phi + 0.005)
  })

  it('tells variance that grows like the mean from variance that grows like its square', () => {
    const random = createRandom('fano')
    // Variance 3 mu at every mean, as self-exciting counts have it.
    const usual = learnedFrom(20_000, (i) => {
      const mean = 4 + (i % 60)
      return { count: random.negativeBinomial(mean, 2 / mean), expected: mean, residual: 0, next: 0 }
    })
    expect(dispersion(usual, 5)).toBeGreaterThan(0.3)
    expect(dispersion(usual, 60)).toBeLessThan(0.05)
  })

  it('finds the memory and the variance of residuals', () => {
    const random = createRandom('memory')
    let x = 0
    const usual = learnedFrom(20_000, () => {
      const now = x
      x = 0.6 * x + 0.8 * random.normal()
      return { count: 10, expected: 10, residual: now, next: x }
    })
    expect(usualVariance(usual)).toBeCloseTo(1, 1)
    expect(usualAutocorrelation(usual)).toBeCloseTo(0.6, 1)
  })

  it('finds how far the sums of windows go', () => {
    const random = createRandom('sums')
    const usual = createUsual()
    for (let i = 0; i < 20_000; i++) learnExcess(usual, 3 * random.normal(), 5000)
    expect(usualExcess(usual)).toBeCloseTo(3, 0)
    const before = usualExcess(usual)
    learnExcess(usual, 500, 5000)
    expect(usualExcess(usual) - before).toBeLessThan(0.01)
  })

  it('is hardly moved by one burst', () => {
    const random = createRandom('burst')
    const draw = () => ({
      count: random.poisson(20),
      expected: 20,
      residual: random.normal(),
      next: Number.NaN,
    })
    const usual = learnedFrom(4000, draw)
    const before = dispersion(usual, 20)
    learnUsual(usual, { count: 5000, expected: 20, residual: 80, next: Number.NaN }, 5000)
    expect(dispersion(usual, 20) - before).toBeLessThan(0.001)
  })
})
