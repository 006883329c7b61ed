import { DAY, LATENESS } from '../../../common/time.ts'
import { type Measure, PARTS, type Part, ruleOf } from '../../../schemas/measures.js'
import { NO_CHANNEL } from '../../../schemas/records.ts'
import type { Output } from '../../runtime/stage.ts'
import type { Line } from '../lifecycle.ts'
import { intersect, newTrack, type Span, type Track, union } from './coverage.ts'
import { newSeen, type Seen } from './dedupe.ts'

export type Tracks = Record<Part, Track>

export type Series = Line & {
  /** Events in the bins not closed yet, by start. */
  open: Map<number, number>
  /** Late arrivals by bin, as long as repeats of them are recognised; from before that in one number. */
  late: Map<number, number>
  lateBefore: number
  /** Of a distinct measure: the authors in the bins not closed yet, by start. */
  authors: Map<number, Set<number>> | null
}
/** The network's of one measure: the first bin not reported yet, and of those from there on the events by channel. */
export type NetworkSeries = { next: number | null; sums: Map<number, Map<string, number>> }
export type Channel = {
  series: Partial<Record<Measure, Series>>
  seen: Seen
  /** What the source said of this channel alone; null where it speaks only of the whole. */
  tracks: Tracks | null
  /** The last round of a polling source in which it was followed. */
  polledAt: number
  /** Event time of its newest message. */
  lastAt: number
}
export type CountState = {
  partition: number
  channels: Map<string, Channel>
  /** Channels in which the next whole-source coverage may close something. */
  active: Set<string>
  /** What the source said of the whole. */
  source: Tracks
  network: {
    /** The source has spoken of every followed channel up to here. */
    spokenTo: Record<Part, number>
    /** Of what can be added up. */
    series: Partial<Record<Measure, NetworkSeries>>
  }
  outbox: Output<'count'>[]
  /** Of messages that are remembered, in all channels. */
  hashes: number
  /** Hour up to which silent channels were dropped. */
  sweptTo: number
  /** Messages of channels that found no room. */
  refused: number
}

const never = Number.NEGATIVE_INFINITY

const byPart = <T>(make: () => T) =>
  Object.fromEntries(PARTS.map((part) => [part, make()])) as Record<Part, T>
export const newTracks = (): Tracks => byPart(newTrack)

export const initialState = (partition: number): CountState => ({
  partition,
  channels: new Map(),
  active: new Set(),
  source: newTracks(),
  network: {
    spokenTo: byPart(() => never),
    series: {},
  },
  outbox: [],
  hashes: 0,
  sweptTo: never,
  refused: 0,
})

/**
 * Stands among the channels for all that found no room there. It remembers their messages, so that the network has each once,
 * and nothing else; no record is written of it. No channel is called so.
 */
export const OTHERS = ''

/** Channels without `OTHERS`. */
export const namedIn = ({ channels }: CountState): number => channels.size - (channels.has(OTHERS) ? 1 : 0)

/** Whether there is room for a channel among `most`. What is in none always has it, however many strangers have named. */
export const hasRoom = (state: CountState, key: string, most: number): boolean =>
  state.channels.has(key) || key === NO_CHANNEL || namedIn(state) < most

/** The channel of that name, a new one where there is none. */
export function channelOf(state: CountState, key: string): Channel {
  let channel = state.channels.get(key)
  if (!channel) {
    channel = {
      series: {},
      seen: newSeen(),
      tracks: null,
      polledAt: never,
      lastAt: never,
    }
    state.channels.set(key, channel)
  }
  return channel
}

export function networkSeries({ network }: CountState, measure: Measure): NetworkSeries {
  network.series[measure] ??= { next: null, sums: new Map() }
  return network.series[measure]
}

/** All before this is decided for a channel (null: for what only the whole source was said of). */
export function decidedTo(state: CountState, channel: Channel | null, measure: Measure): number {
  let to = Number.POSITIVE_INFINITY
  for (const m of ruleOf(measure).of)
    to = Math.min(to, Math.max(state.source[m].to, channel?.tracks?.[m].to ?? never))
  return to
}

export function coveredSpans(state: CountState, channel: Channel | null, measure: Measure): readonly Span[] {
  const spans = ruleOf(measure).of.map((m): readonly Span[] => {
    const whole = state.source[m].covered
    const own = channel?.tracks?.[m].covered
    return own ? union(whole, own) : whole
  })
  return spans.reduce(intersect)
}

/** Repeats are recognised from here on: L and 24 hours behind the channel's own coverage. */
export function dedupedFrom(state: CountState, channel: Channel): number {
  const decided = PARTS.map((m) => decidedTo(state, channel, m))
  const newest = Math.max(...decided)
  // A measure that lies a day behind is spoken of no more, or never was: it holds back none that goes on.
  return newest === never ? never : Math.min(...decided.filter((to) => to > newest - DAY)) - LATENESS - DAY
}
