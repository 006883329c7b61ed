/**
 * The negative binomial distribution by mean mu and dispersion phi: variance = mu + phi mu^2; phi = 0 is Poisson.
 * Densities by Loader's saddle-point expansion (C. Loader, "Fast and accurate computation of binomial probabilities",
 * 2000), which keeps full precision where differences of log-gammas lose it; tails by continued fractions
 * (Abramowitz & Stegun 26.5.8, 6.5.31).
 */

/** Below it the distribution is Poisson to better than double precision of its variance for mu up to 1e5. */
const POISSON_BELOW = 1e-12
const EPSILON = 1e-16
const TINY = 1e-300

/** log(n!) - log(sqrt(2 pi n) (n/e)^n), n > 0. */
function stirlingError(n: number): number {
  if (n < 16) {
    // Gamma(n + 1) = Gamma(n + 17) / ((n + 1) ... (n + 16)): the series is only good for large n.
    let product = 1
    for (let i = 1; i <= 16; i++) product *= n + i
    const m = n + 16
    const logFactorial = 0.5 * Math.log(2 * Math.PI * m) + m * Math.log(m) - m + series(m) - Math.log(product)
    return logFactorial - (0.5 * Math.log(2 * Math.PI * n) + n * Math.log(n) - n)
  }
  return series(n)
}

function series(n: number): number {
  const nn = n * n
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / nn) / nn) / nn) / nn) / n
}

/** x log(x / m) + m - x, without cancellation when x is near m. */
function deviance(x: number, m: number): number {
  if (Math.abs(x - m) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x
  const v = (x - m) / (x + m)
  let sum = (x - m) * v
  let term = 2 * x * v
  for (let j = 1; ; j++) {
    term *= v * v
    const next = sum + term / (2 * j + 1)
    if (next === sum) return sum
    sum = next
  }
}

const poissonPmf = (y: number, mu: number): number =>
  y === 0 ? Math.exp(-mu) : Math.exp(-stirlingError(y) - deviance(y, mu)) / Math.sqrt(2 * Math.PI * y)

/** P(Y = y), for an integer y; mu >= 0, phi >= 0. */
export function pmf(y: number, mu: number, phi: number): number {
  if (y < 0) return 0
  if (mu === 0) return y === 0 ? 1 : 0
  if (phi < POISSON_BELOW) return poissonPmf(y, mu)
  const k = 1 / phi
  if (y === 0) return Math.exp(-k * Math.log1p(mu * phi))
  // k / (k + y) times the binomial density of k successes in n = k + y trials with chance k / (k + mu).
  const n = k + y
  const q = mu / (k + mu)
  const p = k / (k + mu)
  const exponent =
    stirlingError(n) - stirlingError(k) - stirlingError(y) - deviance(k, n * p) - deviance(y, n * q)
  return Math.exp(exponent) * Math.sqrt(k / (2 * Math.PI * y * n))
}

/** Lentz's evaluation of a continued fraction 1 + a1 / (1 + a2 / (1 + ...)). */
function continuedFraction(coefficient: (i: number) => number): number {
  let f = 1
  let c = 1
  let d = 0
  for (let i = 1; i < 100_000; i++) {
    const a = coefficient(i)
    d = 1 + a * d
    c = 1 + a / c
    d = 1 / (Math.abs(d) < TINY ? TINY : d)
    if (Math.abs(c) < TINY) c = TINY
    const step = c * d
    f *= step
    if (Math.abs(step - 1) < 1e-15) break
  }
  return f
}

/** The continued fraction of the incomplete beta function I_x(a, b), for x < (a + 1) / (a + b + 2). */
const betaFraction = (a: number, b: number, x: number): number =>
  1 /
  continuedFraction((i) => {
    const m = i >> 1
    return i % 2 === 0
      ? (m * (b - m) * x) / ((a + i - 1) * (a + i))
      : (-(a + m) * (a + b + m) * x) / ((a + i - 1) * (a + i))
  })

function poissonTails(y: number, mu: number): { lower: number; upper: number } {
  const density = poissonPmf(y, mu)
  if (mu > y + 1) {
    // The terms below y, each the one above it times y / mu.
    let sum = 0
    for (let term = density, i = y; term > sum * EPSILON && i >= 0; i--) {
      sum += term
      term *= i / mu
    }
    return { lower: sum, upper: 1 - sum }
  }
  let sum = 0
  for (let term = (density * mu) / (y + 1), i = y + 2; term > sum * EPSILON; i++) {
    sum += term
    term *= mu / i
  }
  return { lower: 1 - sum, upper: sum }
}

/** P(Y <= y) and P(Y > y); the smaller of the two keeps its relative precision. */
function tails(y: number, mu: number, phi: number): { lower: number; upper: number } {
  if (y < 0) return { lower: 0, upper: 1 }
  if (mu === 0) return { lower: 1, upper: 0 }
  if (phi < POISSON_BELOW) return poissonTails(y, mu)
  // P(Y <= y) = I_p(k, y + 1), p = k / (k + mu).
  const k = 1 / phi
  const p = k / (k + mu)
  const q = mu / (k + mu)
  const front = pmf(y, mu, phi) * q * (k + y)
  if (p < (k + 1) / (k + y + 3)) {
    const lower = Math.min(1, (front * betaFraction(k, y + 1, p)) / k)
    return { lower, upper: 1 - lower }
  }
  const upper = Math.min(1, (front * betaFraction(y + 1, k, q)) / (y + 1))
  return { lower: 1 - upper, upper }
}

/** P(Y <= y): small values keep their relative precision. */
export const cdf = (y: number, mu: number, phi: number): number => tails(Math.floor(y), mu, phi).lower

/** P(Y > y): small values keep their relative precision. */
export const sf = (y: number, mu: number, phi: number): number => tails(Math.floor(y), mu, phi).upper

/** The least y with P(Y <= y) >= p, for p in [0, 1], Infinity for 1; with it the band shown to people is drawn. */
export function quantile(p: number, mu: number, phi: number): number {
  if (!(p > 0) || mu === 0) return 0
  if (p >= 1) return Number.POSITIVE_INFINITY
  const reached = p <= 0.5 ? (y: number) => cdf(y, mu, phi) >= p : (y: number) => sf(y, mu, phi) <= 1 - p
  let low = -1
  let high = Math.ceil(mu)
  for (let step = Math.ceil(Math.sqrt(mu + phi * mu * mu)) + 1; !reached(high); step *= 2) {
    low = high
    high += step
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (reached(middle)) high = middle
    else low = middle
  }
  return high
}
