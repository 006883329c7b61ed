/** For tests: the simulation read back as anybody must read it, from its messages alone. */
import { BASE } from '../../common/time.ts'
import type { CastMessage } from '../../schemas/message.ts'
import { type Bin, type SimulationOptions, simulate } from './simulate.ts'

export const take = (stream: Iterator<Bin, never>, bins: number): Bin[] =>
  Array.from({ length: bins }, () => stream.next().value)
export const readBins = (options: SimulationOptions, bins: number): Bin[] => take(simulate(options), bins)

export type Observed = { casts: CastMessage[]; reactions: number }

/** Every channel's casts in order; a reply is in its parent's channel. */
export function observe(bins: Bin[]): Map<string | null, Observed> {
  const channels = new Map<string | null, Observed>()
  const channelOf = new Map<string, string | null>()
  for (const { messages } of bins) {
    for (const message of messages) {
      const under =
        message.type === 'cast'
          ? message.parent
          : message.type === 'reaction'
            ? { cast: message.target }
            : undefined
      if (under === undefined) continue
      const url = under === null ? null : 'url' in under ? under.url : channelOf.get(keyOf(under.cast.hash))
      if (url === undefined) throw new Error('a reply or reaction came before what it is to')
      const channel = channels.get(url) ?? { casts: [], reactions: 0 }
      channels.set(url, channel)
      if (message.type === 'cast') {
        channel.casts.push(message)
        channelOf.set(keyOf(message.hash), url)
      } else channel.reactions++
    }
  }
  return channels
}

export const keyOf = (hash: Buffer): string => hash.toString('latin1')
export const isReply = (cast: CastMessage): boolean => cast.parent !== null && 'cast' in cast.parent

/** Counts per 5 minutes over [from, to). */
export function countBins(casts: readonly CastMessage[], from: number, to: number): number[] {
  const counts = Array.from({ length: (to - from) / BASE }, () => 0)
  for (const { time } of casts) {
    if (time >= from && time < to) counts[Math.floor((time - from) / BASE)]!++
  }
  return counts
}
