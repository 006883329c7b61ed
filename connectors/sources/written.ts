import type { EventLog, TopicPartition } from '../../pipeline/log/port.ts'
import { topicOf } from '../../pipeline/topology.ts'
import { type Codec, isUnreadable } from '../../schemas/codec.ts'
import type { Activity } from '../../schemas/records.ts'
import type { Keyed, Written } from './source.ts'

const PAGE = 1000

/** What the log holds of the run's activity. */
export async function writtenIn(log: EventLog, codec: Codec, run: string): Promise<Written> {
  const topic = topicOf(run, 'activity')
  const ends = await log.ends(topic)
  return {
    run,
    partitions: ends.length,
    isCut: ends.some(({ first }) => first > 0),
    readBack: (partition, enough) => readBack(log, codec, { topic, partition }, enough),
  }
}

/** What can't be read is the consumers' to bury. Null values are passed over, too. */
async function readBack(
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
