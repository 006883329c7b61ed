import type { Channels } from './channel.ts'
import type { Item } from './item.ts'
import type { Watches } from './settle.ts'

export type DetectState = {
  channels: Channels
  /** What `apply` has left for `settle`. */
  queue: Item[]
  /** By channel. */
  watches: Map<string, Watches>
}
