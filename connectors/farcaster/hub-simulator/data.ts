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
  memory: number
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
  descriptionMentions: number[]
  descriptionMentionsPositions: number[]
  imageUrl: string
  headerImageUrl: string
  leadFid: number
  moderatorFids: number[]
  /** Unix seconds. */
  createdAt: number
  followerCount: number
  memberCount: number
  publicCasting: boolean
}

export type Place = Pick<Channel, 'name' | 'url' | 'leadFid' | 'createdAt' | 'followerCount' | 'memberCount'>

/** The channel list of these; an id is the name, with a number where another channel has it already. */
export function listChannels(places: Place[]): Channel[] {
  const ids = new Set<string>()
  return places.map((place) => {
    let id = place.name
    for (let n = 2; ids.has(id); n++) id = `${place.name}-${n}`
    ids.add(id)
    return {
      id,
      ...place,
      description: `All about ${id}.`,
      descriptionMentions: [],
      descriptionMentionsPositions: [],
      imageUrl: `https://images.example/channel/${encodeURIComponent(id)}.png`,
      headerImageUrl: `https://images.example/channel/${encodeURIComponent(id)}-header.png`,
      moderatorFids: [place.leadFid],
      publicCasting: true,
    }
  })
}
