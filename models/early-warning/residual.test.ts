import { describe, expect, it } from 'vitest'
import { createRandom } from '../random.ts'
import { residual } from './residual.ts'

describe('residual', () => {
  const cases = [3, 7.3, 10, 50, 100, 1000].flatMap((mu) =>
    [0, 0.003, 0.01, 0.1, 0.37, 1].map((phi) => [mu, phi] as const),
  )
  it.each(cases)('has mean 0 and variance 1 at mean %d, dispersion %d', (mu, phi) => {
    const random = createRandom(`residual ${mu} ${phi}`)
    const n = 20_000
    let sum = 0
    let squares = 0
    for (let i = 0; i < n; i++) {
      const x = residual(random.negativeBinomial(mu, phi), mu, phi)
      sum += x
      squares += x * x
    }
    // 5 standard errors of the mean, and 5 of the variance of a normal.
    expect(Math.abs(sum / n)).toBeLessThan(5 / Math.sqrt(n))
    expect(Math.abs(squares / n - 1)).toBeLessThan(5 * Math.sqrt(2 / n) + 0.01)
  })

  it('rises with the count, is a multiple of 2^-16, and has no jump in the dispersion', () => {
    for (let y = 0; y < 200; y++) {
      expect(residual(y + 1, 40, 0.2)).toBeGreaterThan(residual(y, 40, 0.2))
      expect(Number.isInteger(residual(y, 40, 0.2) * 65536)).toBe(true)
    }
    for (let phi = 1e-6; phi < 15; phi *= 1.02) {
      expect(Math.abs(residual(60, 40, phi) - residual(60, 40, phi * 1.02))).toBeLessThan(0.06)
    }
  })
})
