/**
 * A made-up network for the browser tests, as rows of the store: daily cycles, a cascade, a collapse, a gap, and people
 * who write hostile things. All of it follows from the options and the event time: nothing here changes.
 */
import { BASE, BASE_SECONDS, DAY, HOUR, MINUTE } from '../../../common/time.ts'
import type { Alert, AlertDetail } from '../../../connectors/postgres/alerts/alerts.ts'
import type { CastRow } from '../../../connectors/postgres/casts/casts.ts'
import type { Gap } from '../../../connectors/postgres/operations/operations.ts'
import type { ChannelState, CountRow, Series, SignalRow } from '../../../connectors/postgres/series/series.ts'
import { ALERT_KINDS, MEASURES, type Measure, parseSeries, SEVERITIES } from '../../../schemas/records.ts'

export const START = Date.parse('2026-01-26T14:05:00Z')

export const HOSTILE = {
  script: '<script>window.hacked = 1; alert(1)</script> gm',
  image: '<img src=x onerror="window.hacked = 2; alert(2)"><svg onload="window.hacked = 3">',
  override: 'pay \u202efdp.exe\u202c now \u2066',
  long: `${'long '.repeat(2000)}end`,
  channel: 'https://evil.example/"><img src=x onerror=alert(3)>',
}
export const SUMMER = 'https://onchainsummer.xyz'
export const MEMES = 'https://warpcast.com/~/channel/memes'
const NAMES = [
  '*',
  SUMMER,
  'https://warpcast.com/~/channel/farcaster',
  MEMES,
  'chain://eip155:7777777/erc721:0x5556efe18d87f132054fbd4ba9afc13ebb1b0594',
  'https://ethereum.org',
  '_',
  HOSTILE.channel,
  'https://zora.co/collect/zora:0x41e65ed37e7d2ff1eb3d2d1f2b1e2a1f6c2d34d6/12?referrer=0xabcdefabcdef0123456789abcdefabcdef012345',
  'https://www.nba.com',
  'https://music.example/البث',
]
/** How many there are of each, for a cast. */
const SHARE: Record<Measure, number> = {
  casts: 1,
  posts: 0.35,
  replies: 0.65,
  reactions: 2.2,
  participants: 0.7,
}
const DISPERSION = 0.05
const SETTINGS = 'a1b2c3d4e5f60718'

