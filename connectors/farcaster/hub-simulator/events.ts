/**
 * The events of a hub: what was merged, in blocks, per shard. A block here is a minute of signed time and is confirmed
 * when that has passed, so a message is told up to a minute after it can be read.
 */
import { createHash } from 'node:crypto'
import { DAY, FARCASTER_EPOCH, MINUTE, SECOND } from '../../../common/time.ts'
import { type Entry, jsonOf } from './entry.ts'

export const SHARDS = [1, 2] as const
export const shardOf = (fid: number): number => 1 + (fid % 2)

export const BLOCK = MINUTE
/** Events are kept this long. */
export const EVENT_RETENTION = 3 * DAY
/** An event's id is its block's number and, in the lowest 14 bits, its place in the block; 0 is the block itself. */
const SEQUENCE = 2 ** 14

type Merged = { entry: Entry; deleted: Entry[] }

export type EventQuery = {
  shard: number
  now: number
  /** From this id on, and before that one. */
  from: number
  stop: number
  size: number
  reverse: boolean
}

export type Events = {
  add(entry: Entry, deleted: Entry[], now: number): void
  /** Events as JSON, by id. Those before the oldest that is kept are passed over without a word, as hubs do. */
  page(query: EventQuery): string[]
  /** The number of the last confirmed block at `now`. */
  height(now: number): number
}

const blockOf = (time: number): number => Math.floor((time - FARCASTER_EPOCH) / BLOCK)
const oldestBlock = (now: number): number => Math.max(0, blockOf(now - EVENT_RETENTION))
const height = (now: number): number => blockOf(now) - 1

export function createEvents(): Events {
  /** By shard and block, oldest first. */
  const shards = SHARDS.map(() => new Map<number, Merged[]>())

  return {
    height,

    add(entry, deleted, now) {
      const blocks = shards[shardOf(entry.fid) - 1]!
      const block = blockOf(entry.time)
      const oldest = oldestBlock(now)
      const merged = blocks.get(block)
      if (merged) {
        merged.push({ entry, deleted })
        return
      }
      blocks.set(block, [{ entry, deleted }])
      for (const kept of blocks.keys()) {
        if (kept >= oldest) break
        blocks.delete(kept)
      }
    },

    page({ shard, now, from, stop, size, reverse }) {
      const blocks = shards[shard - 1]!
      const low = Math.max(oldestBlock(now), Math.floor(from / SEQUENCE))
      const high = Math.min(height(now), Math.floor((stop - 1) / SEQUENCE))
      const found: string[] = []
      const step = reverse ? -1 : 1
      for (let block = reverse ? high : low; block >= low && block <= high; block += step) {
        const merged = blocks.get(block) ?? []
        for (let i = 0; i <= merged.length; i++) {
          const sequence = reverse ? merged.length - i : i
          const id = block * SEQUENCE + sequence
          if (id < from || id >= stop) continue
          found.push(eventJson(id, block, shard, merged, sequence))
          if (found.length === size) return found
        }
      }
      return found
    },
  }
}

function eventJson(id: number, block: number, shard: number, merged: Merged[], sequence: number): string {
  const place = `"blockNumber":${block},"shardIndex":${shard}`
  if (sequence > 0) {
    const { entry, deleted } = merged[sequence - 1]!
    const body = `{"message":${jsonOf(entry)},"deletedMessages":[${deleted.map(jsonOf).join(',')}]}`
    return `{"type":"HUB_EVENT_TYPE_MERGE_MESSAGE","id":${id},"mergeMessageBody":${body},${place}}`
  }
  const body = JSON.stringify({
    blockNumber: block,
    shardIndex: shard,
    timestamp: ((block + 1) * BLOCK) / SECOND,
    blockHash: `0x${createHash('sha256').update(`${shard}/${block}`).digest('hex')}`,
    // It counts itself.
    totalEvents: 1 + merged.length,
  })
  return `{"type":"HUB_EVENT_TYPE_BLOCK_CONFIRMED","id":${id},"blockConfirmedBody":${body},${place}}`
}
