/** Loads the real thing (log, roles, database, API) and times every alert event to its commit. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BASE, DAY, HOUR } from '../../common/time.ts'
import { position } from '../../connectors/farcaster/whole.ts'
import { type Decided, decisions, HOPS } from '../../pipeline/runtime/latency.ts'
import type { Engines } from '../engines.ts'
import type { Roles } from '../roles/start.ts'
import { type Feed, feedHistory, feedOpenLoop } from './feed.ts'
import { SERIES_PER_CHANNEL } from './network.ts'
import { type Summary, summarise } from './percentiles.ts'

export const RUN = 'load'
/** p99 of the time from the append of what decides an alert event to its commit, ms. */
export const BUDGET_MS = 150

/** Bin of a Monday: load begins at the same event time whenever it is run. */
const FIRST_BIN = Date.UTC(2026, 0, 5) / BASE
/** A series is judged after 24 covered hours and 2 windows of 48 bins; some bins more, as not all begin in the first. */
const HISTORY_BINS = DAY / BASE + (4 * HOUR) / BASE

export type Figures = {
  rate: number
  /** Bins that were closed, each of all series at once. */
  closes: number
  /** Events/s that were appended. */
  events: number
  /** ms, by hop; `decision` is all of them, `late` how much behind its schedule the load itself was. */
  hops: Record<(typeof HOPS)[number] | 'decision' | 'late', Summary>
  /** Whether p99 of the decision is below the budget. */
  holds: boolean
}

export type Loaded = {
  /** Measures at a rate, over at least so many alert events. */
  measure(rate: number, alerts: number): Promise<Figures>
}

/** Brings a run to where all of its series are judged. `series` is rounded up to whole channels. */
export async function openLoad(
  engines: Engines,
  roles: Roles,
  series: number,
  signal: AbortSignal,
  onHistory: (share: number, bin: number) => void,
): Promise<Loaded> {
  const channels = Math.ceil(series / SERIES_PER_CHANNEL)
  const quiet = FIRST_BIN + HISTORY_BINS
  const feed: Feed = { engines, run: RUN, channels, quiet }
  const { log, codec } = engines
  const before = await position(log, codec, RUN)
  let bin = before === null ? FIRST_BIN : before / BASE
  await feedHistory(feed, bin, quiet, signal, (at) => onHistory((at - FIRST_BIN) / HISTORY_BINS, at))
  bin = Math.max(bin, quiet)
  await roles.caughtUp(() => {}, signal)

  return {
    async measure(rate, alerts) {
      const seen: Decided[] = []
      const see = (decided: unknown) => void seen.push(decided as Decided)
      decisions.subscribe(see)
      try {
        const began = bin
        const fed = await feedOpenLoop(feed, bin, rate, signal, () => seen.length >= alerts)
        bin = fed.bin
        // What is still under way is what took longest.
        await roles.caughtUp(() => {}, signal)
        await sleep(50)
        const hops = {
          ...Object.fromEntries(HOPS.map((hop) => [hop, summarise(seen.map(({ parts }) => parts[hop]))])),
          decision: summarise(seen.map(({ total }) => total)),
          late: summarise(fed.late),
        } as Figures['hops']
        const { p99 } = hops.decision
        return {
          rate,
          closes: bin - began,
          events: fed.records / fed.seconds,
          hops,
          holds: p99 !== null && p99 < BUDGET_MS,
        }
      } finally {
        decisions.unsubscribe(see)
      }
    },
  }
}
