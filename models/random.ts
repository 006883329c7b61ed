/**
 * Seeded random numbers for the simulation and for null models: the same seed gives the same numbers everywhere.
 * Not for secrets.
 */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number
  /** Uniform over the integers 0 .. n - 1; n from 1 to 2^53. */
  int(n: number): number
  /** Standard normal. */
  normal(): number
  exponential(mean: number): number
  /** Exact at every mean; 0 when the mean is not positive. */
  poisson(mean: number): number
  /** Mean `shape * scale`, variance `shape * scale^2`; both positive. */
  gamma(shape: number, scale: number): number
  /** A count of variance `mean + dispersion * mean^2`; dispersion 0 is Poisson. */
  negativeBinomial(mean: number, dispersion: number): number
  /** An independent stream that depends on the seed and the name only, not on what has been drawn. */
  fork(name: string): Random
}

export function createRandom(seed: number | string): Random {
  const uint32 = sfc32(hash128(String(seed)))
  let spare: number | undefined

  const next = (): number => ((uint32() >>> 5) * 0x4000000 + (uint32() >>> 6)) / 0x20000000000000

  /** The polar method (Marsaglia & Bray 1964), which makes two at a time. */
  function normal(): number {
    if (spare !== undefined) {
      const kept = spare
      spare = undefined
      return kept
    }
    for (;;) {
      const x = 2 * next() - 1
      const y = 2 * next() - 1
      const square = x * x + y * y
      if (square >= 1 || square === 0) continue
      const scale = Math.sqrt((-2 * Math.log(square)) / square)
      spare = y * scale
      return x * scale
    }
  }

  const exponential = (mean: number): number => -mean * Math.log(1 - next())

  function poisson(mean: number): number {
    if (!(mean > 0)) return 0
    return mean < 10 ? poissonSmall(next, mean) : poissonLarge(next, mean)
  }

  /** Marsaglia & Tsang 2000; a shape below 1 is drawn one higher and scaled down by U^(1/shape). */
  function gamma(shape: number, scale: number): number {
    if (shape < 1) return gamma(shape + 1, scale) * (1 - next()) ** (1 / shape)
    const d = shape - 1 / 3
    const c = 1 / Math.sqrt(9 * d)
    for (;;) {
      const x = normal()
      const v = (1 + c * x) ** 3
      if (v > 0 && Math.log(1 - next()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v * scale
    }
  }

  return {
    next,
    int: (n) => Math.floor(next() * n),
    normal,
    exponential,
    poisson,
    gamma,
    negativeBinomial: (mean, dispersion) =>
      poisson(dispersion > 0 && mean > 0 ? gamma(1 / dispersion, mean * dispersion) : mean),
    fork: (name) => createRandom(`${seed}\0${name}`),
  }
}

/** Knuth 1969: how many uniform factors until their product falls below e^-mean. */
function poissonSmall(next: () => number, mean: number): number {
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = next(); product > limit; product *= next()) count++
  return count
}

/** Hörmann 1993, transformed rejection with squeeze (PTRS): exact for means from 10 up, in constant time. */
function poissonLarge(next: () => number, mean: number): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean)
  const a = -0.059 + 0.02483 * b
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
  const squeeze = 0.9277 - 3.6224 / (b - 2)
  for (;;) {
    const u = next() - 0.5
    const v = 1 - next()
    const us = 0.5 - Math.abs(u)
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43)
    if (us >= 0.07 && v <= squeeze) return k
    if (k < 0 || (us < 0.013 && v > us)) continue
    const left = Math.log((v * inverseAlpha) / (a / (us * us) + b))
    if (left <= k * Math.log(mean) - mean - logFactorial(k)) return k
  }
}

const SMALL_LOG_FACTORIALS = Float64Array.from({ length: 16 }, () => 0)
for (let k = 2; k < 16; k++) SMALL_LOG_FACTORIALS[k] = SMALL_LOG_FACTORIALS[k - 1]! + Math.log(k)

/** ln k!, by Stirling's series from 16 up (error below 1e-13). */
function logFactorial(k: number): number {
  if (k < 16) return SMALL_LOG_FACTORIALS[k]!
  const x = k + 1
  const inverse = 1 / (x * x)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series
}

/** Chris Doty-Humphrey's small fast counting generator: 128 bits of state, passes PractRand. */
function sfc32(seed: Uint32Array): () => number {
  let a = seed[0]! | 0
  let b = seed[1]! | 0
  let c = seed[2]! | 0
  let counter = seed[3]! | 0
  const step = (): number => {
    const result = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + result) | 0
    return result >>> 0
  }
  for (let i = 0; i < 12; i++) step()
  return step
}

/** Four 32-bit lanes of multiply-and-mix (the finalizer is MurmurHash3's): equal text, equal hash. */
function hash128(text: string): Uint32Array {
  const lanes = Uint32Array.of(0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667)
  const primes = [0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1]
  for (let i = 0; i < text.length; i++) {
    for (let j = 0; j < 4; j++) {
      const mixed = Math.imul(lanes[j]! ^ text.charCodeAt(i), primes[j]!)
      lanes[j] = (mixed ^ (mixed >>> 15)) + lanes[(j + 1) & 3]!
    }
  }
  return lanes.map((lane, j) => {
    let h = lane ^ lanes[(j + 3) & 3]!
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return h ^ (h >>> 16)
  })
}
