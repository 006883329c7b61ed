import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cdf, pmf, quantile, sf } from './negative-binomial.ts'

/** y, mean, dispersion, P(Y = y), P(Y <= y), from sums with 60 digits. */
const KNOWN: [number, number, number, number, number][] = [
  [0, 3, 0, 4.978706836786394e-2, 4.978706836786394e-2],
  [3, 3, 0, 2.240418076553877e-1, 6.472318887822313e-1],
  [0, 3, 1, 2.5e-1, 2.5e-1],
  [7, 5, 0.5, 6.195233055622512e-2, 7.77358812063566e-1],
  [40, 10, 0.1, 1.824723158350139e-6, 9.999971929499534e-1],
  [99000, 100000, 0, 8.401271933936813e-6, 7.742008294447389e-4],
  [100500, 100000, 0.0001, 3.38023633783038e-4, 6.84310207407454e-1],
  [50000, 100000, 1, 6.065261107699616e-6, 3.934738892300384e-1],
  [3, 100000, 10, 9.67073278200878e-3, 2.997935338595497e-1],
  [0, 12, 0.05, 8.271806125530277e-5, 8.271806125530277e-5],
  [2, 30, 0.1, 2.950429916381836e-5, 3.761053085327148e-5],
  [1000, 1000, 0.000001, 1.260830876853813e-2, 5.084093682186734e-1],
]

describe('negative binomial', () => {
  it.each(KNOWN)('has the known values at y = %d, mean %d, dispersion %d', (y, mu, phi, density, below) => {
    expect(Math.abs(pmf(y, mu, phi) / density - 1)).toBeLessThan(1e-10)
    expect(Math.abs(cdf(y, mu, phi) / below - 1)).toBeLessThan(1e-9)
  })

  it('keeps the relative precision of tiny lower and upper tails', () => {
    // Poisson: P(Y = 0) = exp(-600); P(Y > 0) = 1 - exp(-1e-12).
    expect(cdf(0, 600, 0) / Math.exp(-600)).toBeCloseTo(1, 9)
    expect(sf(0, 1e-12, 0) / 1e-12).toBeCloseTo(1, 9)
  })

  it('sums to its distribution function, and both tails to one', () => {
    const parameters = fc.tuple(
      fc.double({ min: 0.01, max: 300, noNaN: true }),
      fc.constantFrom(0, 1e-4, 0.1, 1, 10),
    )
    fc.assert(
      fc.property(parameters, fc.nat(400), ([mu, phi], y) => {
        let sum = 0
        for (let i = 0; i <= y; i++) sum += pmf(i, mu, phi)
        expect(cdf(y, mu, phi)).toBeCloseTo(sum, 10)
        expect(cdf(y, mu, phi) + sf(y, mu, phi)).toBeCloseTo(1, 12)
      }),
    )
  })

  it('has quantiles that are the least y with cdf(y) >= p', () => {
    const mean = fc.double({ min: 0, max: 1e5, noNaN: true })
    fc.assert(
      fc.property(
        mean,
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        (mu, phi, p) => {
          const y = quantile(p, mu, phi)
          expect(cdf(y, mu, phi)).toBeGreaterThanOrEqual(p - 1e-9)
          if (y > 0) expect(cdf(y - 1, mu, phi)).toBeLessThan(p + 1e-9)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('is a point at zero when nothing is expected', () => {
    expect([pmf(0, 0, 0.1), pmf(1, 0, 0.1), cdf(0, 0, 0.1), sf(0, 0, 0.1), quantile(0.975, 0, 0.1)]).toEqual([
      1, 0, 1, 0, 0,
    ])
  })
})