/** A number in [0, 1) that is the same for the same names. */
function chance(...names: (string | number)[]): number {
  let h = 2166136261
  for (const char of names.join('/')) h = Math.imul(h ^ char.charCodeAt(0), 16777619)
  h = Math.imul(h ^ (h >>> 15), 2246822507)
  h = Math.imul(h ^ (h >>> 13), 3266489909)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

export type NetworkOptions = {
  /** Small channels beside the others. */
  rooms?: number
  /** Hours of history there are. */
  hours?: number
  /** Minutes before now of which replies are not known yet, so that nothing is decided. */
  undecided?: number
  /** Minutes between the end of an alert's bin and the alert. */
  late?: number
  /** The kinds of the alerts there are; absent: all. */
  types?: string[]
  /** Which series are judged. */
  judged?: (channel: string, seconds: number) => boolean
}

/** The planted cascade: growing swings over 8 h, then the break, 3 h before START. */
function cascade(channel: string, time: number): number {
  const hours = (time - (START - 11 * HOUR)) / HOUR
  if (channel !== SUMMER || hours < 0 || hours > 10.5) return 0
  const swing = (hours / 8) * Math.sin(hours * 2.6) * 0.7
  return hours < 8 ? swing : swing * 0.4 + 2.6 * Math.exp(-((hours - 8.6) ** 2) / 0.5)
}
/** The covered share of a base bin. */
function covered(channel: string, time: number): number {
  const ago = START - time
  if (channel === '*') return ago < 21 * HOUR && ago > 19 * HOUR ? 0.93 : 1
  if (channel !== SUMMER) return 1
  if (ago > 20 * HOUR && ago <= 22.5 * HOUR) return ago > 22.2 * HOUR ? 0.4 : 0
  return ago > 6 * DAY && ago < 6.4 * DAY ? 0 : 1
}
const wholeFrom = (channel: string): number => (channel === '*' ? 0.9 : 1)
const daily = (time: number): number => 1 + 0.55 * Math.sin(((time % DAY) / DAY) * 2 * Math.PI - 2)

/** An alert that a single series opened. `hours`: how long it lasted; null: it is open. */
export function seriesAlert(
  id: string,
  channel: string,
  type: string,
  severity: Alert['severity'],
  openedAt: number,
  hours: number | null,
  reason: string,
  { resolution = 300, late = 0 } = {},
): Alert {
  const resolvedAt = hours === null ? null : openedAt + hours * HOUR
  const warns = type === 'early-warning'
  return {
    ...{ id, run: 'live', channel, type, severity, openedAt, resolvedAt, resolution },
    state: resolvedAt === null ? 'open' : 'resolved',
    updatedAt: resolvedAt ?? openedAt,
    subject: {
      type: 'series',
      measure: 'casts',
      resolution,
      start: openedAt - late * MINUTE - resolution * 1000,
    },
    series: `casts:${channel}`,
    start: openedAt - late * MINUTE - resolution * 1000,
    sequence: resolvedAt ? 3 : 1,
    reason: warns ? `casts: CNN-LSTM score 0.83 (threshold 0.6, 2 bins in a row). ${reason}` : reason,
    outcome: resolvedAt === null ? null : 'Recovered: 3 bins within the expected band.',
    ...{ preset: 'calibrated', settings: SETTINGS },
    score: warns ? 0.55 + 0.4 * chance(id) : null,
    listed: true,
  }
}

export function createNetwork(options: NetworkOptions = {}) {
  const {
    types = ALERT_KINDS,
    judged = () => true,
    rooms = 18,
    hours = 21 * 24,
    late = 0,
    undecided = 0,
  } = options
  const names = [...NAMES, ...Array.from({ length: rooms }, (_, i) => `https://example.org/room-${i + 1}`)]

  const base = (channel: string): number => {
    const index = names.indexOf(channel)
    return index < 0 ? 0 : 26 / (1 + index * 0.45) + (channel === '*' ? 120 : 0)
  }
  const expectedAt = (measure: Measure, channel: string, time: number): number =>
    base(channel) * daily(time) * SHARE[measure]
  const countAt = (measure: Measure, channel: string, time: number): number => {
    const mean = Math.max(0, expectedAt(measure, channel, time) * (1 + cascade(channel, time)))
    const noise =
      chance(measure, channel, time) + chance('b', measure, channel, time) + chance('c', channel, time) - 1.5
    return Math.max(0, Math.round((mean + noise * Math.sqrt(mean) * 1.9) * covered(channel, time)))
  }

  /** Bins in [from, to) that had begun to be counted at `now`; a long one that is in progress has what there is of it. */
  function counts(series: string, seconds: number, from: number, to: number, now: number): CountRow[] {
    const { measure, channel } = parseSeries(series)!
    const step = seconds * 1000
    const bins: CountRow[] = []
    const first = Math.ceil(Math.max(from, now - hours * HOUR) / step) * step
    for (let start = first; start < to && start + BASE <= now; start += step) {
      const bin = { series, start, seconds, count: 0, late: chance(series, start) > 0.98 ? 1 : 0, covered: 0 }
      for (let at = start; at < Math.min(start + step, now); at += BASE) {
        bin.count += countAt(measure, channel, at)
        bin.covered += covered(channel, at) / (step / BASE)
      }
      if (start >= now - undecided * MINUTE) bin.covered *= SHARE.posts
      bins.push({ ...bin, covered: Math.min(1, Number(bin.covered.toFixed(6))) })
    }
    return bins
  }

  /** What the detectors made of the closed ones. */
  function signals(series: string, seconds: number, from: number, to: number, now: number): SignalRow[] {
    const end = now - undecided * MINUTE
    const closed = counts(series, seconds, from, to, now).filter((bin) => bin.start + seconds * 1000 <= end)
    return closed.map((bin) => signal(bin))
  }

  function signal({ series, start, seconds, count, covered: share }: CountRow): SignalRow {
    const { measure, channel } = parseSeries(series)!
    const known = judged(channel, seconds)
    const common = { series, start, resolution: seconds, count, dispersion: DISPERSION, settings: SETTINGS }
    if (!known || share < wholeFrom(channel)) {
      return {
        ...common,
        ...{ expected: null, residual: null, variance: null, autocorrelation: null },
        ...{ rawVariance: null, rawAutocorrelation: null, varianceTrend: null, autocorrelationTrend: null },
        ...{ pVariance: null, pAutocorrelation: null, p: null, score: null },
        decision: known ? 'masked' : 'insufficient',
        reason: known
          ? 'not wholly covered'
          : 'not enough data: 0.31 events expected in a bin, fewer than 0.5',
      }
    }
    let expected = 0
    for (let at = start; at < start + seconds * 1000; at += BASE) expected += expectedAt(measure, channel, at)
    const deviation = Math.sqrt(expected + DISPERSION * expected ** 2)
    const towards = (start - (START - 12 * HOUR)) / (8 * HOUR)
    const rise = channel === SUMMER ? Math.min(1, Math.max(0, towards)) : 0
    const slow = Math.sin(start / 9e6) * 0.12 + Math.sin(start / 3.1e6) * 0.06
    return {
      ...common,
      ...{ expected, residual: (count - expected) / deviation },
      ...{ variance: 1 + slow * 1.5 + rise * 2.4, autocorrelation: 0.05 + slow + rise * 0.72 },
      rawVariance: (1 + slow + rise * 4) * expected * 1.4,
      rawAutocorrelation: 0.2 + slow * 1.2 + rise * 0.6,
      ...{ varianceTrend: rise, autocorrelationTrend: rise },
      ...{ pVariance: 0.5 * (1 - rise) + 0.0004, pAutocorrelation: 0.6 * (1 - rise) + 0.004 },
      p: 0.5 * (1 - rise) + 0.002,
      score: Math.min(0.97, Math.max(0.02, 0.08 + slow * 0.4 + rise * 0.82)),
      decision: rise > 0.6 ? 'held' : 'quiet',
      reason:
        rise > 0.6
          ? 'score 0.83 (threshold 0.6), p 0.002: variance and lag-1 autocorrelation stay above their null'
          : 'score 0.0000425 (threshold 0.6), p 0.0009: within its null',
    }
  }

  /** `ago`, `lasted`: hours. */
  const alert = (
    [id, channel, type, severity]: [string, string, string, Alert['severity']],
    [ago, lasted]: [number, number | null],
    reason: string,
    resolution = 300,
  ): Alert =>
    seriesAlert(id, channel, type, severity, START - ago * HOUR, lasted, reason, { resolution, late })

  const alerts: Alert[] = [
    alert(
      ['a1', SUMMER, 'early-warning', 'high'],
      [6, null],
      'Variance 2.4 times and lag-1 autocorrelation 0.61 above what chance gives at this rate (p 0.002), rising for 4 h.',
    ),
    alert(
      ['a2', HOSTILE.channel, 'onset', 'medium'],
      [14, null],
      `Already 64 casts in an open bin where 12 were expected. ${HOSTILE.image}`,
    ),
    alert(
      ['a3', '*', 'early-warning', 'low'],
      [17, null],
      'Lag-1 autocorrelation 0.44 above its null at 1 h (p 0.009).',
      3600,
    ),
    alert(
      ['a4', MEMES, 'collapse', 'medium'],
      [20, 2],
      'The count stayed below its 95 % band for 4 bins (p 0.004).',
    ),
    ...Array.from({ length: 70 }, (_, i) =>
      alert(
        [`r${i}`, names[1 + (i % 9)]!, ALERT_KINDS[i % 3]!, SEVERITIES[i % 3]!],
        [26 + i * 4, 3],
        'Variance and lag-1 autocorrelation above their null (p 0.004).',
        i % 4 === 0 ? 3600 : 300,
      ),
    ),
  ]

  return {
    names,
    counts,
    signals,
    /** Newest first; three are open. */
    alerts: alerts.filter(({ type }) => types.includes(type)),
    series: (now: number): Series[] =>
      names
        .flatMap((channel) =>
          MEASURES.map((measure) => ({
            ...{ id: `${measure}:${channel}`, run: 'live', measure, channel },
            ...{ firstAt: now - hours * HOUR, lastAt: now - BASE },
            total: Math.round(base(channel) * SHARE[measure] * hours * (HOUR / BASE)),
          })),
        )
        .sort((a, b) => b.total - a.total),
    /** Channels as they are at `now`, by the alerts that are open there, then by score. */
    overview(now: number, alerts: Alert[]): ChannelState[] {
      const items = names.map((channel): ChannelState => {
        const series = `casts:${channel}`
        const bins = counts(series, BASE_SECONDS, now - 72 * BASE, now, now)
        const judgements = bins.filter(({ start: at }) => at + BASE <= now - undecided * MINUTE).map(signal)
        const { score, p, count, expected, start, decision } = judgements.at(-1)!
        return {
          channel,
          alerts: alerts
            .filter((each) => each.channel === channel && each.state === 'open')
            .map(({ id, type, severity, openedAt }) => ({ id, type, severity, openedAt })),
          series,
          ...{ score, p, count, expected, at: start, decision },
          recent: bins.map((bin) => (bin.covered < wholeFrom(channel) ? null : bin.count)),
          scores: bins.map((_, i) => judgements[i]?.score ?? null),
        }
      })
      const risk = ({ alerts: open, score }: ChannelState): number => open.length * 10 + (score ?? 0)
      return items.sort((a, b) => risk(b) - risk(a))
    },
    casts,
    gaps,
    evidence,
  }
}
export type Network = ReturnType<typeof createNetwork>

function casts(channel: string, from: number, to: number, now: number): CastRow[] {
  const texts = [
    ...[HOSTILE.script, HOSTILE.image, HOSTILE.override, 'gm onchain summer ☀️ who is minting today?'],
    ...[HOSTILE.long, 'هذا اختبار للنص العربي مع English inside', 'New drop is live\n\nMint here 👇', null],
  ]
  const rows: CastRow[] = []
  const end = Math.max(from, now - 14 * DAY)
  for (let i = 0, time = Math.min(to, now) - 7000; time >= end && i < 400; i++, time -= 41_000) {
    const text = texts[i % texts.length] ?? null
    const hash = Buffer.alloc(20)
    hash.writeUInt32BE(Math.floor(chance(channel, time) * 2 ** 32))
    rows.push({
      ...{ hash, fid: 1000 + Math.floor(chance(time) * 400_000), time, text, removed: text === null },
      parentHash: i % 3 ? Buffer.alloc(1) : null,
      urls: i % 7 === 6 ? ['javascript:alert(4)', 'https://mint.example/\u202egpj.exe'] : [],
    })
  }
  return rows
}

/** The gaps that `covered` above is made of. */
function gaps(channel: string | undefined, from: number, to: number): Gap[] {
  if (channel !== SUMMER && channel !== undefined) return []
  return (['posts', 'replies'] as const)
    .map((measure) => ({
      ...{ channel: SUMMER, measure, reason: `the hub did not answer ${HOSTILE.image}` },
      ...{ from: START - 22.5 * HOUR, to: START - 20 * HOUR },
    }))
    .filter((gap) => gap.from < to && gap.to > from)
}

const evidence = (alert: Alert): AlertDetail['evidence'] =>
  [300, 3600].map((resolution) => ({
    ...{ detector: 'early-warning', measure: 'casts', resolution, start: alert.start! },
    ...{ count: 61, expected: 24.31, dispersion: DISPERSION, variance: 2.42, autocorrelation: 0.61 },
    ...{ p: 0.002, score: alert.type === 'early-warning' ? 0.83 : null },
    reason: `both above their null ${HOSTILE.image}`,
  }))
