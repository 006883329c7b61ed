/** Which channels are kept: strangers may name as many as they like, and time makes more. */
import { DAY, floorTo, HOUR } from '../../../common/time.ts'
import { PARTS } from '../../../schemas/measures.js'
import type { Channel, CountState } from './state.ts'

/**
 * Most channels of a run at a time, of which each partition has an even share. One takes 2.6 kB with one message, and 3.8 with
 * one of each kind. Until others fall silent, messages in further ones count for the network alone, which the figure
 * `messages_refused` shows. What a source follows by name always has room: it follows far fewer.
 */
export const MOST_CHANNELS = 40_000
/**
 * So long a channel is kept in which nothing happens: as long as activity is, so that what is rebuilt from that is the same.
 * When it speaks again it is a new one; a gap of the source meanwhile is not said of it.
 */
const SILENT = 14 * DAY
/** Where more than half of the room is taken, all go that have been silent for a day. */
const SILENT_CROWDED = DAY

/** Nothing of it is remembered, and no bin of it is waited for. */
export const isQuiet = (channel: Channel): boolean =>
  channel.seen.size === 0 &&
  Object.values(channel.series).every((series) => series.idle && series.open.size === 0)

/** Drops channels that are silent by the time that the source has spoken of; it looks once a day, or hour where it is crowded. */
export function dropSilent(state: CountState, most: number): void {
  const isCrowded = state.channels.size > most / 2
  const spokenTo = Math.max(...PARTS.map((m) => state.network.spokenTo[m]))
  const now = floorTo(spokenTo, isCrowded ? HOUR : DAY)
  if (now <= state.sweptTo) return
  state.sweptTo = now
  const before = now - (isCrowded ? SILENT_CROWDED : SILENT)
  for (const [name, channel] of state.channels) {
    const { lastAt, polledAt, tracks } = channel
    if (lastAt >= before || polledAt >= before) continue
    const spokenOfTo = tracks ? Math.max(...PARTS.map((m) => tracks[m].to)) : Number.NEGATIVE_INFINITY
    if (spokenOfTo >= before) continue
    // Of one that is followed no more, nothing will ever be decided.
    if (tracks === null && !isQuiet(channel)) continue
    state.hashes -= channel.seen.size
    state.channels.delete(name)
    state.active.delete(name)
  }
}
