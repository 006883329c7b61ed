import type { Random } from '../../random.ts'

/** Uniform in [low, high). */
export const between = (random: Random, low: number, high: number): number =>
  low + (high - low) * random.next()

/** Uniform in its logarithm. */
export const logBetween = (random: Random, low: number, high: number): number =>
  low * (high / low) ** random.next()
