import fc from 'fast-check'
import { sampleCorrelation, sampleVariance } from 'simple-statistics'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../random.ts'
import {
  createRolling,
  createTrend,
  kendallTau,
  pushRolling,
  pushTrend,
  rollingAutocorrelation,
  rollingVariance,
} from './indicators.ts'

const W = 48
const present = (values: number[]): number[] => values.filter((x) => !Number.isNaN(x))

function pairsOf(values: number[]): [number[], number[]] {
  const pairs = values.slice(1).map((x, i) => [values[i]!, x] as const)
  const whole = pairs.filter(([a, b]) => !Number.isNaN(a) && !Number.isNaN(b))
  return [whole.map(([a]) => a), whole.map(([, b]) => b)]
}

/** Tau-b by its definition. */
function plainTau(values: number[]): number {
  const x = present(values)
  let s = 0
  let ties = 0
  for (let i = 0; i < x.length; i++) {
    for (let j = i + 1; j < x.length; j++) {
      s += Math.sign(x[j]! - x[i]!)
      ties += Number(x[j] === x[i])
    }
  }
  const all = (x.length * (x.length - 1)) / 2
  return s / Math.sqrt(all * (all - ties))
}

describe('rolling variance and lag-1 autocorrelation', () => {
  it.each([
    ['counts with bursts', (i: number, u: number) => (i % 1009 < 3 ? 100_000 : Math.floor(u * 30))],
    ['residuals', (_: number, u: number) => Math.round((u * 8 - 4) * 65536) / 65536],
  ])('equal the plain formulas to 1e-9 over 100,000 bins of %s, some masked', (_, draw) => {
    const random = createRandom('rolling')
    const r = createRolling(W)
    const values: number[] = []
    let compared = 0
    for (let i = 0; i < 100_000; i++) {
      const x = random.next() < 0.03 ? Number.NaN : draw(i, random.next())
      values.push(x)
      pushRolling(r, x)
      if (i < W || i % 17 > 0) continue
      const window = values.slice(-W)
      const variance = sampleVariance(present(window))
      expect(Math.abs(rollingVariance(r)! - variance)).toBeLessThanOrEqual(1e-9 * Math.max(1, variance))
      expect(
        Math.abs(rollingAutocorrelation(r)! - sampleCorrelation(...pairsOf(window))),
      ).toBeLessThanOrEqual(1e-9)
      compared++
    }
    expect(compared).toBeGreaterThan(5000)
  })

  it('wait for a full window, and for half of it to be there', () => {
    const r = createRolling(8)
    for (let i = 0; i < 7; i++) pushRolling(r, i % 3)
    expect(rollingVariance(r)).toBeNull()
    pushRolling(r, 1)
    expect(rollingVariance(r)).not.toBeNull()
    for (let i = 0; i < 5; i++) pushRolling(r, Number.NaN)
    expect([rollingVariance(r), rollingAutocorrelation(r)]).toEqual([null, null])
  })

  it('never bridge a gap: values on both sides of it are no pair', () => {
    const r = createRolling(6)
    for (const x of [1, 2, Number.NaN, 9, 8, 7]) pushRolling(r, x)
    // (1,2), (9,8), (8,7): not (2,9).
    expect(rollingAutocorrelation(r)).toBeCloseTo(sampleCorrelation([1, 9, 8], [2, 8, 7]), 12)
    expect(rollingVariance(r)).toBeCloseTo(sampleVariance([1, 2, 9, 8, 7]), 12)
  })

  it('have no correlation where nothing varies', () => {
    const r = createRolling(4)
    for (let i = 0; i < 6; i++) pushRolling(r, 5)
    expect([rollingVariance(r), rollingAutocorrelation(r)]).toEqual([0, null])
  })
})

describe("Kendall's tau-b", () => {
  it('equals its definition, with ties and missing values', () => {
    const value = fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 12 }) },
      { weight: 1, arbitrary: fc.constant(null) },
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 20, maxLength: 120 }), (values) => {
        const t = createTrend(20)
        for (const x of values) pushTrend(t, x)
        const window = values.slice(-20).map((x) => x ?? Number.NaN)
        const plain = plainTau(window)
        if (present(window).length < 10 || Number.isNaN(plain)) expect(kendallTau(t)).toBeNull()
        else expect(kendallTau(t)).toBeCloseTo(plain, 12)
      }),
    )
  })

  it('is 1 for what only rises, -1 for what only falls', () => {
    const up = createTrend(10)
    const down = createTrend(10)
    for (let i = 0; i < 25; i++) {
      pushTrend(up, i)
      pushTrend(down, -i)
    }
    expect([kendallTau(up), kendallTau(down)]).toEqual([1, -1])
  })
})
