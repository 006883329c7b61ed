/**
 * What a browser test looks at: a store and a log that hold the made-up network, at an event time that the test moves,
 * with alerts that it opens and ends, and that fail, or don't answer, when it says so.
 */
import { Histogram, Registry } from 'prom-client'
import { FcmError } from '../../../common/errors.ts'
import { BASE, HOUR, MINUTE } from '../../../common/time.ts'
import type { Alert, AlertChange } from '../../../connectors/postgres/alerts/alerts.ts'
import { BEGINNING, comparePlaces } from '../../../connectors/postgres/alerts/place.ts'
import type { Page, Paging, Span } from '../../../connectors/postgres/database/questions.ts'
import type { Followed, SourceState } from '../../../connectors/postgres/operations/operations.ts'
import { fakeStore } from '../../../connectors/postgres/store.fake.ts'
import type { Store } from '../../../connectors/postgres/store.ts'
import { deadLetter } from '../../../pipeline/log/dead-letter.ts'
import type { EventLog, Rec } from '../../../pipeline/log/port.ts'
import { topicOf, topicSpecs } from '../../../pipeline/topology.ts'
import { type AlertEvent, parseSeries } from '../../../schemas/records.ts'
import { createNetwork, HOSTILE, type NetworkOptions, START, seriesAlert } from './network.ts'

export type SceneOptions = NetworkOptions & {
  /** Event time at the beginning. */
  start?: number
  empty?: boolean
  /** The run that has all there is; default: live. */
  run?: string
  /** What the server says of itself. */
  notice?: string | null
}

const PARTITIONS = 2
/** Of how long alerts took, s. */
const BUCKETS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.15, 0.25, 1, 10]
const LETTERS = topicOf('live', 'dead-letters')
const BUSY = new FcmError('DATABASE_UNREACHABLE', { why: 'it is busy' })

const within = ({ from = 0, to = Number.POSITIVE_INFINITY }: Span) => ({ from, to })
function pageOf<T>(items: T[], { cursor, limit }: Paging): Page<T> {
  const end = Number(cursor ?? 0) + limit
  return { items: items.slice(end - limit, end), next: end < items.length ? String(end) : null }
}

