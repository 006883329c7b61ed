/**
 * What people and programs may ask, whoever carries the question: REST, MCP and webhooks say the same because they ask
 * here. A question is as its schema says; an answer is a contract of `api/contracts`. Errors are coded.
 */
import type { Store } from '../../connectors/postgres/store.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { alertQueries } from './alerts.ts'
import { channelQueries } from './channels.ts'
import { createKnown, type Known } from './known.ts'
import type { LatencyWindow } from './latency.ts'
import { operationQueries } from './operations.ts'
import { seriesQueries } from './series.ts'
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

export function createQueries(given: Omit<Means, 'known'>) {
  const means = { ...given, known: createKnown(given.store, given.log) }
  return {
    known: means.known,
    ...alertQueries(means),
    ...seriesQueries(means),
    ...channelQueries(means),
    ...operationQueries(means),
  }
}
export type Queries = ReturnType<typeof createQueries>
