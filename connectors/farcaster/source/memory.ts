/**
 * What a polling source knows: a fold over the activity that it has published, and nothing else. So it can be made again
 * from the log, exactly, and no separate position can disagree with it.
 */
import { HOUR, LATENESS } from '../../../common/time.ts'
import { PARTS, type Part } from '../../../schemas/measures.js'
import type { CastId } from '../../../schemas/message.ts'
import type { Activity, CastRef } from '../../../schemas/records.ts'
import { NETWORK } from '../../../schemas/records.ts'
import { WATCHED } from './schedule.ts'

type ByMeasure = Record<Part, number>

/** Casts signed this long before the last round are forgotten; a reply takes its parent's channel for 48 h. */
export const MEMORY = 48 * HOUR + LATENESS

/**
 * What strangers can make grow. Casts beyond these aren't watched: what is under them is a gap, as are the reactions of a cast
 * of which no more are remembered. About 300 bytes a cast and 100 a reaction.
 */
export const LIMITS = {
  casts: 200_000,
  castsOfChannel: 20_000,
  reactions: 2_000_000,
  reactionsOfCast: 20_000,
}
export type Limits = typeof LIMITS

export type KnownCast = {
  id: CastId
  time: number
  /** The round before the one that brought it. */
  learnedAfter: number
  /** Hashes of its reactions. */
  reactions: Set<string>
  /** Greatest counts of its reactions by kind, from servers that tell counts. */
  counts: { like?: number; recast?: number }
  /** There may be more reactions than the server tells, or than are remembered. */
  saturated: boolean
}

/** Polls of casts that are due still: by cast, from when on they have to look; what was signed before has been seen. */
export type Owed = Record<'replies' | 'reactions', Map<string, number>>
export const newOwed = (): Owed => ({ replies: new Map(), reactions: new Map() })

export type ChannelMemory = {
  casts: Map<string, KnownCast>
  /** All before is decided: covered or a gap. */
  to: ByMeasure
  /** End of the last covered span. */
  coveredTo: ByMeasure
  /** The last round that polled it, by what was polled. */
  at: ByMeasure
  /** Posts have been read up to here, also those in gaps. */
  readTo: number
  /** Every poll that was due by the last round has been made, but for these. */
  owed: Owed
  /** What is signed before this may be under casts that aren't watched. */
  unwatchedTo: number
}

export type Memory = {
  /** The last round that is in the log whole, or the end of what a whole source had published. ms */
  mark: { at: number; next: number } | null
  /** Up to here the whole network was seen, by a source before this one. */
  whole: number
  /** Up to here every followed channel has spoken. */
  decided: ByMeasure
  channels: Map<string, ChannelMemory>
  /** The channel of every cast. */
  channelOf: Map<string, string>
  /** How many reactions are remembered. */
  reactions: number
  limits: Limits
}

const never = Number.NEGATIVE_INFINITY
const byMeasure = (): ByMeasure => ({ posts: never, replies: never, reactions: never })

export const newMemory = (limits: Limits = LIMITS): Memory => ({
  mark: null,
  whole: never,
  decided: byMeasure(),
  channels: new Map(),
  channelOf: new Map(),
  reactions: 0,
  limits,
})

export const idOf = (hash: Buffer): string => hash.toString('latin1')

function channelAt(memory: Memory, key: string): ChannelMemory {
  let channel = memory.channels.get(key)
  if (!channel) {
    channel = {
      casts: new Map(),
      to: byMeasure(),
      coveredTo: byMeasure(),
      at: byMeasure(),
      readTo: never,
      owed: newOwed(),
      unwatchedTo: never,
    }
    memory.channels.set(key, channel)
  }
  return channel
}

/** All before this is decided for a channel, by its own coverage or by that of the whole network. */
export const decidedTo = (memory: Memory, channel: ChannelMemory | undefined, m: Part): number =>
  Math.max(channel?.to[m] ?? never, memory.whole)
/** End of the last time of a channel that was covered, by its own coverage or by that of the whole network. */
export const coveredTo = (memory: Memory, channel: ChannelMemory | undefined, m: Part): number =>
  Math.max(channel?.coveredTo[m] ?? never, memory.whole)
