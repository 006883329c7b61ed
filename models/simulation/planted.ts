import { DAY, floorTo, HOUR, MINUTE, SECOND } from '../../common/time.ts'
import type { Random } from '../random.ts'
import { along, type Climb, climbingRatio, twinRamp } from './dynamics.ts'
import type { Channel } from './network.ts'

/**
 * What was planted, as plain data (JSON). All times in ms; `channel` a URL; an event acts in [start, end).
 * `ratio` is the channel's own branching ratio, outside of the event.
 */
export type Planted = { channel: string; start: number; end: number } /**
 * The branching ratio climbs from `ratio` to 1 at `breakAt`, on to `peakRatio` at `calmAt`, then falls back; it is
 * held down while the channel is at more than `cap` times its usual level.
 */ & (
  | ({ type: 'cascade'; ratio: number } & ClimbFromStart)
  /** The mean rate of a cascade like that, made of more spontaneous posts: the ratio never changes. */
  | { type: 'ramp'; ratio: number; like: ClimbFromStart }
  | {
      /** Something outside: spontaneous posts, many with one link, jump to `factor` times and fade with mean life `fade`. */
      type: 'burst'
      ratio: number
      factor: number
      fade: number
      url: string
    }
  /** Spontaneous posts and the branching ratio fall to `factor` of themselves. */
  | { type: 'collapse'; ratio: number; factor: number }
  /** At each of the times in `volleys`, `accounts` post `url` within `spread` ms. */
  | { type: 'group'; accounts: number[]; url: string; volleys: number[]; spread: number }
)
type ClimbFromStart = Omit<Climb, 'start'>
export type PlantedType = Planted['type']

/** What an event does to its channel while it acts. */
export type Effect = {
  /** Factor on the rate of spontaneous posts. */
  drive(time: number): number
  /** `load`: the channel's present level over its usual one. */
  ratio(own: number, time: number, load: number): number
}

export function effectOf(planted: Planted): Effect {
  const same = { drive: () => 1, ratio: (own: number) => own }
  switch (planted.type) {
    case 'cascade':
      return { ...same, ratio: (own, time, load) => climbingRatio(planted, own, time, load) }
    case 'ramp': {
      const { drive } = twinRamp({ start: planted.start, ...planted.like }, planted.ratio, planted.end)
      return { ...same, drive: (time) => along(drive, planted.start, time) }
    }
    case 'burst':
      return {
        ...same,
        drive: (time) => 1 + (planted.factor - 1) * Math.exp(-(time - planted.start) / planted.fade),
      }
    case 'collapse':
      return { drive: () => planted.factor, ratio: (own) => planted.factor * own }
    case 'group':
      return same
  }
}

/** How long a channel is left alone after an event. */
const REST = 12 * HOUR
/** How many of the largest channels a type is planted in: what can't be seen isn't worth planting. */
const REACH: Record<PlantedType, number> = { cascade: 5, ramp: 5, burst: 10, collapse: 5, group: 20 }
/** Casts a day, at the pace around its break, below which a cascade is lost in chance. */
const LEAST_FOR_CLIMB = 330
const TYPES = Object.keys(REACH) as PlantedType[]

/**
 * Draws events for ever, in order of their start, at most one at a time per channel: every 10-20 h (every type once
 * per five) until `liveAt`, every 3-8 h from then on. Around `liveAt` stands a cascade in a large channel, rising since
 * 2-4 h before and breaking 4-8 h after, with its channel left alone for a week before.
 */
