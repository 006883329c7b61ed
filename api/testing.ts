/** What the tests of the API stand on: a store and a log that answer with made-up rows and remember the questions. */
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { fakeStore } from '../connectors/postgres/store.fake.ts'
import type { EventLog, Rec } from '../pipeline/log/port.ts'
import { type ApiOptions, createApi } from './app.ts'

export { alert, alertRow } from '../connectors/postgres/alerts/alerts.fake.ts'
export { castRow } from '../connectors/postgres/casts/casts.fake.ts'
export { followedRow, sourceState } from '../connectors/postgres/operations/operations.fake.ts'
export { CHANNEL, HOSTILE, rowsOf, SERIES, T0 } from '../connectors/postgres/rows.fake.ts'
export { channelState, countRow, signalRow } from '../connectors/postgres/series/series.fake.ts'
export { fakeStore }

/** A log of `topics` (records by partition; undefined: compacted away) and what groups have committed, `group topic`. */
export function fakeLog(
  topics: Record<string, (({ time: number } & Partial<Rec>) | undefined)[][]> = {},
  committed: Record<string, Record<number, number>> = {},
  first = 0,
): EventLog {
  const none = (): never => {
    throw new Error('the API does not write')
  }
  return {
    ensureTopics: none,
    deleteTopics: none,
    append: none,
    subscribe: none,
    lead: none,
    topics: async (prefix) =>
      Object.entries(topics)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, partitions]) => ({ name, partitions: partitions.length })),
    ends: async (topic) =>
      topics[topic]!.map((records, partition) => ({ partition, first, next: records.length })),
    async *read({ topic, partition }, from = 0) {
      if (from < first) throw new Error('offset out of range')
      for (const [offset, record] of topics[topic]![partition]!.entries()) {
        if (offset >= from && record) yield { offset, ...record } as Rec
      }
    },
    committed: async (group, topic) =>
      new Map(Object.entries(committed[`${group} ${topic}`] ?? {}).map(([p, offset]) => [Number(p), offset])),
    groups: async (prefix) =>
      Object.keys(committed)
        .map((key) => ({ group: key.split(' ')[0]!, topic: key.split(' ')[1]! }))
        .filter(({ topic }) => topic.startsWith(prefix)),
    close: async () => {},
  }
}

/** The API over fakes; `logged` holds its log lines. */
export async function testApi(options: Partial<ApiOptions> = {}) {
  const logged: { level: number; msg: string; err?: { stack: string } }[] = []
  const logger = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const store = fakeStore()
  const app = await createApi({
    ...{ store, log: fakeLog(), metrics: new Registry(), logger, host: '127.0.0.1', version: '0.0.0' },
    ...options,
  })
  return { app, store, logged }
}