/** The posts of a channel have been read up to here. */
export const readTo = (memory: Memory, channel: ChannelMemory | undefined): number =>
  Math.max(channel?.readTo ?? never, memory.whole)
/** Every poll of a channel that was due by then has been made, or is owed; or a whole source had seen all. */
export const polledTo = (memory: Memory, channel: ChannelMemory | undefined, m: Part): number =>
  Math.max(channel?.at[m] ?? never, memory.whole)

/** The time for which `record` marks the log, when it stands behind all that was published up to then; else null. */
export function markOf(key: string, record: Activity): { at: number; next: number } | null {
  if (key !== NETWORK) return null
  if (record.type === 'Polled') return { at: record.at, next: record.next ?? record.at }
  if (record.type === 'Coverage' && (record.status === 'complete' || record.status === 'gap'))
    return { at: record.to, next: record.to }
  return null
}

/** Takes in a record of the log. `after`: the mark before it; every record may come again. */
export function learn(memory: Memory, key: string, record: Activity, after: number): void {
  switch (record.type) {
    case 'Cast': {
      const id = idOf(record.hash)
      if (memory.channelOf.has(id)) return
      const { hash, fid, time } = record
      const channel = channelAt(memory, key)
      const { limits } = memory
      if (memory.channelOf.size >= limits.casts || channel.casts.size >= limits.castsOfChannel) {
        channel.unwatchedTo = Math.max(channel.unwatchedTo, time + WATCHED)
        return
      }
      memory.channelOf.set(id, key)
      channel.casts.set(id, {
        id: { hash, fid },
        time,
        learnedAfter: after,
        reactions: new Set(),
        counts: {},
        saturated: false,
      })
      return
    }
    case 'Reaction': {
      const cast = castOf(memory, key, record.target)
      const id = idOf(record.hash)
      if (!cast || cast.reactions.has(id)) return
      if (
        memory.reactions >= memory.limits.reactions ||
        cast.reactions.size >= memory.limits.reactionsOfCast
      ) {
        cast.saturated = true
        return
      }
      cast.reactions.add(id)
      memory.reactions++
      return
    }
    case 'ReactionCount': {
      const cast = castOf(memory, key, record.target)
      if (!cast) return
      cast.counts[record.kind] = Math.max(cast.counts[record.kind] ?? 0, record.count)
      cast.saturated ||= record.saturated
      return
    }
    case 'Coverage': {
      if (key === NETWORK) {
        if (record.status !== 'decided') memory.whole = Math.max(memory.whole, record.to)
        else for (const m of PARTS) if (record.measures.includes(m)) raise(memory.decided, m, record.to)
        return
      }
      const channel = channelAt(memory, key)
      for (const m of PARTS) {
        if (!record.measures.includes(m)) continue
        raise(channel.to, m, record.to)
        if (record.status === 'covered') raise(channel.coveredTo, m, record.to)
      }
      return
    }
    case 'Polled': {
      if (key === NETWORK) return
      const channel = channelAt(memory, key)
      if (record.at < channel.at.posts) return
      for (const m of PARTS) if (record.watched.includes(m)) raise(channel.at, m, record.at)
      if (record.complete.includes('posts')) channel.readTo = record.at - LATENESS
      channel.owed = newOwed()
      for (const { hash, measure, since } of record.owed)
        if (measure === 'replies' || measure === 'reactions') channel.owed[measure].set(idOf(hash), since)
    }
  }
}

function raise(times: ByMeasure, m: Part, to: number): void {
  times[m] = Math.max(times[m], to)
}

const castOf = (memory: Memory, key: string, target: CastRef): KnownCast | undefined =>
  memory.channels.get(key)?.casts.get(idOf(target.hash))

/** The log holds all of a round now: it is the last. Forgets what no later round asks about. */
export function close(memory: Memory, mark: { at: number; next: number }): void {
  memory.mark = mark
  const before = mark.at - MEMORY
  for (const [name, channel] of memory.channels) {
    for (const [id, { time, reactions }] of channel.casts) {
      if (time >= before) continue
      memory.reactions -= reactions.size
      channel.casts.delete(id)
      memory.channelOf.delete(id)
    }
    const heard = Math.max(...PARTS.map((m) => Math.max(channel.at[m], channel.to[m])))
    if (channel.casts.size === 0 && heard < before) memory.channels.delete(name)
  }
}
