import { mean, sum } from 'simple-statistics'
import { describe, expect, test } from 'vitest'
import { BASE, DAY, HOUR, MINUTE } from '../../common/time.ts'
import { REPLY_SHARE } from './conversation.ts'
import { climbingRatio, twinRamp } from './dynamics.ts'
import type { Planted } from './planted.ts'
import {
  DEFAULT_START,
  groundTruth,
  networkOf,
  type SimulationOptions,
  simulateChannels,
} from './simulate.ts'
import { countBins, isReply, keyOf, type Observed, observe, readBins, take } from './testing.ts'

/** So that the break is at 18:00, where most channels are busy, and a day has gone before. */
const start = DEFAULT_START + 34 * HOUR
const breakAt = start + 8 * HOUR
const climb = { breakAt, calmAt: breakAt + HOUR, peakRatio: 1.6, cap: 12 }
const URL = 'https://example.org/news'

/** Busy channels of a network, and what is seen in each when the same is planted in all. */
const CHANNELS = networkOf(2).flatMap((c) => {
  return c.url === null ? [] : [{ ...c, url: c.url, castsPerDay: 1200, reactions: 0 }]
})
function plantedIn(plant: (channel: string, ratio: number, fids: number[]) => Planted): Observed[] {
  const planted = CHANNELS.map(({ url, ratio, crowd }) => plant(url, ratio, crowd.fids))
  const seen = observe(take(simulateChannels(2, DEFAULT_START, CHANNELS, planted), (46 * HOUR) / BASE))
  return CHANNELS.map(({ url }) => seen.get(url)!)
}

/** Replies to casts of [from, to), per cast and by the stated ratio: 1 where memory is as stated. */
function relativeRatio(observed: Observed[], from: number, to: number): number {
  return mean(
    observed.map(({ casts }, i) => {
      const parents = new Set(casts.filter((c) => c.time >= from && c.time < to).map((c) => keyOf(c.hash)))
      const replies = casts.filter((c) => isReply(c) && parents.has(parentOf(c.parent)))
      return replies.length / parents.size / REPLY_SHARE / CHANNELS[i]!.ratio
    }),
  )
}
const parentOf = (parent: Observed['casts'][number]['parent']): string =>
  parent && 'cast' in parent ? keyOf(parent.cast.hash) : ''

const level = (observed: Observed[], from: number, to: number): number =>
  sum(observed.flatMap(({ casts }) => countBins(casts, from, to)))

/** The level from `from` to `to` after the start over that a day earlier. */
const againstDayBefore = (observed: Observed[], from: number, to: number): number =>
  level(observed, start + from, start + to) / level(observed, start + from - DAY, start + to - DAY)

/** Lag-1 autocorrelation of Anscombe-stabilised counts about their straight line, mean over channels. */
function autocorrelation(observed: Observed[], from: number, to: number): number {
  return mean(
    observed.map(({ casts }) => {
      const y = countBins(casts, from, to).map((count) => 2 * Math.sqrt(count + 3 / 8))
      const x = y.map((_, i) => i - (y.length - 1) / 2)
      const slope = sum(y.map((v, i) => v * x[i]!)) / sum(x.map((v) => v * v))
      const center = mean(y)
      const residual = y.map((v, i) => v - center - slope * x[i]!)
      return sum(residual.slice(1).map((r, i) => r * residual[i]!)) / sum(residual.map((r) => r * r))
    }),
  )
}