export function createScene(options: SceneOptions = {}) {
  const { notice = 'Simulated network (seed 1), at most 600 times real time' } = options
  const network = createNetwork(options)
  const metrics = new Registry()
  const timed = <L extends string>(name: string, ...labelNames: L[]) =>
    new Histogram({ name, help: name, labelNames, buckets: BUCKETS, registers: [metrics] })
  const decisions = timed('fcm_decision_seconds', 'run')
  const parts = timed('fcm_decision_part_seconds', 'run', 'hop')
  const home = options.run ?? 'live'
  let now = options.start ?? START
  let empty = options.empty ?? false
  let alerts = network.alerts.map((alert) => ({ ...alert, run: home }))
  const changes: AlertChange[] = []
  let failing = 0
  let behind = 0
  /** Whether alerts carry no evidence any more. */
  let forgotten = false
  let lagSeconds = 0
  let letters: Rec[] = []
  let failures: string[] = []

  const of = <T>(run: string, rows: T[]): T[] => (empty || run !== home ? [] : rows)
  function happen(alert: Alert, event: AlertEvent['event']): void {
    alerts = [alert, ...alerts.filter(({ id }) => id !== alert.id)].sort((a, b) => b.openedAt - a.openedAt)
    changes.push({
      kind: 'event',
      place: `1.${changes.length + 1}`,
      at: now,
      alert: alert.id,
      event,
      now: alert,
    })
  }
  const find = (id: string): Alert => alerts.find((alert) => alert.id === id)!

  // What doesn't answer, or fails, by the name of what is asked.

  const trouble = new Map<string, Error | Promise<unknown>>()
  /** `methods` of what is called by these names, the widest first. */
  const troubled = <T extends object>(methods: T, ...names: string[]): T => {
    const tried = Object.entries(methods).map(([name, method]) => {
      if (typeof method !== 'function') return [name, method]
      const ask = (...args: never[]): unknown => {
        const wrong = [...names, `${names.at(-1)}.${name}`].map((each) => trouble.get(each)).find(Boolean)
        if (wrong instanceof Error) return Promise.reject(wrong)
        return wrong ? wrong.then(() => ask(...args)) : method(...args)
      }
      return [name, ask]
    })
    return Object.fromEntries(tried) as T
  }

  const alertsOf: Partial<Store['alerts']> = {
    list: async (run, { type, severity, state, channel, all, ...span }, paging) => {
      const { from, to } = within(span)
      const found = of(run, alerts)
        .filter((a) => (type ?? a.type) === a.type && (severity ?? a.severity) === a.severity)
        .filter((a) => (state ?? a.state) === a.state && (channel ?? a.channel) === a.channel)
        .filter((a) => a.openedAt >= from && a.openedAt < to)
      const shown = found.filter((a) => a.listed || all)
      return { ...pageOf(shown, paging), beyondCap: found.length - shown.length }
    },
    get: async (id) => {
      const alert = find(id)
      if (!alert) return null
      const { severity, openedAt: time, reason } = alert
      const events = [{ sequence: 1, event: 'opened', severity, time, reason }]
      return { ...alert, evidence: forgotten ? [] : network.evidence(alert), events, actions: [] }
    },
    changes: async (run, after, limit) =>
      of(run, changes)
        .filter(({ place }) => comparePlaces(place, after) > 0)
        .slice(0, limit),
    lastPlaces: async () => new Map(changes.slice(-1).map(({ place }) => [home, place])),
    checkPlace: async (run, place) => {
      if (place !== BEGINNING && !of(run, changes).some((change) => change.place === place)) {
        throw new FcmError('PLACE_UNKNOWN', { run, place })
      }
    },
  }
  const series: Partial<Store['series']> = {
    overview: async (run, limit) => ({
      now: of(run, [now])[0] ?? null,
      items: of(run, network.overview(now, alerts)).slice(0, limit),
    }),
    now: async (run) => of(run, [now])[0] ?? null,
    list: async (run, filter, paging) =>
      pageOf(
        of(run, network.series(now))
          .filter((each) => (filter.channel ?? each.channel) === each.channel)
          .filter((each) => (filter.measure ?? each.measure) === each.measure),
        paging,
      ),
    has: async (run, name) => of(run, network.names).includes(parseSeries(name)?.channel ?? ''),
    counts: async (_run, name, resolution, span, paging) => {
      const { from, to } = within(span)
      return pageOf(network.counts(name, resolution, from, to, now), paging)
    },
    signals: async (_run, name, resolution, span, paging) => {
      const { from, to } = within(span)
      return pageOf(network.signals(name, resolution, from, to, now), paging)
    },
    findChannel: async (_run, name) => ({ known: network.names.includes(name), alike: [] }),
  }
  const casts: Partial<Store['casts']> = {
    list: async (run, channel, span, paging) => {
      const { from, to } = within(span)
      return pageOf(of(run, network.casts(channel, from, to, now)), paging)
    },
  }
  const operations: Partial<Store['operations']> = {
    gaps: async (run, { channel, ...span }, paging) => {
      const { from, to } = within(span)
      return pageOf(of(run, network.gaps(channel, from, to)), paging)
    },
    source: async (run) => (empty || run !== home ? NO_SOURCE : sourceNow()),
    followed: async (run, _hour, limit) => of(run, followedNow()).slice(0, limit),
  }
  const runs: Partial<Store['runs']> = {
    list: async () => ({
      items: ['live', 'history'].map((run) => ({
        ...{ run, createdAt: START, channels: of(run, network.names).length, alerts: of(run, alerts).length },
        ...{ firstAt: of(run, [now - 21 * 24 * HOUR])[0] ?? null, lastAt: of(run, [now])[0] ?? null },
        ...{ late: 0, lateBefore: 0 },
      })),
      next: null,
    }),
    has: async (run) => run === 'history',
  }

  function sourceNow(): SourceState {
    return {
      measures: [
        { measure: 'posts', decidedTo: now - BASE, gapRatioDay: 0.00001 },
        { measure: 'replies', decidedTo: now - 75 * MINUTE, gapRatioDay: 0.0213 },
        { measure: 'reactions', decidedTo: now - 75 * MINUTE, gapRatioDay: null },
      ],
      round: {
        ...{ at: now, requests: 212, failed: failing, error: errors().at(-1) ?? null },
        ...{ complete: ['posts'], next: now + BASE },
      },
      ...{ requests: 91_234, failed: 12, hour: now - 65 * MINUTE },
      ...{ followed: network.names.length - 1, failing, behind },
    }
  }
  const errors = (): string[] => [`HTTP status 503 ${HOSTILE.script}`, HOSTILE.long].slice(0, failing)
  const followedNow = (): Followed[] =>
    network.names.slice(1).map((channel, i) => ({
      ...{ channel, postsTo: now - BASE, repliesTo: i % 4 ? now - 75 * MINUTE : null, reactionsTo: null },
      ...{ polledAt: now, error: errors()[i] ?? null },
      behind: i < behind ? (['posts', 'replies', 'reactions'] as const).slice(1 + (i % 2)) : [],
      ...{ requests: 1480 - i * 55, failed: errors()[i] ? 3 : 0 },
    }))

  const made = fakeStore({ alerts: alertsOf, series, casts, operations, runs })
  const store: Store = {
    ...troubled(made, 'store'),
    ...{ alerts: troubled(made.alerts, 'store', 'store.alerts') },
    ...{ series: troubled(made.series, 'store', 'store.series') },
    ...{ casts: troubled(made.casts, 'store', 'store.casts') },
    ...{ operations: troubled(made.operations, 'store', 'store.operations') },
    ...{ runs: troubled(made.runs, 'store', 'store.runs') },
  }

  /** Every role has read 9,000 records of each partition, and has `lagSeconds` of 40 records a second before it. */
  const READ = 9000
  const log: EventLog = {
    ...NO_WRITES,
    topics: async (prefix) =>
      topicSpecs(home, PARTITIONS)
        .filter(({ name }) => name.startsWith(prefix))
        .map(({ name, partitions }) => ({ name, partitions })),
    ends: async (topic) =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({
        ...{ partition, first: 0 },
        next: topic !== LETTERS ? READ + lagSeconds * 40 : partition === 0 ? letters.length : 0,
      })),
    async *read(tp, from = 0) {
      if (tp.topic === LETTERS) yield* letters.slice(from)
      else {
        const rec = { ...tp, offset: from, time: Date.now() - lagSeconds * 1000, key: '' }
        yield { ...rec, value: null, headers: {} }
      }
    },
    committed: async () => new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, READ])),
    groups: async () => [],
    close: async () => {},
  }

  /** An alert was decided in so many ms, by hop. */
  function decide(times: Record<'count' | 'detect' | 'store', number>): void {
    for (const [hop, ms] of Object.entries(times)) parts.observe({ run: 'live', hop }, ms / 1000)
    decisions.observe({ run: 'live' }, (times.count + times.detect + times.store) / 1000)
  }

  return {
    store,
    log: troubled(log, 'log'),
    metrics,
    notice: async () => notice,
    failures: () => failures,

    /** Moves event time on by so many 5-minute bins. */
    advance: (bins: number): void => {
      now += bins * BASE
    },
    /** There is data now. */
    fill: (): void => {
      empty = false
    },
    open(id: string, channel: string, reason: string, fields: Partial<Alert> = {}): void {
      happen({ ...seriesAlert(id, channel, 'onset', 'high', now, null, reason), ...fields }, 'opened')
    },
    soften: (id: string): void => happen({ ...find(id), severity: 'medium' }, 'updated'),
    end(id: string): void {
      const ended = { state: 'resolved', resolvedAt: now, sequence: 9, outcome: 'Over.' } as const
      happen({ ...find(id), ...ended }, 'resolved')
    },
    /** Adds so many alerts that the daily cap leaves out. */
    cap(count: number): void {
      const channel = network.names[1]!
      for (let i = 0; i < count; i++) {
        const reason = 'A little more than usual.'
        const alert = seriesAlert(`c${i}`, channel, 'onset', 'low', START - 3 * HOUR, null, reason)
        alerts = [{ ...alert, listed: false }, ...alerts]
      }
    },
    /** Alerts carry no evidence any more. */
    forget: (): void => {
      forgotten = true
    },
    /** So many channels' last polls failed, at most 2. */
    fail: (channels: number): void => {
      failing = channels
    },
    /** So many channels are behind. */
    hold: (channels: number): void => {
      behind = channels
    },
    lag: (seconds: number): void => {
      lagSeconds = seconds
    },
    decide,
    /** Three records could not be processed. */
    bury(why: string): void {
      letters = [0, 1, 2].map((offset) => {
        const rec = { topic: topicOf('live', 'activity'), partition: 0, offset, time: now, key: 'x' }
        const letter = deadLetter(LETTERS, { ...rec, value: null, headers: {} }, `count: ${why}`)
        return { ...rec, ...letter, topic: LETTERS, headers: letter.headers ?? {} }
      })
    },
    /** Something in the server has failed for good. */
    break: (why: string): void => {
      failures = [why]
    },

    /** `what`, such as `log` or `store.alerts`, rejects from now on. */
    reject: (what: string, error: Error = BUSY): void => void trouble.set(what, error),
    /** `what` doesn't answer from now on; returns what lets it answer. */
    hang(what: string): () => void {
      const { promise, resolve } = Promise.withResolvers<void>()
      trouble.set(what, promise)
      return () => {
        trouble.delete(what)
        resolve()
      }
    },
    /** `what` answers again. */
    mend: (what: string): void => void trouble.delete(what),
  }
}
export type Scene = ReturnType<typeof createScene>

const NO_SOURCE: SourceState = {
  ...{ measures: [], round: null, requests: 0, failed: 0, hour: null, followed: 0, failing: 0, behind: 0 },
}
const never = (): never => {
  throw new Error('the API does not write')
}
const NO_WRITES = { ensureTopics: never, deleteTopics: never, append: never, subscribe: never, lead: never }