export function* drawPlanted(
  random: Random,
  channels: readonly Channel[],
  start: number,
  liveAt: number,
): Generator<Planted> {
  const named = channels.filter((c): c is NamedChannel => c.url !== null)
  const opening = drawOpening(random.fork('opening'), named, liveAt)
  const reserved = { from: opening.start - 7 * DAY, to: opening.end + REST }
  const freeFrom = new Map<string, number>()
  let openingIsDue = true

  let time = start + DAY + 12 * HOUR * random.next()
  for (let deck: PlantedType[] = []; ; ) {
    if (deck.length === 0) deck = shuffled(TYPES, random)
    const type = deck.pop()!
    const at = floorTo(time, MINUTE)
    const climbs = type === 'cascade' || type === 'ramp'
    const candidates = named
      .slice(0, REACH[type])
      .filter((c) => !climbs || c.castsPerDay * c.cycle(at + 6.5 * HOUR) >= LEAST_FOR_CLIMB)
    // Longer than any event lasts, so that what is drawn now can't run into the opening.
    const longest = at + 2 * DAY
    const free = candidates.filter(
      (c) =>
        at >= (freeFrom.get(c.url) ?? start) &&
        !(c.url === opening.channel && longest > reserved.from && at < reserved.to),
    )
    if (free.length > 0) {
      const planted = draw(type, random, free[random.int(free.length)]!, at)
      if (openingIsDue && at > opening.start) {
        openingIsDue = false
        yield opening
      }
      freeFrom.set(planted.channel, planted.end + REST)
      yield planted
    }
    time += at < liveAt ? between(random, 10, 20) * HOUR : between(random, 3, 8) * HOUR
  }
}

type NamedChannel = Channel & { url: string }

/** The live cascade, in that of the four largest channels which is the busiest at the time. */
function drawOpening(random: Random, channels: NamedChannel[], liveAt: number): Planted {
  const start = floorTo(liveAt - between(random, 2, 3.5) * HOUR, MINUTE)
  const breakAt = floorTo(liveAt + between(random, 4, 6.5) * HOUR, MINUTE)
  const activity = (c: Channel): number => {
    let sum = 0
    for (let time = liveAt; time < breakAt; time += HOUR) sum += c.cycle(time)
    return c.castsPerDay * sum
  }
  const channel = channels.slice(0, 4).reduce((best, c) => (activity(c) > activity(best) ? c : best))
  return drawCascade(random, channel, start, breakAt)
}

function draw(type: PlantedType, random: Random, channel: NamedChannel, start: number): Planted {
  const base = { channel: channel.url, start, ratio: channel.ratio }
  switch (type) {
    case 'cascade':
    case 'ramp': {
      const cascade = drawCascade(random, channel, start, start + minutes(between(random, 180, 600)))
      if (type === 'cascade') return cascade
      const { breakAt, calmAt, peakRatio, cap } = cascade
      return { ...base, type, end: cascade.end, like: { breakAt, calmAt, peakRatio, cap } }
    }
    case 'burst': {
      const fade = minutes(between(random, 25, 90))
      const url = drawUrl(random)
      return { ...base, type, end: start + 6 * fade, factor: between(random, 6, 14), fade, url }
    }
    case 'collapse':
      return { ...base, type, end: start + minutes(between(random, 180, 540)), factor: 0.04 }
    case 'group': {
      const volleys: number[] = []
      let at = start
      for (let left = 3 + random.int(5); left > 0; left--) {
        volleys.push(at)
        at += 15 * MINUTE + SECOND * Math.floor(random.exponential(40 * 60))
      }
      const accounts = shuffled(channel.crowd.fids, random).slice(0, 5 + random.int(6))
      const { channel: url } = base
      return {
        channel: url,
        start,
        type,
        end: at,
        accounts,
        url: drawUrl(random),
        volleys,
        spread: 20 * SECOND,
      }
    }
  }
}

function drawCascade(random: Random, channel: NamedChannel, start: number, breakAt: number): Planted & Climb {
  const calmAt = breakAt + minutes(between(random, 45, 70))
  const peakRatio = between(random, 1.4, 1.8)
  const cap = between(random, 9, 16)
  const { url, ratio } = channel
  return {
    type: 'cascade',
    channel: url,
    start,
    end: calmAt + 4 * HOUR,
    ratio,
    breakAt,
    calmAt,
    peakRatio,
    cap,
  }
}

const minutes = (n: number): number => Math.round(n) * MINUTE
const between = (random: Random, low: number, high: number): number => low + (high - low) * random.next()
const drawUrl = (random: Random): string => `https://launch-${random.int(1e6).toString(36)}.example/mint`

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const result = [...values]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[result[i], result[j]] = [result[j]!, result[i]!]
  }
  return result
}
