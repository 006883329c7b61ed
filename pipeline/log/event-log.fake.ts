import { FcmError } from '../../common/errors.ts'
import { createGroups } from './groups.ts'
import { leadOver } from './lead.ts'
import { partitionOf } from './partitioner.ts'
import type { EventLog, NewRec, Rec, TopicPartition } from './port.ts'
import { inRange } from './range.ts'

type Stored = { partitions: Rec[][]; waiting: Set<() => void> }

/** An event log in memory, for tests. It keeps the contract; of compaction and retention there is none. */
export function memoryLog({ now = Date.now }: { now?: () => number } = {}): EventLog {
  const topics = new Map<string, Stored>()
  /** Offsets by partition, by topic, by group. */
  const commits = new Map<string, Map<string, Map<number, number>>>()

  function stored(topic: string): Stored {
    const found = topics.get(topic)
    if (!found) throw new FcmError('TOPIC_UNKNOWN', { topic })
    return found
  }
  const recordsOf = ({ topic, partition }: TopicPartition): Rec[] => stored(topic).partitions[partition]!

  function committed(group: string, topic: string): Map<number, number> {
    stored(topic)
    return new Map(commits.get(group)?.get(topic))
  }

  function commit(group: string, { topic, partition }: TopicPartition, offset: number): void {
    const ofGroup = commits.get(group) ?? new Map<string, Map<number, number>>()
    commits.set(group, ofGroup)
    ofGroup.set(topic, new Map(ofGroup.get(topic)).set(partition, offset))
  }

  function place(record: NewRec, time: number): void {
    const { topic, key, value, headers = {} } = record
    const { partitions } = stored(topic)
    const partition = record.partition ?? partitionOf(Buffer.from(key), partitions.length)
    const offset = partitions[partition]!.length
    partitions[partition]!.push({
      ...{ topic, partition, offset, time, key, headers: { ...headers } },
      value: value && Buffer.from(value),
    })
  }

  function wake({ waiting }: Stored): void {
    for (const resolve of [...waiting]) resolve()
  }

  const groups = createGroups({
    partitions: (topic) => topics.get(topic)?.partitions.length,
    first: () => 0,
    committed: (group, { topic, partition }) => commits.get(group)?.get(topic)?.get(partition),
    commit: async (group, tp, offset) => commit(group, tp, offset),
    page(tp, from, limit) {
      const records = recordsOf(tp)
      return records.slice(inRange(tp, from, { first: 0, next: records.length })).slice(0, limit)
    },
    changed({ topic }, signal) {
      const { waiting } = stored(topic)
      return new Promise((resolve) => {
        const done = () => {
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        waiting.add(done)
        if (signal.aborted) done()
        else signal.addEventListener('abort', done)
      })
    },
  })

  return {
    async ensureTopics(specs) {
      for (const { name, partitions } of specs) {
        if (topics.has(name)) continue
        topics.set(name, { partitions: Array.from({ length: partitions }, () => []), waiting: new Set() })
      }
    },
    async topics(prefix) {
      return [...topics]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, { partitions }]) => ({ name, partitions: partitions.length }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async deleteTopics(names) {
      for (const name of names) {
        const found = topics.get(name)
        topics.delete(name)
        for (const ofGroup of commits.values()) ofGroup.delete(name)
        if (found) wake(found)
      }
    },
    async append(records) {
      // All or nothing.
      for (const { topic } of records) stored(topic)
      const time = now()
      for (const record of records) place(record, time)
      for (const topic of new Set(records.map(({ topic }) => topic))) wake(stored(topic))
    },
    async ends(topic) {
      return stored(topic).partitions.map((records, partition) => ({
        partition,
        first: 0,
        next: records.length,
      }))
    },
    read(tp, from = 0) {
      const next = topics.get(tp.topic)?.partitions[tp.partition]?.length ?? 0
      return (async function* () {
        const records = recordsOf(tp)
        for (let at = inRange(tp, from, { first: 0, next }); at < next; at++) yield records[at]!
      })()
    },
    subscribe: groups.subscribe,
    lead: leadOver(groups.subscribe),
    async committed(group, topic) {
      return committed(group, topic)
    },
    async groups(prefix) {
      return [...commits].flatMap(([group, ofGroup]) =>
        [...ofGroup.keys()].filter((topic) => topic.startsWith(prefix)).map((topic) => ({ group, topic })),
      )
    },
    close: groups.stop,
  }
}
