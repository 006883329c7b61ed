/**
 * The channel of a message, decided once, where it enters: a post's is its parent URL as it is; a reply's is its
 * parent's; a removal's or a reaction's is its target's; `_` where there is none or the cast was read too long ago.
 */
import { HOUR, LATENESS } from '../../common/time.ts'
import type { Message } from '../../schemas/message.ts'
import type { Cast, CastRemoved, Reaction, ReactionRemoved } from '../../schemas/records.ts'
import { NETWORK, NO_CHANNEL } from '../../schemas/records.ts'

/** A message this much later than a cast, by their signed times, doesn't take its channel any more. */
export const MEMORY = 48 * HOUR

/** By the clock of what was read, a cast is forgotten later than `MEMORY`, since what refers to it may be late. */
const HORIZON = MEMORY + LATENESS

export type Stamped = { channel: string; record: Cast | CastRemoved | Reaction | ReactionRemoved }

export interface Stamp {
  /** The record of `message` and its key. To be called in the order in which the source reads. */
  stamp(message: Message): Stamped
}

type Known = { time: number; channel: string }

/**
 * Remembers the casts of the last 48 h of event time, at most twice that. A cast counts as known while both its
 * referrer is at most 48 h younger and the latest time read is at most 48 h + L ahead of it: so what is decided
 * depends on what was read, never on when memory is freed.
 */
export function createStamp(): Stamp {
  let young = new Map<string, Known>()
  let old = new Map<string, Known>()
  let clock = Number.NEGATIVE_INFINITY
  let youngSince = Number.NEGATIVE_INFINITY

  const advance = (time: number) => {
    clock = Math.max(clock, time)
    if (clock - youngSince <= HORIZON) return
    // All in `old` were read before `youngSince`, so all are past the horizon.
    old = young
    young = new Map()
    youngSince = clock
  }

  const recall = (hash: Buffer): Known | undefined => {
    const id = hash.toString('latin1')
    const known = young.get(id) ?? old.get(id)
    return known && clock - known.time <= HORIZON ? known : undefined
  }

  const channelOfCast = (hash: Buffer, referredAt: number): string => {
    const known = recall(hash)
    return known && referredAt - known.time <= MEMORY ? known.channel : NO_CHANNEL
  }

  const channelOf = (message: Message): string => {
    if (message.type === 'cast-removed') return channelOfCast(message.target, message.time)
    if (message.type !== 'cast') return channelOfCast(message.target.hash, message.time)
    // Read again, a cast keeps its channel, even when its parent was read in between.
    const known = recall(message.hash)
    if (known) return known.channel
    const { parent } = message
    const channel =
      parent === null
        ? NO_CHANNEL
        : 'cast' in parent
          ? channelOfCast(parent.cast.hash, message.time)
          : channelOfUrl(parent.url)
    young.set(message.hash.toString('latin1'), { time: message.time, channel })
    return channel
  }

  return {
    stamp(message) {
      advance(message.time)
      return { channel: channelOf(message), record: toRecord(message) }
    },
  }
}

const MAX_CHANNEL_BYTES = 1024

/**
 * The channel that a parent URL names: itself. The protocol lets any string stand there; what can't be a key, a name of
 * a series or a line of a report is no channel: nothing, over 1 kB, control characters, and the two reserved names.
 */
export function channelOfUrl(url: string): string {
  const usable =
    url !== '' && url !== NETWORK && Buffer.byteLength(url) <= MAX_CHANNEL_BYTES && !/\p{Cc}/u.test(url)
  return usable ? url : NO_CHANNEL
}

/** Nothing is verified: hash and signature are taken at their word. */
export function toRecord(message: Message): Stamped['record'] {
  const { hash, fid, time } = message
  const signed = { hash, fid, time, clock: 'signed', verified: false } as const
  switch (message.type) {
    case 'cast': {
      const { text, parent, urls, quotes, mentions } = message
      return {
        type: 'Cast',
        ...signed,
        text,
        parent: parent && 'cast' in parent ? parent.cast : null,
        parentUrl: parent && 'url' in parent ? parent.url : null,
        urls,
        quotes,
        mentions,
      }
    }
    case 'cast-removed':
      return { type: 'CastRemoved', ...signed, target: message.target }
    case 'reaction':
      return { type: 'Reaction', ...signed, kind: message.kind, target: message.target }
    case 'reaction-removed':
      return { type: 'ReactionRemoved', ...signed, kind: message.kind, target: message.target }
  }
}