describe('what is planted does what it says', () => {
  const common = (channel: string, ratio: number) => ({ channel, start, end: breakAt + 3 * HOUR, ratio })
  const cascade = plantedIn((...of) => ({ type: 'cascade', ...common(of[0], of[1]), ...climb }))
  const ramp = plantedIn((...of) => ({ type: 'ramp', ...common(of[0], of[1]), like: climb }))
  const lastHours = [breakAt - 4 * HOUR, breakAt] as const
  const dayBefore = [breakAt - 28 * HOUR, breakAt - 24 * HOUR] as const
  const rise = (observed: Observed[]): number =>
    autocorrelation(observed, ...lastHours) - autocorrelation(observed, ...dayBefore)

  test('cascade: mean and lag-1 autocorrelation rise before the break; it peaks after it, and ends', () => {
    expect(level(cascade, ...lastHours) / level(cascade, ...dayBefore)).toBeGreaterThan(2)
    expect(rise(cascade)).toBeGreaterThan(0.12)
    const hour = (n: number) => level(cascade, breakAt + n * HOUR, breakAt + (n + 1) * HOUR)
    expect(hour(0)).toBeGreaterThan(1.5 * hour(-1))
    expect(hour(2)).toBeLessThan(hour(0) / 2)
    expect(relativeRatio(cascade, start - 12 * HOUR, start)).toBeCloseTo(1, 1)
    expect(relativeRatio(cascade, ...lastHours)).toBeGreaterThan(1.4)
  })

  test('ramp: the mean of the cascade, with constant memory', () => {
    const hours = [start, breakAt] as const
    expect(level(ramp, ...hours) / level(cascade, ...hours)).toBeCloseTo(1, 0.7)
    expect(level(ramp, ...lastHours) / level(ramp, ...dayBefore)).toBeGreaterThan(2)
    expect(rise(ramp)).toBeLessThan(rise(cascade) / 2)
    expect(relativeRatio(ramp, ...lastHours)).toBeCloseTo(1, 1)
  })

  test('burst: sudden, fading, memory unchanged, posts share a link', () => {
    const burst = plantedIn((channel, ratio) => {
      const outside = { factor: 10, fade: 40 * MINUTE, url: URL }
      return { type: 'burst', channel, start, end: start + 4 * HOUR, ratio, ...outside }
    })
    expect(againstDayBefore(burst, 0, HOUR)).toBeGreaterThan(3)
    expect(againstDayBefore(burst, 5 * HOUR, 8 * HOUR)).toBeLessThan(1.2)
    expect(relativeRatio(burst, start, start + 3 * HOUR)).toBeCloseTo(1, 1)
    const linked = burst.flatMap(({ casts }) => casts.filter((c) => c.urls.includes(URL)))
    expect(linked.length).toBeGreaterThan(100)
    expect(linked.every((c) => c.time >= start && c.time < start + 4 * HOUR)).toBe(true)
  })

  test('collapse: the channel nearly falls silent, and comes back', () => {
    const collapse = plantedIn((channel, ratio) => {
      return { type: 'collapse', channel, start, end: start + 5 * HOUR, ratio, factor: 0.04 }
    })
    expect(againstDayBefore(collapse, HOUR, 5 * HOUR)).toBeLessThan(0.2)
    expect(againstDayBefore(collapse, 6 * HOUR, 10 * HOUR)).toBeGreaterThan(0.8)
  })

  test('group: its accounts post one link within seconds, volley after volley', () => {
    const volleys = [start, start + 50 * MINUTE]
    const spread = 15_000
    const groups = plantedIn((channel, _, fids) => {
      return {
        type: 'group',
        channel,
        start,
        end: start + HOUR,
        accounts: fids.slice(0, 6),
        url: URL,
        volleys,
        spread,
      }
    })
    groups.forEach(({ casts }, i) => {
      const acts = casts.filter((c) => c.urls.includes(URL))
      const inVolley = (volley: number) =>
        acts.filter((c) => c.time >= volley && c.time < volley + spread).map((c) => c.fid)
      const accounts = CHANNELS[i]!.crowd.fids.slice(0, 6).sort()
      for (const volley of volleys) expect(inVolley(volley).sort()).toEqual(accounts)
      expect(acts.length).toBe(2 * 6)
    })
  })
})

