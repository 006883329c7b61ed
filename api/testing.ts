/** What the tests of the API stand on: a small store and log that answer with made-up rows and remember the questions. */
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { HOUR } from '../common/time.ts'
import type {
  Alert,
  AlertRow,
  CastRow,
  ChannelState,
  CountRow,
  Followed,
  Page,
  SignalRow,
  SourceState,
  Store,
} from '../connectors/postgres/port.ts'
import type { EventLog, Rec } from '../pipeline/log/port.ts'
import type { Evidence } from '../schemas/records.ts'
import { type ApiOptions, createApi } from './app.ts'

export const T0 = Date.UTC(2024, 1, 5, 0, 5)
export const CHANNEL = 'https://onchainsummer.xyz/a b?c=1'
export const SERIES = `casts:${CHANNEL}`
export const HOSTILE = '</script><script>alert(1)</script>\u2028"\\=1+1'

const evidence: Evidence = {
  measure: 'casts',
  resolution: 300,
  start: T0,
  count: 31,
  expected: 12.125,
  dispersion: 0.2,
  variance: 2.4,
  autocorrelation: 0.62,
  p: 0.001,
  score: null,
  reason: 'variance 2.4, lag-1 autocorrelation 0.62',
}
export const alert: Alert = {
  id: 'a1',
  run: 'live',
  channel: CHANNEL,
  type: 'early-warning',
  severity: 'medium',
  state: 'resolved',
  openedAt: T0,
  updatedAt: T0 + HOUR,
  resolvedAt: T0 + HOUR,
  series: SERIES,
  resolution: 300,
  start: T0,
  sequence: 2,
  reason: HOSTILE,
  outcome: 'back to usual',
  preset: 'indicators',
  settings: '01234567',
  score: 0.875,
  q: 0.01,
  listed: true,
}
export const channelState: ChannelState = {
  channel: CHANNEL,
  alerts: [{ id: 'a1', type: 'early-warning', severity: 'medium', openedAt: T0 }],
  series: SERIES,
  ...{ score: 0.875, p: 0.001, count: 31, expected: 12.125, at: T0, decision: 'held' },
  recent: [null, 0, ...Array(70).fill(3)],
  scores: [null, 0.5, ...Array(70).fill(null)],
}
export const alertRow: AlertRow = {
  ...{ id: 'a1', sequence: 1, event: 'opened', type: 'early-warning', channel: '=HYPERLINK("x")' },
  ...{ severity: 'low', time: T0, openedAt: T0, series: SERIES, resolution: 300, start: T0 },
  ...{ reason: 'a, "b"\r\nc', evidence: [evidence], preset: 'classic', settings: '01234567' },
}
export const countRow: CountRow = { series: SERIES, start: T0, seconds: 300, count: 7, late: 1, covered: 0.5 }
export const signalRow: SignalRow = {
  ...{
    series: SERIES,
    start: T0,
    resolution: 300,
    count: 31,
    expected: 12,
    dispersion: 0.25,
    residual: 1e-7,
  },
  ...{
    variance: 2.4,
    autocorrelation: 0.62,
    rawVariance: 1e21,
    rawAutocorrelation: null,
    varianceTrend: 0.1,
  },
  ...{ autocorrelationTrend: 0.30000000000000004, pVariance: 0.01, pAutocorrelation: 0.02, p: 0.001 },
  ...{ score: null, decision: 'held', reason: HOSTILE, settings: '01234567' },
}
export const castRow: CastRow = {
  hash: Buffer.from('ab'.repeat(20), 'hex'),
  fid: 3,
  time: T0 + 999,
  text: HOSTILE,
  removed: false,
  parentHash: null,
  urls: ['https://example.com'],
}

export const sourceState: SourceState = {
  measures: [
    { measure: 'posts', decidedTo: T0, gapRatioDay: 0.25 },
    { measure: 'replies', decidedTo: T0 - HOUR, gapRatioDay: null },
  ],
  round: { at: T0, requests: 40, failed: 3, error: HOSTILE, complete: ['posts'], next: null },
  requests: 1234,
  failed: 56,
  hour: T0 - HOUR,
  followed: 2,
  failing: 1,
  behind: 1,
}
export const followedRow: Followed = {
  ...{ channel: CHANNEL, postsTo: T0, repliesTo: null, reactionsTo: T0 - HOUR, polledAt: T0 + 999 },
  ...{ error: HOSTILE.repeat(40), behind: ['replies'], requests: 12, failed: 3 },
}

export async function* rowsOf<T>(...rows: T[]): AsyncGenerator<T> {
  yield* rows
}

/** A store of one row each. `asked` holds every call with its arguments. */
export function fakeStore(overrides: Partial<Store> = {}): Store & { asked: [string, ...unknown[]][] } {
  const asked: [string, ...unknown[]][] = []
  const page = <T>(item: T): Page<T> => ({ items: [item], next: 'next-page' })
  const store: Store = {
    write: async () => ({ rejected: [] }),
    alone: (_, _taken, work) => work(new AbortController().signal),
    alerts: async () => ({ ...page(alert), beyondCap: 7 }),
    alertChanges: async () => [],
    lastEvents: async () => new Map(),
    hasEvent: async () => false,
    openAlerts: async () => [{ run: 'live', type: 'onset', severity: 'high', count: 2 }],
    overview: async () => ({ now: T0, items: [channelState] }),
    now: async () => T0,
    alert: async (id) =>
      id !== 'a1'
        ? null
        : {
            ...alert,
            evidence: [{ ...evidence, series: SERIES }],
            events: [{ sequence: 1, event: 'opened', severity: 'low', time: T0, reason: 'why' }],
          },
    series: async () =>
      page({
        id: SERIES,
        run: 'live',
        measure: 'casts',
        channel: CHANNEL,
        firstAt: T0,
        lastAt: T0,
        total: 7,
      }),
    counts: async () => page(countRow),
    signals: async () => page(signalRow),
    channels: async () => [{ id: CHANNEL, series: 3, lastAt: T0, openAlerts: 1 }],
    casts: async () => page(castRow),
    gaps: async () => page({ channel: CHANNEL, measure: 'posts', from: T0, to: T0 + HOUR, reason: null }),
    source: async () => sourceState,
    followed: async () => [followedRow],
    requests: async () => page({ channel: CHANNEL, hour: T0, requests: 12, failed: 3 }),
    findChannel: async (_, name) => ({
      known: name === CHANNEL,
      alike: [CHANNEL].filter((channel) => channel.endsWith(`/${name}`)),
    }),
    runs: async () => [
      {
        ...{ run: 'history', createdAt: T0, channels: 1, firstAt: null, lastAt: null, alerts: 0 },
        ...{ late: 5, lateBefore: 2 },
      },
    ],
    has: async (run, series) =>
      series === undefined ? run === 'history' : series === SERIES && ['live', 'history'].includes(run),
    exportCounts: () => rowsOf(countRow),
    exportSignals: () => rowsOf(signalRow),
    exportAlerts: () => rowsOf(alertRow),
    deleteRun: async () => {},
    expire: async () => 0,
    ping: async () => {},
    close: async () => {},
    ...overrides,
  }
  const listening = Object.entries(store).map(([name, method]: [string, (...args: never[]) => unknown]) => [
    name,
    (...args: never[]) => {
      asked.push([name, ...args])
      return method(...args)
    },
  ])
  return { ...(Object.fromEntries(listening) as Store), asked }
}

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
