/**
 * What people and programs may ask, whoever carries the question: REST, MCP and webhooks say the same because they ask
 * here. A question is as its schema says; an answer is a contract of `api/contracts`. Errors are coded.
 */
import { alertQueries } from './alerts.ts'
import { channelQueries } from './channels.ts'
import { createKnown } from './known.ts'
import type { Means } from './means.ts'
import { operationQueries } from './operations.ts'
import { seriesQueries } from './series.ts'

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
