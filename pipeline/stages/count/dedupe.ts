import { floorTo, HOUR } from '../../../common/time.ts'

/** More messages than a channel can have in a day and be read by people; beyond it the oldest hour is forgotten. */
export const MOST = 500_000
/** Of those in no channel, which are most of a whole network's; some 50 bytes each. */
export const MOST_OF_NONE = 4_000_000

/** 64-bit prefixes of message hashes by the hour of their event time: a repeat has the same time, so it finds its hour. */
export type Seen = {
  hours: Map<number, Set<bigint>>
  size: number
  /** How often the cap made it forget an hour early. */
  capped: number
  swept: number
}

export const newSeen = (): Seen => ({ hours: new Map(), size: 0, capped: 0, swept: Number.NEGATIVE_INFINITY })

/** Remembers a message; false when it was remembered already. `most` bounds the memory. */
export function remember(seen: Seen, hash: Buffer, time: number, most: number): boolean {
  const hour = floorTo(time, HOUR)
  let hashes = seen.hours.get(hour)
  if (!hashes) {
    hashes = new Set()
    seen.hours.set(hour, hashes)
  }
  const before = hashes.size
  if (hashes.add(hash.readBigUInt64BE(0)).size === before) return false
  seen.size++
  if (seen.size > most && seen.hours.size > 1) {
    drop(seen, Math.min(...seen.hours.keys()))
    seen.capped++
  }
  return true
}

/** Forgets the hours that ended before `time`; true when another hour has passed since it last looked. */
export function sweep(seen: Seen, time: number): boolean {
  const hour = floorTo(time, HOUR)
  if (hour <= seen.swept) return false
  seen.swept = hour
  for (const start of seen.hours.keys()) if (start < hour) drop(seen, start)
  return true
}

function drop(seen: Seen, hour: number): void {
  seen.size -= seen.hours.get(hour)?.size ?? 0
  seen.hours.delete(hour)
}
