/**
 * Residuals that are about N(0, 1) while nothing changes, whatever the level: with plain differences a rising mean
 * alone would look like a rising variance.
 *
 * T(y) = (2 / sqrt(phi)) asinh(sqrt(phi (y + 3/8))) stabilises the variance of a negative binomial (F. Anscombe, "The
 * transformation of Poisson, binomial and negative-binomial data", 1948); for phi -> 0 it is 2 sqrt(y + 3/8). Its
 * mean and standard deviation are exact sums over the distribution, on a grid, since the usual expansions fail for
 * small means and for phi near 1 (there the variance tends to trigamma(1/phi)/phi, 1.64 for phi = 1, and not to 1).
 */
const transform = (y: number, phi: number): number => {
  const z = y + 3 / 8
  const g = phi * z
  // Below it asinh(sqrt(g)) / sqrt(g) = 1 - g/6 to double precision.
  return g < 1e-8 ? 2 * Math.sqrt(z) * (1 - g / 6) : (2 / Math.sqrt(phi)) * Math.asinh(Math.sqrt(g))
}

type Moments = { shift: number; sd: number }

/** Grid of log2(mu): above the last the moments no longer change with mu but through phi. */
const MU_MIN = -3
const MU_MAX = 10
const MU_STEPS = 2
/** Grid of log2(phi); below the first is phi = 0. */
const PHI_MIN = -10
const PHI_MAX = 4
const PHI_STEPS = 2
const PHI_CELLS = (PHI_MAX - PHI_MIN) * PHI_STEPS + 2

const cells = new Map<number, Moments>()

/** E[T(Y)] - T(mu) and sd T(Y) of a grid point: a pure function, kept because it is a long sum. */
function moments(muCell: number, phiCell: number): Moments {
  const key = muCell * PHI_CELLS + phiCell
  let cell = cells.get(key)
  if (!cell) {
    const mu = 2 ** (MU_MIN + muCell / MU_STEPS)
    cell = sum(mu, phiCell === 0 ? 0 : 2 ** (PHI_MIN + (phiCell - 1) / PHI_STEPS))
    cells.set(key, cell)
  }
  return cell
}

function sum(mu: number, phi: number): Moments {
  let weight = 0
  let first = 0
  let second = 0
  const origin = transform(mu, phi)
  const q = (phi * mu) / (1 + phi * mu)
  // Poisson and negative binomial by the recurrence of their terms, in logarithms where exp(-mu) would vanish.
  let log = phi === 0 ? -mu : -Math.log1p(phi * mu) / phi
  for (let y = 0; weight < 1 - 1e-9; y++) {
    const p = Math.exp(log)
    const t = transform(y, phi) - origin
    weight += p
    first += p * t
    second += p * t * t
    log += phi === 0 ? Math.log(mu / (y + 1)) : Math.log((q * (y + 1 / phi)) / (y + 1))
    if (y > mu && p < 1e-14) break
  }
  const shift = first / weight
  return { shift, sd: Math.sqrt(second / weight - shift * shift) }
}

/**
 * The residual of a count `y` where `mu` was expected with dispersion `phi`, rounded to 2^-16: sums of such numbers
 * and of their products are exact in double precision, so that rolling sums of them never drift.
 */
export function residual(y: number, mu: number, phi: number): number {
  const m = Math.min(Math.max((Math.log2(mu) - MU_MIN) * MU_STEPS, 0), (MU_MAX - MU_MIN) * MU_STEPS)
  const f =
    phi < 2 ** PHI_MIN
      ? phi / 2 ** PHI_MIN
      : 1 + (Math.min(Math.log2(phi), PHI_MAX - 1 / PHI_STEPS) - PHI_MIN) * PHI_STEPS
  const mi = Math.min(Math.floor(m), (MU_MAX - MU_MIN) * MU_STEPS - 1)
  const fi = Math.floor(f)
  const mw = m - mi
  const fw = f - fi
  const a = moments(mi, fi)
  const b = moments(mi + 1, fi)
  const c = moments(mi, fi + 1)
  const d = moments(mi + 1, fi + 1)
  const shift = (1 - fw) * ((1 - mw) * a.shift + mw * b.shift) + fw * ((1 - mw) * c.shift + mw * d.shift)
  const sd = (1 - fw) * ((1 - mw) * a.sd + mw * b.sd) + fw * ((1 - mw) * c.sd + mw * d.sd)
  const x = (transform(y, phi) - transform(mu, phi) - shift) / sd
  return Math.round(x * 65536) / 65536
}
