import type { EventLog, TopicPartition } from '../../pipeline/log/port.ts'
import { type Codec, isUnreadable } from '../../schemas/codec.ts'
import type { Activity } from '../../schemas/records.ts'

export type Keyed = { key: string; record: Activity }

const PAGE = 1000

/**
 * The end of a partition of `activity`, oldest first: from the last record that is `enough`, or somewhat before it, or
 * from the first that is kept. What can't be read is passed over: it is the consumers' to bury. Null values are too.
 */
export async function readTail(
  log: EventLog,
  codec: Codec,
  tp: TopicPartition,
  enough: (item: Keyed) => boolean,
): Promise<Keyed[]> {
  const { first, next } = (await log.ends(tp.topic)).find(({ partition }) => partition === tp.partition)!
  const pages: Keyed[][] = []
  for (let end = next, size = PAGE; end > first; size *= 2) {
    const begin = Math.max(first, end - size)
    const page: Keyed[] = []
    for await (const { offset, key, value } of log.read(tp, begin)) {
      if (offset >= end) break
      if (!value) continue
      try {
        await codec.prepare(value)
        page.push({ key, record: codec.decode(value) as Activity })
      } catch (error) {
        if (!isUnreadable(error)) throw error
      }
    }
    pages.unshift(page)
    if (page.some(enough)) break
    end = begin
  }
  return pages.flat()
}
