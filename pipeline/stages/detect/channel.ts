/**
 * What is known of one channel: its series, and the share of replies among its casts; and which channels are remembered.
 * Strangers can name channels, so that time and number have a limit: one of which nothing was said for `FORGOTTEN_AFTER`, whether
 * it was idle by then or is followed no more, begins anew when it is heard of again, with nothing of its past, and until then
 * need not be kept.
 */
import { DAY, HOUR, RESOLUTIONS } from '../../../common/time.ts'
import type { ReplyShare } from '../../../models/early-warning/reply-share.ts'
import { MEASURES } from '../../../schemas/records.ts'
import type { Series, Sum, Windows } from './series.ts'

export type Channel = {
  /** In the order of MEASURES. */
  series: (Series | null)[]
  /** The share of replies among its casts, by resolution; null until a window of its casts is kept. */
  replies: ({ share: ReplyShare; casts: Sum; replies: Sum } | null)[]
}

export const createChannel = (): Channel => ({
  series: MEASURES.map(() => null),
  replies: RESOLUTIONS.map(() => null),
})

/** Of the channel's own event time, ms. */
export const FORGOTTEN_AFTER = 28 * DAY
/** Where more than half of the room is taken, it is so long, of the partition's. */
const FORGOTTEN_CROWDED = DAY
/** No channel's records are so far behind those of others in its partition, ms. */
const BEHIND = 2 * DAY
/**
 * Of a run, of which each partition has an even share: channels, which take 4 to 7 kB at rest, and the windows that are kept of
 * their series and resolutions, some 8.5 kB each (a channel of which all is judged has 13).
 */
export const MOST_CHANNELS = 20_000
export const MOST_WINDOWS = 30_000

export type Channels = {
  byKey: Map<string, Channel>
  windows: Windows
  /** The greatest start of a bin so far, ms, and when it was last looked which are forgotten. */
  clock: number
  forgottenTo: number
  /** Bins of channels that were one too many. */
  passedOver: number
}

export const createChannels = (): Channels => ({
  byKey: new Map(),
  windows: { kept: 0, refused: 0 },
  clock: 0,
  forgottenTo: 0,
  passedOver: 0,
})

/** Up to when bins of a channel were said, ms; an idle one is said to be. */
const saidTo = ({ series }: Channel): number => Math.max(0, ...series.map((one) => one?.next ?? 0))

/** Whether a channel of which nothing was said since is forgotten at `time`, ms. */
export const isForgotten = (channel: Channel, time: number): boolean =>
  time - saidTo(channel) >= FORGOTTEN_AFTER

/**
 * Once in a day of event time: the channels that are forgotten whatever comes, which are dropped. Where it is crowded, of the room
 * for `most`, once in an hour and after a day: results then depend on what else is in the partition.
 */
export function forget(channels: Channels, time: number, most: number): string[] {
  channels.clock = Math.max(channels.clock, time)
  const { byKey, clock } = channels
  const isCrowded = byKey.size > most / 2
  if (clock < channels.forgottenTo + (isCrowded ? HOUR : DAY)) return []
  channels.forgottenTo = clock
  const gone: string[] = []
  for (const [key, channel] of byKey) {
    if (isForgotten(channel, clock - BEHIND) || (isCrowded && clock - saidTo(channel) >= FORGOTTEN_CROWDED))
      gone.push(key)
  }
  for (const key of gone) drop(channels, key)
  return gone
}

export function drop({ byKey, windows }: Channels, key: string): void {
  windows.kept -= windowsOf(byKey.get(key)!)
  byKey.delete(key)
}

export const windowsOf = ({ series }: Channel): number =>
  series.reduce(
    (sum, one) => sum + (one ? one.scales.filter(({ tracker }) => tracker.window !== null).length : 0),
    0,
  )
