/**
 * A made-up server for the browser tests: the query API's contract, strictly (it refuses parameters that the contract
 * lacks), over a network with daily cycles, a cascade, a collapse, a gap, and people who write hostile things.
 * By hand: `node api/dashboard/mock-api.ts 4100`.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'

const MINUTE = 60_000
const BIN = 5 * MINUTE
const DAY = 24 * 60 * MINUTE
export const START = Date.parse('2026-01-26T14:05:00Z')

export const HOSTILE = {
  script: '<script>window.hacked = 1; alert(1)</script> gm',
  image: '<img src=x onerror="window.hacked = 2; alert(2)"><svg onload="window.hacked = 3">',
  override: 'pay \u202efdp.exe\u202c now \u2066',
  long: `${'long '.repeat(2000)}end`,
  channel: 'https://evil.example/"><img src=x onerror=alert(3)>',
}
export const SUMMER = 'https://onchainsummer.xyz'
const NAMES = [
  '*',
  SUMMER,
  'https://warpcast.com/~/channel/farcaster',
  'https://warpcast.com/~/channel/memes',
  'chain://eip155:7777777/erc721:0x5556efe18d87f132054fbd4ba9afc13ebb1b0594',
  'https://ethereum.org',
  '_',
  HOSTILE.channel,
  'https://zora.co/collect/zora:0x41e65ed37e7d2ff1eb3d2d1f2b1e2a1f6c2d34d6/12?referrer=0xabcdefabcdef0123456789abcdefabcdef012345',
  'https://www.nba.com',
  'https://music.example/البث',
]
const MEASURES: Record<string, number> = {
  casts: 1,
  posts: 0.35,
  replies: 0.65,
  reactions: 2.2,
  participants: 0.7,
}

type Count = { start: string; seconds: number; count: number; late: number; covered: number }
type Json = Record<string, unknown>

const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** A number in [0, 1) that is the same for the same names. */
function chance(...names: (string | number)[]): number {
  let h = 2166136261
  for (const char of names.join('/')) h = Math.imul(h ^ char.charCodeAt(0), 16777619)
  h = Math.imul(h ^ (h >>> 15), 2246822507)
  h = Math.imul(h ^ (h >>> 13), 3266489909)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

export type MockApi = Awaited<ReturnType<typeof startMockApi>>

type Options = {
  port?: number
  speed?: number
  /** Small channels beside the others. */
  rooms?: number
  /** Event time at the beginning. */
  start?: number
  empty?: boolean
  /** What the server says of itself; undefined: it has no such route. */
  notice?: string | null | undefined
  /** The types of the alerts there are. */
  types?: string[]
  /** Hours of history there are. */
  hours?: number
  /** Minutes between the end of an alert's bin and the alert. */
  late?: number
  /** Which series are judged. */
  judged?: (channel: string, seconds: number) => boolean
}

export async function startMockApi(options: Options = {}) {
  const { types, judged = () => true, rooms = 18, hours: lasted = 21 * 24, late = 0 } = options
  const HISTORY = lasted * 60 * MINUTE
  const names = [...NAMES, ...Array.from({ length: rooms }, (_, i) => `https://example.org/room-${i + 1}`)]
  const notice = 'notice' in options ? options.notice : 'Simulated network, at most 600 times real time'
  let now = options.start ?? START
  let empty = options.empty ?? false
  let lagSeconds = 0
  /** Channels of which the last poll failed, at most 2. */
  let failing = 0
  let behind = 0
  const opened: Json[] = []
  const ended = new Set<string>()
  /** What is wrong in the server, for /readyz. */
  let failure = ''
  /** Why nothing of the API can be had. */
  let trouble = ''
  /** p99 of the whole way, ms. */
  let slowest = 84
  let deadLetters: Json[] = []
  /** Whether alerts carry no evidence any more. */
  let forgotten = false
  /** What waits until the server has thought. */
  let thoughts: (() => void)[] | null = null
  /** The list leaves these out, but for who asks for all. */
  let beyondCap: Json[] = []
  /** What came in that a page of its own origin would not send. */
  const refused: string[] = []

  const base = (channel: string): number => {
    const index = names.indexOf(channel)
    return index < 0 ? 0 : 26 / (1 + index * 0.45) + (channel === '*' ? 120 : 0)
  }
  const daily = (time: number): number => 1 + 0.55 * Math.sin(((time % DAY) / DAY) * 2 * Math.PI - 2)
  /** The planted cascade: growing swings over 8 h, then the break, 3 h before START. */
  const cascade = (channel: string, time: number): number => {
    const hours = (time - (START - 11 * 60 * MINUTE)) / (60 * MINUTE)
    if (channel !== SUMMER || hours < 0 || hours > 10.5) return 0
    const swing = (hours / 8) * Math.sin(hours * 2.6) * 0.7
    return hours < 8 ? swing : swing * 0.4 + 2.6 * Math.exp(-((hours - 8.6) ** 2) / 0.5)
  }
  const covered = (channel: string, time: number): number => {
    if (channel === '*') return time > START - 21 * 60 * MINUTE && time < START - 19 * 60 * MINUTE ? 0.93 : 1
    if (channel !== SUMMER) return 1
    const ago = START - time
    if (ago > 20 * 60 * MINUTE && ago <= 22.5 * 60 * MINUTE) return ago > 22.2 * 60 * MINUTE ? 0.4 : 0
    return ago > 6 * DAY && ago < 6.4 * DAY ? 0 : 1
  }
  const expectedAt = (measure: string, channel: string, time: number): number =>
    base(channel) * daily(time) * (MEASURES[measure] ?? 1)
  const countAt = (measure: string, channel: string, time: number): number => {
    const mean = Math.max(0, expectedAt(measure, channel, time) * (1 + cascade(channel, time)))
    const noise =
      chance(measure, channel, time) + chance('b', measure, channel, time) + chance('c', channel, time) - 1.5
    return Math.max(0, Math.round((mean + noise * Math.sqrt(mean) * 1.9) * covered(channel, time)))
  }

  const split = (id: string): [string, string] => [
    id.slice(0, id.indexOf(':')),
    id.slice(id.indexOf(':') + 1),
  ]
  function counts(id: string, seconds: number, from: number, to: number): Count[] {
    const [measure, channel] = split(id)
    const items: Count[] = []
    const step = seconds * 1000
    for (
      let start = Math.ceil(Math.max(from, now - HISTORY) / step) * step;
      start < to && start + BIN <= now;
      start += step
    ) {
      let count = 0
      let cover = 0
      // The newest is in progress, but for base bins, which are told of when they close.
      for (let at = start; at < Math.min(start + step, now); at += BIN) {
        count += countAt(measure, channel, at)
        cover += covered(channel, at) / (step / BIN)
      }
      items.push({
        start: iso(start),
        seconds,
        count,
        late: chance(id, start) > 0.98 ? 1 : 0,
        covered: Math.min(1, Number(cover.toFixed(6))),
      })
    }
    return items
  }
  function signals(id: string, seconds: number, from: number, to: number): Json[] {
    const [measure, channel] = split(id)
    const closed = counts(id, seconds, from, to).filter(
      (bin) => Date.parse(bin.start) + seconds * 1000 <= now,
    )
    return closed.map((bin) => {
      const start = Date.parse(bin.start)
      const known = judged(channel, seconds)
      const masked = bin.covered < (channel === '*' ? 0.9 : 1) || !known
      let expected = 0
      for (let at = start; at < start + seconds * 1000; at += BIN)
        expected += expectedAt(measure, channel, at)
      const deviation = Math.sqrt(expected * 1.4)
      const rise =
        Math.min(1, Math.max(0, (start - (START - 12 * 60 * MINUTE)) / (8 * 60 * MINUTE))) *
        (channel === SUMMER ? 1 : 0)
      const slow = Math.sin(start / 9e6) * 0.12 + Math.sin(start / 3.1e6) * 0.06
      const value = masked
        ? {
            expected: null,
            lower: null,
            upper: null,
            residual: null,
            variance: null,
            autocorrelation: null,
            rawVariance: null,
            rawAutocorrelation: null,
          }
        : {
            expected,
            lower: Math.max(0, Math.round(expected - 1.96 * deviation)),
            upper: Math.round(expected + 2.1 * deviation),
            residual: (bin.count - expected) / deviation,
            variance: 1 + slow * 1.5 + rise * 2.4,
            autocorrelation: 0.05 + slow + rise * 0.72,
            rawVariance: (1 + slow + rise * 4) * expected * 1.4,
            rawAutocorrelation: 0.2 + slow * 1.2 + rise * 0.6,
          }
      return {
        start: bin.start,
        resolution: seconds,
        count: bin.count,
        dispersion: 2.5,
        varianceTrend: rise,
        autocorrelationTrend: rise,
        pVariance: masked ? null : 0.5 * (1 - rise) + 0.0004,
        pAutocorrelation: masked ? null : 0.6 * (1 - rise) + 0.004,
        p: masked ? null : 0.5 * (1 - rise) + 0.002,
        score: masked ? null : Math.min(0.97, Math.max(0.02, 0.08 + slow * 0.4 + rise * 0.82)),
        ...value,
        decision: !known ? 'insufficient' : masked ? 'masked' : rise > 0.6 ? 'held' : 'quiet',
        reason: !known
          ? 'not enough data: 0.31 events expected in a bin, fewer than 0.5'
          : masked
            ? 'not wholly covered'
            : rise > 0.6
              ? 'score 0.83 (threshold 0.6), p 0.002: variance and lag-1 autocorrelation stay above their null'
              : 'score 0.0000425 (threshold 0.6), p 0.0009: within its null',
        settings: 'a1b2c3d4e5f60718',
      }
    })
  }

  function alert(
    id: string,
    channel: string,
    type: string,
    severity: string,
    openedAt: number,
    hours: number | null,
    reason: string,
    resolution = 300,
  ): Json {
    const resolvedAt = hours === null ? null : openedAt + hours * 60 * MINUTE
    return {
      id,
      run: 'live',
      channel,
      type,
      severity,
      state: resolvedAt === null ? 'open' : 'resolved',
      openedAt: iso(openedAt),
      updatedAt: iso(resolvedAt ?? openedAt),
      resolvedAt: resolvedAt && iso(resolvedAt),
      series: `casts:${channel}`,
      resolution,
      start: iso(openedAt - late * MINUTE - resolution * 1000),
      sequence: resolvedAt ? 3 : 1,
      reason:
        type === 'early-warning'
          ? `casts: CNN-LSTM score 0.83 (threshold 0.6, 2 bins in a row). ${reason}`
          : reason,
      outcome: resolvedAt === null ? null : 'Recovered: 3 bins within the expected band.',
      preset: 'calibrated',
      settings: 'a1b2c3d4e5f60718',
      score: type === 'early-warning' ? 0.55 + 0.4 * chance(id) : null,
      q: type === 'early-warning' ? 0.003 : null,
      listed: true,
    }
  }
  const planted = (): Json[] => [
    alert(
      'a1',
      SUMMER,
      'early-warning',
      'high',
      START - 6 * 60 * MINUTE,
      null,
      'Variance 2.4 times and lag-1 autocorrelation 0.61 above what chance gives at this rate (p 0.002), rising for 4 h.',
    ),
    alert(
      'a2',
      HOSTILE.channel,
      'onset',
      'medium',
      START - 14 * 60 * MINUTE,
      null,
      `Already 64 casts in an open bin where 12 were expected. ${HOSTILE.image}`,
    ),
    alert(
      'a3',
      '*',
      'early-warning',
      'low',
      START - 17 * 60 * MINUTE,
      null,
      'Lag-1 autocorrelation 0.44 above its null at 1 h (p 0.009).',
      3600,
    ),
    alert(
      'a4',
      'https://warpcast.com/~/channel/memes',
      'collapse',
      'medium',
      START - 20 * 60 * MINUTE,
      2,
      'The count stayed below its 95 % band for 4 bins (p 0.004).',
    ),
    ...Array.from({ length: 70 }, (_, i) =>
      alert(
        `r${i}`,
        names[1 + (i % 9)]!,
        ['early-warning', 'onset', 'collapse'][i % 3]!,
        ['low', 'medium', 'high'][i % 3]!,
        START - 26 * 60 * MINUTE - i * 4 * 60 * MINUTE,
        3,
        'Variance and lag-1 autocorrelation above their null (p 0.004).',
        i % 4 === 0 ? 3600 : 300,
      ),
    ),
  ]
  const alerts = (): Json[] =>
    empty
      ? []
      : [...opened, ...planted().filter((a) => !types || types.includes(String(a.type)))]
          .map((a) =>
            ended.has(String(a.id))
              ? { ...a, state: 'resolved', resolvedAt: iso(now), sequence: 9, outcome: 'Over.' }
              : a,
          )
          .sort((a, b) => String(b.openedAt).localeCompare(String(a.openedAt)))

  function casts(channel: string, from: number, to: number): Json[] {
    const texts = [
      HOSTILE.script,
      HOSTILE.image,
      HOSTILE.override,
      'gm onchain summer ☀️ who is minting today?',
      HOSTILE.long,
      'هذا اختبار للنص العربي مع English inside',
      'New drop is live\n\nMint here 👇',
      null,
    ]
    const items: Json[] = []
    for (
      let i = 0, time = Math.min(to, now) - 7000;
      time >= Math.max(from, now - 14 * DAY) && i < 400;
      i++, time -= 41_000
    ) {
      const text = texts[i % texts.length] ?? null
      items.push({
        hash: `0x${Math.floor(chance(channel, time) * 2 ** 32)
          .toString(16)
          .padStart(8, '0')
          .repeat(5)}`,
        fid: 1000 + Math.floor(chance(time) * 400_000),
        time: iso(time),
        text: text && [...text].slice(0, 1000).join(''),
        removed: text === null,
        parentHash: i % 3 ? '0x00' : null,
        urls: i % 7 === 6 ? ['javascript:alert(4)', 'https://mint.example/\u202egpj.exe'] : [],
      })
    }
    return items
  }

  /** The gaps that `covered` above is made of. */
  function gaps(channel: string, from: number, to: number): Json[] {
    if (channel !== SUMMER && channel !== '') return []
    return ['posts', 'replies']
      .map((measure) => ({
        ...{ channel: SUMMER, measure, reason: `the hub did not answer ${HOSTILE.image}` },
        ...{ from: iso(START - 22.5 * 60 * MINUTE), to: iso(START - 20 * 60 * MINUTE) },
      }))
      .filter((gap) => Date.parse(gap.from) < to && Date.parse(gap.to) > from)
  }
  function source(polls: boolean, limit: number): Json {
    const none = { measures: [], round: null, requests: 0, failed: 0, hour: null }
    if (!polls || empty) return { run: 'history', ...none, followed: 0, failing: 0, behind: 0, channels: [] }
    const errors = [`HTTP status 503 ${HOSTILE.script}`, HOSTILE.long].slice(0, failing)
    return {
      run: 'live',
      measures: [
        { measure: 'posts', decidedTo: iso(now - BIN), gapRatio24h: 0.00001 },
        { measure: 'replies', decidedTo: iso(now - 75 * MINUTE), gapRatio24h: 0.0213 },
        { measure: 'reactions', decidedTo: iso(now - 75 * MINUTE), gapRatio24h: null },
      ],
      round: {
        ...{ at: iso(now), requests: 212, failed: failing, error: errors.at(-1) ?? null },
        ...{ complete: ['posts'], next: iso(now + BIN) },
      },
      ...{ requests: 91_234, failed: 12, hour: iso(now - 65 * MINUTE) },
      ...{ followed: names.length - 1, failing, behind },
      channels: names
        .slice(1)
        .map((channel, i) => ({
          channel,
          postsTo: iso(now - BIN),
          repliesTo: i % 4 ? iso(now - 75 * MINUTE) : null,
          ...{ reactionsTo: null, polledAt: iso(now), error: errors[i] ?? null },
          behind: i < behind ? ['posts', 'replies', 'reactions'].slice(1 + (i % 2)) : [],
          ...{ requests: 1480 - i * 55, failed: errors[i] ? 3 : 0 },
        }))
        .slice(0, limit),
    }
  }

  /** Channels by risk: score, then how busy they are. */
  function overview(): Json[] {
    const items = names.map((channel) => {
      const series = `casts:${channel}`
      const from = now - 72 * BIN
      const bins = counts(series, 300, from, now)
      const judgedBins = signals(series, 300, from, now)
      const last = judgedBins.at(-1)!
      return {
        channel,
        alerts: alerts()
          .filter((a) => a.channel === channel && a.state === 'open')
          .map(({ id, type, severity, openedAt }) => ({ id, type, severity, openedAt })),
        series,
        ...{ score: last.score, p: last.p, count: last.count, expected: last.expected },
        ...{ at: last.start, decision: last.decision },
        recent: bins.map((bin) => (bin.covered < (channel === '*' ? 0.9 : 1) ? null : bin.count)),
        scores: judgedBins.map((signal) => signal.score),
      }
    })
    const risk = (item: (typeof items)[number]): number => item.alerts.length * 10 + Number(item.score ?? 0)
    return items.sort((a, b) => risk(b) - risk(a))
  }
  function latency(): Json {
    const ends = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1]
    const hop = (name: string, title: string, middle: number, p99: number): Json => ({
      ...{ hop: name, title, count: 2140, p50: middle, p90: middle * 1.8, p99 },
      buckets: [...ends, null].map((le, i) => ({
        le,
        count: Math.round(
          900 * Math.exp(-((Math.log((le ?? 2) / middle) / 0.8) ** 2)) + (p99 > 0.15 && i === 9 ? 60 : 0),
        ),
      })),
    })
    return {
      budget: 0.15,
      seconds: 312,
      items: [
        hop('count', 'Counting: from the record that decides to the closed bin', 0.006, 0.021),
        hop('detect', 'Detecting: to the alert', 0.012, 0.034),
        hop('store', 'Storing: to the commit in the database', 0.009, 0.03),
        hop('decision', 'All of it', 0.031, slowest / 1000),
      ],
    }
  }

  type Query = Record<string, string>
  const LIST = ['run', 'from', 'to', 'limit', 'cursor']
  const between = (q: Query): [number, number] => [
    q.from ? Date.parse(q.from) : 0,
    q.to ? Date.parse(q.to) : Number.POSITIVE_INFINITY,
  ]
  const within = (time: unknown, q: Query): boolean => {
    const [from, to] = between(q)
    const at = Date.parse(String(time))
    return at >= from && at < to
  }
  function page(items: Json[] | Count[], q: Query): Json {
    const [at, limit] = [Number(q.cursor ?? 0), Number(q.limit ?? 50)]
    return { items: items.slice(at, at + limit), next: at + limit < items.length ? String(at + limit) : null }
  }
  type Route = [pattern: RegExp, parameters: string[], answer: (id: string, q: Query) => unknown]
  const routes: Route[] = [
    [/^\/v1\/about$/, [], () => (notice === undefined ? undefined : { version: '1.0.0', notice })],
    [
      /^\/v1\/alerts$/,
      [...LIST, 'type', 'severity', 'state', 'channel', 'all'],
      (_, q) => {
        const matches = (a: Json) =>
          ['type', 'severity', 'state', 'channel'].every((f) => !q[f] || a[f] === q[f]) &&
          within(a.openedAt, q)
        const left = beyondCap.filter(matches)
        const found = alerts().filter(matches)
        return q.all === 'true'
          ? { ...page([...left, ...found], q), beyondCap: 0 }
          : { ...page(found, q), beyondCap: left.length }
      },
    ],
    [
      /^\/v1\/overview$/,
      ['run', 'limit'],
      (_, q) => ({
        now: empty ? null : iso(now),
        items: empty ? [] : overview().slice(0, Number(q.limit ?? 50)),
      }),
    ],
    [
      /^\/v1\/alerts\/([^/]+)$/,
      [],
      (id) => {
        const found = [...alerts(), ...beyondCap].find((a) => a.id === id)
        return (
          found && {
            ...found,
            evidence: (forgotten ? [] : [300, 3600]).map((resolution) => ({
              series: found.series,
              resolution,
              start: found.start,
              count: 61,
              expected: 24.31,
              dispersion: 2.5,
              variance: 2.42,
              autocorrelation: 0.61,
              p: 0.002,
              score: found.type === 'early-warning' ? 0.83 : null,
              reason: `both above their null ${HOSTILE.image}`,
            })),
            events: [
              {
                sequence: 1,
                event: 'opened',
                severity: found.severity,
                time: found.openedAt,
                reason: found.reason,
              },
            ],
          }
        )
      },
    ],
    [
      /^\/v1\/series$/,
      ['run', 'channel', 'measure', 'limit', 'cursor'],
      (_, q) =>
        page(
          empty
            ? []
            : names
                .flatMap((channel) =>
                  Object.keys(MEASURES).map((measure) => ({
                    id: `${measure}:${channel}`,
                    run: 'live',
                    measure,
                    channel,
                    firstAt: iso(now - HISTORY),
                    lastAt: iso(now - BIN),
                    total: Math.round(base(channel) * MEASURES[measure]! * (HISTORY / BIN)),
                  })),
                )
                .filter((s) => ['channel', 'measure'].every((f) => !q[f] || s[f as 'channel'] === q[f]))
                .sort((a, b) => b.total - a.total),
          q,
        ),
    ],
    [
      /^\/v1\/series\/([^/]+)\/counts$/,
      [...LIST, 'resolution'],
      (id, q) =>
        names.includes(split(id)[1])
          ? page(counts(id, Number(q.resolution ?? 300), ...between(q)), q)
          : undefined,
    ],
    [
      /^\/v1\/series\/([^/]+)\/signals$/,
      [...LIST, 'resolution'],
      (id, q) =>
        names.includes(split(id)[1])
          ? page(signals(id, Number(q.resolution ?? 300), ...between(q)), q)
          : undefined,
    ],
    [/^\/v1\/channels\/([^/]+)\/casts$/, LIST, (id, q) => page(casts(id, ...between(q)), q)],
    [
      /^\/v1\/runs$/,
      [],
      () => ({
        items: [
          {
            run: 'live',
            createdAt: iso(START),
            channels: empty ? 0 : names.length,
            firstAt: empty ? null : iso(now - HISTORY),
            lastAt: empty ? null : iso(now),
            alerts: alerts().length,
          },
          { run: 'history', createdAt: iso(START), channels: 0, firstAt: null, lastAt: null, alerts: 0 },
        ],
      }),
    ],
    [/^\/v1\/gaps$/, [...LIST, 'channel'], (_, q) => page(gaps(q.channel ?? '', ...between(q)), q)],
    [/^\/v1\/ops\/source$/, ['run', 'limit'], (_, q) => source(q.run === 'live', Number(q.limit ?? 100))],
    [
      /^\/v1\/ops\/lag$/,
      ['run'],
      () => ({
        items: ['count', 'sum', 'detect', 'store'].flatMap((role) =>
          [0, 1].map((partition) => ({
            run: 'live',
            group: `fcm.live.${role}`,
            topic: role === 'count' ? 'fcm.live.activity' : 'fcm.live.counts',
            partition,
            committed: 9000,
            end: 9000 + lagSeconds * 40,
            records: lagSeconds * 40,
            seconds: lagSeconds,
          })),
        ),
      }),
    ],
    [/^\/v1\/ops\/latency$/, ['run'], () => latency()],
    [
      /^\/v1\/ops\/dead-letters$/,
      ['run'],
      () => ({ items: deadLetters, read: deadLetters.length, total: deadLetters.length }),
    ],
  ]

  const HERE = new URL('./', import.meta.url)
  const VENDOR = new URL('../../node_modules/uplot/dist/', import.meta.url)
  const TYPES: Record<string, string> = {
    html: 'text/html; charset=utf-8',
    js: 'text/javascript',
    css: 'text/css',
    svg: 'image/svg+xml',
  }
  async function sendFile(response: ServerResponse, path: string): Promise<void> {
    const name = path === '/' ? 'index.html' : path.replace(/^\/(vendor|dashboard)\//, '')
    const file = new URL(name, path.startsWith('/vendor/') ? VENDOR : HERE)
    const type = TYPES[name.split('.').at(-1)!]
    const body = type && (await readFile(file).catch(() => null))
    if (!body) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': type }).end(body)
  }

  /** Those who listen, and all that was told, by its number from 1. */
  const listeners = new Set<ServerResponse>()
  const told: string[] = []
  /** What listeners that came back had heard last. */
  const resumed: number[] = []
  let streaming = true
  const tell = (event: string, data: Json): void => {
    told.push(`id: ${told.length + 1}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    for (const listener of listeners) listener.write(told.at(-1))
  }
  function stream(request: IncomingMessage, response: ServerResponse): void {
    if (!streaming) return void response.writeHead(503).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const heard = request.headers['last-event-id']
    if (heard !== undefined) resumed.push(Number(heard))
    response.write(`retry: 300\n\n${told.slice(Number(heard ?? told.length)).join('')}`)
    listeners.add(response)
    response.on('close', () => listeners.delete(response))
  }

  const server = createServer((request, response) => {
    response.setHeader(
      'content-security-policy',
      "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    response.setHeader('x-content-type-options', 'nosniff')
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (url.pathname === '/v1/stream') return stream(request, response)
    if (url.pathname === '/readyz') {
      response.writeHead(failure ? 503 : 200, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify(failure ? { detail: failure } : { status: 'ok' }))
    }
    if (!url.pathname.startsWith('/v1/')) return void sendFile(response, url.pathname)
    const query = Object.fromEntries(url.searchParams)
    const problem = (status: number, detail: string): void => {
      refused.push(`${request.url}: ${detail}`)
      response
        .writeHead(status, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify({ title: 'Refused', status, detail }))
    }
    if (trouble) {
      response.writeHead(503, { 'content-type': 'application/problem+json' })
      return void response.end(JSON.stringify({ title: 'Service Unavailable', status: 503, detail: trouble }))
    }
    for (const [pattern, parameters, answer] of routes) {
      const match = pattern.exec(url.pathname)
      if (!match) continue
      const unknown = Object.keys(query).filter((name) => !parameters.includes(name))
      if (unknown.length) return problem(400, `unknown query parameter ${unknown.join()}`)
      for (const name of ['from', 'to']) {
        if (query[name] && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(query[name]))
          return problem(400, `${name} is no ISO 8601 time`)
      }
      const limit = Number(query.limit ?? 50)
      const most = url.pathname.endsWith('/source') ? 5000 : 500
      if (!(limit >= 1 && limit <= most)) return problem(400, `limit must be 1 to ${most}`)
      if (query.run === 'history' && !url.pathname.endsWith('/source'))
        return void response.end(
          JSON.stringify({ items: [], next: null, now: null, beyondCap: 0, budget: 0.15 }),
        )
      if (query.run && !['live', 'history'].includes(query.run))
        return problem(404, `There is no run "${query.run}".`)
      const body = answer(decodeURIComponent(match[1] ?? ''), query)
      if (body === undefined) return problem(404, 'There is no such thing.')
      const send = () =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      if (thoughts && /overview|alerts/.test(url.pathname)) return void thoughts.push(send)
      return send()
    }
    problem(404, 'There is no such route.')
  })

  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const advance = (bins: number): void => {
    now += bins * BIN
    tell('bins', { now: iso(now) })
  }
  const timer = options.speed ? setInterval(() => advance(1), (BIN / options.speed) | 0) : null
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })

  return {
    url: `http://127.0.0.1:${port}/`,
    refused,
    /** Moves event time on by so many 5-minute bins. */
    advance,
    open: (id: string, channel: string, reason: string): void => {
      opened.push(alert(id, channel, 'onset', 'high', now, null, reason))
      tell('alert', { ...opened.at(-1), event: 'opened' })
    },
    /** Makes what was opened less grave. */
    soften: (id: string): void => {
      for (const each of opened) if (each.id === id) Object.assign(each, { severity: 'medium' })
      tell('alert', { id, event: 'updated' })
    },
    /** Ends one of those that are open. */
    end: (id: string): void => {
      ended.add(id)
      tell('alert', { id, event: 'resolved' })
    },
    /** Adds so many alerts that the daily cap leaves out. */
    cap: (count: number): void => {
      beyondCap = Array.from({ length: count }, (_, i) => ({
        ...alert(
          `c${i}`,
          names[1]!,
          'onset',
          'low',
          START - 3 * 60 * MINUTE,
          null,
          'A little more than usual.',
        ),
        listed: false,
      }))
    },
    /** Breaks the streams off; what is told meanwhile is told to who comes back. */
    cut: (): void => {
      for (const listener of listeners) listener.destroy()
    },
    /** Whether streams are served at all. */
    stream: (on: boolean): void => {
      streaming = on
    },
    listeners: (): number => listeners.size,
    resumed,
    /** Answers 503 to everything; with no words, as before. */
    trouble: (why: string): void => {
      trouble = why
    },
    /** Alerts carry no evidence any more. */
    forget: (): void => {
      forgotten = true
    },
    /** Answers nothing about alerts and channels, or all that was asked meanwhile. */
    think: (on: boolean): void => {
      for (const send of thoughts ?? []) send()
      thoughts = on ? [] : null
    },
    break: (why: string): void => {
      failure = why
    },
    slow: (ms: number): void => {
      slowest = ms
    },
    bury: (why: string): void => {
      const letter = { topic: 'fcm.live.activity', role: 'count', count: 3 }
      deadLetters = [{ ...letter, lastAt: iso(now), lastWhy: why }]
    },
    fail: (channels: number): void => {
      failing = channels
    },
    hold: (channels: number): void => {
      behind = channels
    },
    lag: (seconds: number): void => {
      lagSeconds = seconds
    },
    fill: (): void => {
      empty = false
    },
    stop,
    restart: (): Promise<void> => listen(port),
    async close(): Promise<void> {
      if (timer) clearInterval(timer)
      if (server.listening) await stop()
    },
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const mock = await startMockApi({ port: Number(process.argv[2] ?? 4100), speed: 60 })
  process.stdout.write(`mock dashboard at ${mock.url}\n`)
}