describe('the drawn plan', () => {
  const liveAt = DEFAULT_START + 21 * DAY
  const plan = (seed: number, until = liveAt + 10 * DAY) => groundTruth({ seed, liveAt }, until)
  const SEEDS = [1, 2, 3, 4, 5]

  test.each(SEEDS)('every type in the history, and events for ever (seed %d)', (seed) => {
    const types = (from: number, to: number) =>
      new Set(plan(seed, liveAt + 60 * DAY).flatMap((p) => (p.start >= from && p.start < to ? [p.type] : [])))
    expect(types(0, liveAt).size).toBe(5)
    expect(types(liveAt + 50 * DAY, liveAt + 60 * DAY).size).toBe(5)
  })

  test.each(SEEDS)('a cascade in a large channel rises around the live moment (seed %d)', (seed) => {
    const large = networkOf(seed)
      .flatMap((c) => c.url ?? [])
      .slice(0, 4)
    const all = plan(seed)
    const opening = all.filter(
      (p) => p.type === 'cascade' && p.start <= liveAt - 2 * HOUR && p.breakAt >= liveAt + 4 * HOUR,
    )
    expect(opening).toHaveLength(1)
    const [cascade] = opening as Extract<Planted, { type: 'cascade' }>[]
    expect(large).toContain(cascade!.channel)
    expect(cascade!.start).toBeGreaterThanOrEqual(liveAt - 4 * HOUR)
    expect(cascade!.breakAt).toBeLessThanOrEqual(liveAt + 8 * HOUR)
    const others = all.filter((p) => p !== cascade && p.channel === cascade!.channel)
    const weekBefore = others.filter((p) => p.end > cascade!.start - 7 * DAY && p.start < cascade!.end)
    expect(weekBefore).toEqual([])
  })

  test.each(SEEDS)('by start, one at a time per channel, and cut at any time the same (seed %d)', (seed) => {
    const all = plan(seed)
    const ends = new Map<string, number>()
    all.forEach((planted, i) => {
      expect(planted.start).toBeGreaterThanOrEqual(all[i - 1]?.start ?? DEFAULT_START)
      expect(planted.end).toBeGreaterThan(planted.start)
      expect(planted.start).toBeGreaterThanOrEqual(ends.get(planted.channel) ?? 0)
      ends.set(planted.channel, planted.end)
    })
    expect(plan(seed, liveAt)).toEqual(all.filter((p) => p.start < liveAt))
    expect(JSON.parse(JSON.stringify(all))).toEqual(all)
    expect(new Set(all.map((p) => p.channel)).size).toBeGreaterThan(8)
  })

  test('the data hold what the truth says', () => {
    const options: SimulationOptions = { seed: 5, liveAt: DEFAULT_START + 6 * DAY }
    const until = DEFAULT_START + 10 * DAY
    const seen = observe(readBins(options, (until - DEFAULT_START) / BASE))
    const checked = new Set<string>()
    /** Of climbs in a row: a single one may come to little, by chance. */
    const climbs = { peak: 0, usual: 0 }
    for (const p of groundTruth(options, until).filter((p) => p.end < until)) {
      const { casts } = seen.get(p.channel)!
      const within = (from: number, to: number) => casts.filter((c) => c.time >= from && c.time < to)
      const length = Math.min(p.end - p.start, 2 * HOUR)
      const [before, after] = [within(p.start - length, p.start), within(p.start, p.start + length)]
      if (p.type === 'collapse') expect(after.length).toBeLessThan(before.length / 2)
      else if (p.type === 'burst') {
        expect(after.length).toBeGreaterThan(before.length)
        expect(after.some((c) => c.urls.includes(p.url))).toBe(true)
      } else if (p.type === 'group') {
        const acts = within(p.start, p.end).filter((c) => c.urls.includes(p.url))
        expect(acts).toHaveLength(p.accounts.length * p.volleys.length)
        expect(acts.every((c) => p.volleys.some((v) => c.time >= v && c.time < v + p.spread))).toBe(true)
      } else {
        const { breakAt, calmAt } = p.type === 'cascade' ? p : p.like
        const { cycle, castsPerDay } = networkOf(5).find((c) => c.url === p.channel)!
        climbs.peak += within(breakAt, calmAt).length
        climbs.usual += (castsPerDay * cycle(breakAt) * (calmAt - breakAt)) / DAY
      }
      checked.add(p.type)
    }
    expect(climbs.peak / climbs.usual).toBeGreaterThan(3)
    expect(checked.size).toBe(5)
  })
})

describe('the mean of a self-exciting process', () => {
  test('constant ratio: constant mean; slow climb: the mean is near spontaneous / (1 - ratio)', () => {
    const constant = twinRamp({ start: 0, breakAt: 1e15, calmAt: 1e15, peakRatio: 1, cap: 9 }, 0.5, DAY)
    expect(Math.max(...constant.mean.map((x) => Math.abs(x - 1)))).toBeLessThan(1e-6)
    const slow = { start: 0, breakAt: 200 * DAY, calmAt: 201 * DAY, peakRatio: 1, cap: 99 }
    const at = 150 * DAY
    const path = twinRamp(slow, 0.5, at)
    expect(path.mean.at(-1)! / (0.5 / (1 - climbingRatio(slow, 0.5, at, 1)))).toBeCloseTo(1, 1.5)
    expect(path.drive.at(-1)!).toBeCloseTo(path.mean.at(-1)!, 1)
  })

  test('the ratio climbs to 1 at the break and to its peak, then is the old one', () => {
    const ratio = (time: number, load = 1) => climbingRatio({ start, ...climb }, 0.4, time, load)
    expect([ratio(start - 1), ratio(start), ratio(breakAt), ratio(climb.calmAt)]).toEqual([0.4, 0.4, 1, 0.4])
    expect(ratio((start + breakAt) / 2)).toBeCloseTo(0.7, 9)
    expect(ratio(climb.calmAt - 1)).toBeCloseTo(1.6, 5)
    expect(ratio(climb.calmAt - 1, 13)).toBeLessThan(1)
  })
})
