/** What questions are answered from. */
import type { Store } from '../../connectors/postgres/store.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import type { Known } from './known.ts'
import type { LatencyWindow } from './latency.ts'
import type { Shared } from './shared.ts'

export type Means = {
  store: Store
  log: EventLog
  known: Known
  shared: Shared
  latency: LatencyWindow
  /** How many alerts of one type that opened on one day are listed; 0: all. */
  alertsPerDay: number
  /** The wall clock in ms: for the age of unread records. */
  now: () => number
}
