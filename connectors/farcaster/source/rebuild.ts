import { MINUTE } from '../../../common/time.ts'
import type { Keyed, Written } from '../../sources/source.ts'
import { close, type Limits, learn, MEMORY, type Memory, markOf, newMemory } from './memory.ts'

/** Clocks of others may run this far ahead of ours. */
const AHEAD = 15 * MINUTE

/**
 * The memory as it was after the last round that stands whole in the log: in every partition. What a round that was cut
 * off has left is passed over; that round is made again, and what it repeats is recognised by its hash.
 */
export async function rebuild({ partitions, readBack }: Written, limits?: Limits): Promise<Memory> {
  const memory = newMemory(limits)
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const mark = ({ key, record }: Keyed) => markOf(key, record)
  const newest = (items: Keyed[]) =>
    items.map(mark).reduce((a, b) => (a === null || (b !== null && b.at > a.at) ? b : a), null)

  const lasts = await Promise.all(
    all.map(async (partition) => newest(await readBack(partition, (item) => mark(item) !== null))),
  )
  if (lasts.includes(null)) return memory
  const last = lasts.reduce((a, b) => (b!.at < a!.at ? b : a))!

  const begin = last.at - MEMORY - AHEAD
  for (const partition of all) {
    const items = await readBack(partition, (item) => (mark(item)?.at ?? Number.POSITIVE_INFINITY) <= begin)
    const whole = items.findLastIndex((item) => (mark(item)?.at ?? Number.POSITIVE_INFINITY) <= last.at) + 1
    let after = Number.NEGATIVE_INFINITY
    for (const item of items.slice(0, whole)) {
      learn(memory, item.key, item.record, after)
      after = mark(item)?.at ?? after
    }
    // Of a round that was cut off, what it counted stands: a rise must not be told twice.
    for (const { key, record } of items.slice(whole))
      if (record.type === 'ReactionCount') learn(memory, key, record, after)
  }
  close(memory, last)
  return memory
}
