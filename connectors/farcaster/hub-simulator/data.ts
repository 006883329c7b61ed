/** What stands behind a hub. */
import type { Entry } from './entry.ts'

export type HubData = {
  /** For people: what this is. */
  name: string
  /** Of faults and of what is made up. */
  seed: number
  /** The moment, ms, at which an own clock starts unless told otherwise. */
  live: number
  /** Casts and reactions signed longer ago, ms, are dropped. */
  retention: number
  /** As the channel list gives them. */
  channels: Channel[]
  /** What was signed up to `now` and has not come before, in the order of (time, hash). For one hub only. */
  upTo(now: number): Iterable<Entry>
}

/** An entry of the channel list. */
export type Channel = {
  id: string
  url: string
  name: string
  description: string
  leadFid: number
  /** Unix seconds. */
  createdAt: number
  followerCount: number
  memberCount: number
}

export type ChannelSeed = Omit<Channel, 'id' | 'description'>

/** The channel list of these; an id is the name, with a number where another channel has it already. */
export function listChannels(seeds: ChannelSeed[]): Channel[] {
  const ids = new Set<string>()
  return seeds.map((seed) => {
    let id = seed.name
    for (let n = 2; ids.has(id); n++) id = `${seed.name}-${n}`
    ids.add(id)
    return { id, ...seed, description: `All about ${id}.` }
  })
}
