/** How long alerts take from the log to the database, from the histograms of this process. */
import type { Histogram, Registry } from 'prom-client'
import type { HOPS, Latency } from '../contracts/ops.ts'

/** The p99 of a decision that is promised, s. */
const BUDGET = 0.15
/** What is told is of so much time at least, and of at most one period more: what was long ago is no news, ms. */
const WINDOW = 5 * 60_000
const PERIOD = 30_000

const TITLES: Record<(typeof HOPS)[number], string> = {
  count: 'Counting: from the record that decides to the closed bin',
  detect: 'Detecting: to the alert',
  store: 'Storing: to the commit in the database',
  decision: 'All of it',
}

/** `le`: upper bound in s; the last, null, has none. `count`: of this bucket alone. */
export type Bucket = { le: number | null; count: number }

/**
 * The value, in s, that a share `q` (0-1) of what was counted does not exceed, as if it lay evenly within its bucket.
 * Null when nothing was counted; the greatest bound for what lies beyond it.
 */
export function quantile(buckets: readonly Bucket[], q: number): number | null {
  const total = buckets.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return null
  let below = 0
  let from = 0
  for (const { le, count } of buckets) {
    if (le === null) break
    if (count > 0 && below + count >= q * total) return from + ((q * total - below) / count) * (le - from)
    below += count
    from = le
  }
  return from
}

/** Cumulative counts by bound, as Prometheus counts them, by run and hop. */
type Counts = Map<string, Map<number | null, number>>

export type LatencyWindow = {
  /** Of a run, in the last minutes. */
  of(run: string): Promise<Latency>
  close(): void
}

/** Looks at the histograms now and then, until it is closed. */
export function createLatency(metrics: Registry, now: () => number): LatencyWindow {
  /** What had been counted at these times, oldest first. */
  const before: { at: number; counts: Counts }[] = []
  const remember = async () => {
    before.push({ at: now(), counts: await countsOf(metrics) })
    while (before.length > 1 && before[1]!.at <= now() - WINDOW) before.shift()
  }
  const began = now()
  const timer = setInterval(() => void remember(), PERIOD).unref()
  return {
    async of(run) {
      const counts = await countsOf(metrics)
      const since = before[0]
      return {
        budget: BUDGET,
        seconds: (now() - (since?.at ?? began)) / 1000,
        items: (Object.keys(TITLES) as (keyof typeof TITLES)[]).map((hop) => {
          const buckets = difference(counts.get(`${run} ${hop}`), since?.counts.get(`${run} ${hop}`))
          return {
            hop,
            title: TITLES[hop],
            count: buckets.reduce((sum, { count }) => sum + count, 0),
            p50: quantile(buckets, 0.5),
            p90: quantile(buckets, 0.9),
            p99: quantile(buckets, 0.99),
            buckets,
          }
        }),
      }
    },
    close: () => clearInterval(timer),
  }
}

async function countsOf(metrics: Registry): Promise<Counts> {
  const counts: Counts = new Map()
  for (const name of ['fcm_decision_seconds', 'fcm_decision_part_seconds']) {
    const histogram = metrics.getSingleMetric(name) as Histogram | undefined
    for (const { metricName, labels, value } of (await histogram?.get())?.values ?? []) {
      const { run, hop = 'decision', le } = labels as { run: string; hop?: string; le?: number | string }
      if (metricName !== `${name}_bucket` || le === undefined) continue
      const id = `${run} ${hop}`
      const bounds = counts.get(id) ?? new Map<number | null, number>()
      counts.set(id, bounds)
      bounds.set(le === '+Inf' ? null : Number(le), value)
    }
  }
  return counts
}

function difference(
  counts: ReadonlyMap<number | null, number> = new Map(),
  since: ReadonlyMap<number | null, number> = new Map(),
): Bucket[] {
  let below = 0
  return [...counts].map(([le, cumulative]) => {
    const upTo = cumulative - (since.get(le) ?? 0)
    const count = upTo - below
    below = upTo
    return { le, count }
  })
}
