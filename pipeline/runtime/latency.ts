/** How long alerts take, from the log to the database: for metrics, and exactly for who measures. */
import { channel } from 'node:diagnostics_channel'
import { Histogram, type Registry } from 'prom-client'
import { DAY } from '../../common/time.ts'
import type { AlertEvent } from '../../schemas/records.ts'
import type { Rec } from '../log/port.ts'
import { LIVE } from '../topology.ts'
import { trailOf } from './trail.ts'

/** The parts that a decision's time is made of: they add up to it. */
export const HOPS = ['count', 'detect', 'store'] as const
export type Hop = (typeof HOPS)[number]

/** One alert event that was committed: ms from the append of the record that decided it, and the parts of that. */
export type Decided = { run: string; total: number; parts: Record<Hop, number> }

/** Each alert event's times, at its commit. Whoever measures subscribes; nobody else pays for it. */
export const decisions = channel('fcm.decision')

/** Fine where the budget of 150 ms lies, coarse where it is long spent, s. */
const BUCKETS = [
  ...[0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3],
  ...[0.5, 1, 5, 30, 120, 600],
]

export function createLatency(registry: Registry) {
  const registers = [registry]
  const decision = new Histogram({
    name: 'fcm_decision_seconds',
    help: 'From the append of the record that decided an alert event (most often a coverage) to its commit in the database; an upper bound where records came in one batch',
    labelNames: ['run'] as const,
    buckets: BUCKETS,
    registers,
  })
  const part = new Histogram({
    name: 'fcm_decision_part_seconds',
    help: 'The parts of fcm_decision_seconds, by hop: count (with sum, for the network), detect, store',
    labelNames: ['run', 'hop'] as const,
    buckets: BUCKETS,
    registers,
  })
  const wait = new Histogram({
    name: 'fcm_alert_wait_seconds',
    help: 'From the end of the bin that decided an alert event to the append of the record that closed it: waiting for coverage. Only of run live, and only where event time is the time of the wall clock: a simulation has its own, so that waits below zero or above a day are left out',
    labelNames: ['run'] as const,
    buckets: [1, 10, 60, 300, 600, 1800, 3600, 7200, 14400, 43200],
    registers,
  })

  /** Runs whose alerts are not timed: their history is processed, which says nothing of how long an alert takes. */
  const untimed = new Set<string>()

  /** An alert event was read as `rec`, and committed at `now`. */
  function decided(run: string, rec: Rec, event: AlertEvent, now: number): void {
    if (untimed.has(run)) return
    const trail = trailOf(rec, 'store')
    const parts = { count: 0, detect: 0, store: 0 }
    for (const [i, { role, at }] of trail.entries()) {
      const until = trail[i + 1]?.at ?? now
      parts[role === 'detect' || role === 'store' ? role : 'count'] += Math.max(0, until - at)
    }
    const began = trail[0].at
    const total = Math.max(0, now - began)
    decision.observe({ run }, total / 1000)
    for (const hop of HOPS) part.observe({ run, hop }, parts[hop] / 1000)
    const waited = began - event.time
    if (run === LIVE && waited >= 0 && waited <= DAY) wait.observe({ run }, waited / 1000)
    if (decisions.hasSubscribers) decisions.publish({ run, total, parts } satisfies Decided)
  }

  return { decided, untimed }
}
