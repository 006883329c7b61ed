/** Intervals of areas under ROC curves, and of their differences, by drawing whole series anew (Efron 1979). */

import { sortedOf, weightedAuc } from '../auc.ts'
import type { Random } from '../random.ts'

export type Interval = { low: number; high: number }
export type Estimate = Interval & { value: number }

/** `gap`: of the first ones' area less this one's, by the same draws; null for these themselves. */
export type Compared = { name: string; auc: Estimate; gaps: Estimate[] }

export type BootstrapOptions = {
  labels: ArrayLike<number>
  /** Which series a value is of: values of one series are drawn together. */
  series: ArrayLike<number>
  /** What is compared, higher meaning likelier; NaN counts as the least. */
  values: Record<string, ArrayLike<number>>
  /** The names whose areas the others are taken from. */
  against: readonly string[]
  random: Random
  draws?: number
}

/** 95 % percentile intervals. */
export function compare({
  labels,
  series,
  values,
  against,
  random,
  draws = 400,
}: BootstrapOptions): Compared[] {
  const names = Object.keys(values)
  const sorted = names.map((name) => sortedOf(Float64Array.from(values[name]!, orLeast)))
  const clusters = numbered(series)
  const drawn: number[][] = names.map(() => [])
  for (let draw = 0; draw < draws; draw++) {
    const times = new Float64Array(clusters.count)
    for (let i = 0; i < clusters.count; i++) times[random.int(clusters.count)]!++
    const weights = Float64Array.from(clusters.of, (cluster) => times[cluster]!)
    for (const [i, s] of sorted.entries()) drawn[i]!.push(weightedAuc(s, labels, weights))
  }
  const whole = sorted.map((s) => weightedAuc(s, labels, null))
  return names.map((name, i) => ({
    name,
    auc: { value: whole[i]!, ...interval(drawn[i]!) },
    gaps: against.map((other) => {
      const j = names.indexOf(other)
      return {
        value: whole[j]! - whole[i]!,
        ...interval(drawn[j]!.map((area, draw) => area - drawn[i]![draw]!)),
      }
    }),
  }))
}

const orLeast = (x: number): number => (Number.isNaN(x) ? Number.NEGATIVE_INFINITY : x)

/** Series as 0, 1, 2 ... in the order in which they come. */
function numbered(series: ArrayLike<number>): { of: Uint32Array; count: number } {
  const numbers = new Map<number, number>()
  const of = Uint32Array.from(series, (id) => {
    const known = numbers.get(id) ?? numbers.size
    numbers.set(id, known)
    return known
  })
  return { of, count: numbers.size }
}

/** The middle 95 %; NaN (a draw without positives or negatives) is left out. */
function interval(values: readonly number[]): Interval {
  const inOrder = values.filter((x) => !Number.isNaN(x)).sort((a, b) => a - b)
  const at = (p: number): number => inOrder[Math.round(p * (inOrder.length - 1))] ?? Number.NaN
  return { low: at(0.025), high: at(0.975) }
}
