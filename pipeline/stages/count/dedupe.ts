import { floorTo, HOUR } from '../../../common/time.ts'

/**
 * Most hashes of a run, 57 bytes each: of all messages in named channels, of which each partition has an even share; and of those
 * in none, which are one key and so in one partition. Beyond it the oldest hours are forgotten.
 */
export const MOST_HASHES = { named: 1_000_000, none: 2_000_000 }

/** 64-bit prefixes of message hashes by the hour of their event time: a repeat has the same time, so it finds its hour. */
export type Seen = {
  hours: Map<number, Set<bigint>>
  size: number
  /** How often the cap made it forget an hour early. */
  capped: number
  swept: number
}

export const newSeen = (): Seen => ({ hours: new Map(), size: 0, capped: 0, swept: Number.NEGATIVE_INFINITY })

/** Remembers a message; false when it was remembered already. */
export function remember(seen: Seen, hash: Buffer, time: number): boolean {
  const hour = floorTo(time, HOUR)
  let hashes = seen.hours.get(hour)
  if (!hashes) {
    hashes = new Set()
    seen.hours.set(hour, hashes)
  }
  const before = hashes.size
  if (hashes.add(hash.readBigUInt64BE(0)).size === before) return false
  seen.size++
  return true
}

/** Whether a message is remembered. */
export const knows = (seen: Seen, hash: Buffer, time: number): boolean =>
  seen.hours.get(floorTo(time, HOUR))?.has(hash.readBigUInt64BE(0)) === true

/** Forgets the oldest hours, the same of all of them, until they hold at most `most`; returns how many they hold. */
export function forgetOldest(all: readonly Seen[], most: number): number {
  const sizes = new Map<number, number>()
  for (const { hours } of all) {
    for (const [hour, { size }] of hours) sizes.set(hour, (sizes.get(hour) ?? 0) + size)
  }
  let kept = 0
  let from = Number.POSITIVE_INFINITY
  for (const [hour, size] of [...sizes].sort(([a], [b]) => b - a)) {
    if (kept + size > most) break
    kept += size
    from = hour
  }
  for (const seen of all) {
    for (const hour of seen.hours.keys()) {
      if (hour >= from) continue
      drop(seen, hour)
      seen.capped++
    }
  }
  return kept
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
