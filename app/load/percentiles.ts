/** Exact figures of samples that were all kept. */
export type Summary = {
  n: number
  p50: number | null
  p90: number | null
  p99: number | null
  max: number | null
}

/** The smallest sample that at least a share `q` (0-1) of all do not exceed: the nearest rank. Null without samples. */
export function percentile(sorted: ArrayLike<number>, q: number): number | null {
  const rank = Math.max(1, Math.ceil(q * sorted.length))
  return sorted[rank - 1] ?? null
}

export function summarise(samples: readonly number[]): Summary {
  const sorted = Float64Array.from(samples).sort()
  const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((q) => percentile(sorted, q)) as (number | null)[]
  return { n: samples.length, p50: p50!, p90: p90!, p99: p99!, max: max! }
}
