import type { StatementSync } from 'node:sqlite'
import { FcmError } from '../../../common/errors.ts'
import { partitionOf } from '../partitioner.ts'
import type { NewRec, Rec, TopicPartition, TopicSpec } from '../port.ts'
import { inRange } from '../range.ts'
import { pack, unpack } from './batch.ts'
import type { Database } from './database.ts'

/** `first`: nothing before it is left; `next`: the offset of the record appended next. */
export type Ends = { first: number; next: number }
export type Topic = { id: number; name: string; retentionMs: number; compacted: boolean; ends: Ends[] }
export type Commit = TopicPartition & { group: string; offset: number }

/** The topics, records and commits of a log. Every call is synchronous, and short if its arguments are. */
export interface Storage {
  topics: ReadonlyMap<string, Topic>
  /** @throws FcmError TOPIC_UNKNOWN */
  topic(name: string): Topic
  /** @throws FcmError TOPIC_UNKNOWN, or a RangeError: no topic of ours has such a partition. */
  ends(tp: TopicPartition): Ends
  create(specs: TopicSpec[]): void
  /** The topics are gone at once; their records once they are purged. */
  remove(names: string[]): void
  /** All or nothing. Offsets rise in the order of the records. The partitions appended to. */
  write(records: NewRec[], commits: Commit[], time: number): Iterable<Ends>
  /**
   * At most `limit` records, of some 4 MB at most, from `from` on and before `end`.
   * @throws FcmError OFFSET_OUT_OF_RANGE when `from` was deleted or lies beyond the end of the partition.
   */
  page(tp: TopicPartition, from: number, end: number, limit: number): Rec[]
  committed(group: string, topic: string): Map<number, number>
  groups(prefix: string): { group: string; topic: string }[]
}

const PAGE_BYTES = 4 * 1024 * 1024
/** Of each partition so much that was appended last is kept in memory, where those who follow it find it. */
const TAIL_BYTES = 256 * 1024
/** As many are always read, however large: checkpoints come in chunks of up to a megabyte. */
const FIRST_ROWS = 8

type RecordRow = [
  offset: number,
  count: number,
  time: number,
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: string | null,
]

/** Keys are kept as bytes: SQLite's text ends at a zero byte, and strangers choose keys. */
export const keyText = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString()

/** A prepared statement whose rows are arrays: half the cost of objects. */
export function prepare(db: Database, source: string): StatementSync {
  const statement = db.read(() => db.sql.prepare(source))
  statement.setReturnArrays(true)
  return statement
}

type Keyed = { key: Buffer; record: NewRec }
type Batch = { offset: number; count: number; time: number; bytes: Buffer }
/** The last batches of a partition, without a hole up to its end. */
type Tail = { batches: Batch[]; bytes: number }

export function createStorage(db: Database): Storage {
  const insert = prepare(db, 'INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const moveNext = prepare(db, 'UPDATE partitions SET next = ? WHERE topic = ? AND partition = ?')
  const putCommit = prepare(
    db,
    `INSERT INTO commits VALUES (?, ?, ?, ?)
     ON CONFLICT (name, topic, partition) DO UPDATE SET next = excluded.next`,
  )
  const selectPage = prepare(
    db,
    `SELECT offset, count, time, key, value, headers FROM records
     WHERE topic = ? AND partition = ? AND offset >= ? AND offset < ? ORDER BY offset LIMIT ?`,
  )
  const selectBegin = prepare(
    db,
    `SELECT offset, count FROM records
     WHERE topic = ? AND partition = ? AND offset <= ? ORDER BY offset DESC LIMIT 1`,
  )
  const selectCommits = prepare(db, 'SELECT partition, next FROM commits WHERE name = ? AND topic = ?')
  const selectGroups = prepare(db, 'SELECT DISTINCT name, topic FROM commits ORDER BY name, topic')
  const insertTopic = prepare(db, 'INSERT INTO topics VALUES (NULL, ?, ?, ?) RETURNING id')
  const insertPartition = prepare(db, 'INSERT INTO partitions VALUES (?, ?, 0, 0)')
  const forgetTopic = prepare(db, 'UPDATE topics SET name = NULL WHERE id = ?')
  const forgetCommits = prepare(db, 'DELETE FROM commits WHERE topic = ?')

  const topics = db.read(() => loadTopics(db))
  const topic = (name: string): Topic => {
    const found = topics.get(name)
    if (!found) throw new FcmError('TOPIC_UNKNOWN', { topic: name })
    return found
  }
  const ends = (tp: TopicPartition): Ends => {
    const found = topic(tp.topic).ends[tp.partition]
    if (!found) throw new RangeError(`Topic ${tp.topic} has no partition ${tp.partition}`)
    return found
  }

  const tails = new WeakMap<Ends, Tail>()

  /** Inserts records; returns them as batches, unless their topic is compacted. */
  function put(
    { id, compacted }: Topic,
    partition: number,
    offset: number,
    records: Keyed[],
    time: number,
  ): Batch[] {
    if (compacted) {
      for (const [i, { key, record }] of records.entries()) {
        const { headers } = record
        const json = headers && Object.keys(headers).length > 0 ? JSON.stringify(headers) : null
        insert.run(id, partition, offset + i, 1, time, key, record.value, json)
      }
      return []
    }
    let at = offset
    return pack(records).map(({ count, bytes }) => {
      insert.run(id, partition, at, count, time, null, bytes, null)
      const batch = { offset: at, count, time, bytes }
      at += count
      return batch
    })
  }

  function remember(end: Ends, batches: Batch[]): void {
    const tail = tails.get(end) ?? { batches: [], bytes: 0 }
    tails.set(end, tail)
    for (const batch of batches) {
      tail.batches.push(batch)
      tail.bytes += batch.bytes.length
    }
    while (tail.bytes > TAIL_BYTES && tail.batches.length > 1)
      tail.bytes -= tail.batches.shift()!.bytes.length
  }

  /** The records [from, end) where all of them are in memory; else null. */
  function fromTail(tp: TopicPartition, from: number, end: number, limit: number): Rec[] | null {
    const batches = tails.get(ends(tp))?.batches
    if (!batches?.[0] || from < batches[0].offset) return null
    const records: Rec[] = []
    for (let i = batches.findLastIndex(({ offset }) => offset <= from); i < batches.length; i++) {
      const most = limit - records.length
      if (batches[i]!.offset >= end || most === 0) break
      unpack({ ...tp, ...batches[i]! }, { from, end, most }, records)
    }
    return records
  }

  /** The offset of the row in which `from` lies or, where compaction took it, behind which it lay. */
  function rowOf(topic: number, partition: number, from: number): number {
    const row = db.read(
      () => selectBegin.get(topic, partition, from) as unknown as [number, number] | undefined,
    )
    return row && row[0] + row[1] > from ? row[0] : from
  }

  return {
    topics,
    topic,
    ends,

    create(specs) {
      const missing = specs.filter((spec) => !topics.has(spec.name))
      if (missing.length === 0) return
      const made = db.write(() =>
        missing.map(({ name, partitions, retentionMs, compacted = false }): Topic => {
          const [id] = insertTopic.get(name, retentionMs, compacted ? 1 : 0) as unknown as [number]
          const ends = Array.from({ length: partitions }, () => ({ first: 0, next: 0 }))
          for (const partition of ends.keys()) insertPartition.run(id, partition)
          return { id, name, retentionMs, compacted, ends }
        }),
      )
      for (const topic of made) topics.set(topic.name, topic)
    },

    remove(names) {
      const found = names.flatMap((name) => topics.get(name) ?? [])
      db.write(() => {
        for (const { id } of found) {
          forgetTopic.run(id)
          forgetCommits.run(id)
        }
      })
      for (const { name } of found) topics.delete(name)
    },

    write(records, commits, time) {
      const byEnd = new Map<Ends, { topic: Topic; partition: number; records: Keyed[] }>()
      const appended = new Map<Ends, Batch[]>()
      for (const record of records) {
        const to = topic(record.topic)
        const key = Buffer.from(record.key)
        const partition = record.partition ?? partitionOf(key, to.ends.length)
        const end = ends({ topic: record.topic, partition })
        const group = byEnd.get(end)
        if (group) group.records.push({ key, record })
        else byEnd.set(end, { topic: to, partition, records: [{ key, record }] })
      }
      db.write(() => {
        for (const [end, { topic, partition, records }] of byEnd) {
          appended.set(end, put(topic, partition, end.next, records, time))
          moveNext.run(end.next + records.length, topic.id, partition)
        }
        for (const { group, topic: name, partition, offset } of commits) {
          putCommit.run(group, topic(name).id, partition, offset)
        }
      })
      for (const [end, batches] of appended) remember(end, batches)
      for (const [end, { records }] of byEnd) end.next += records.length
      return byEnd.keys()
    },

    page(tp, from, end, limit) {
      const { id } = topic(tp.topic)
      const there = ends(tp)
      inRange(tp, from, there)
      const last = Math.min(end, there.next)
      if (from >= last) return []
      const kept = fromTail(tp, from, last, limit)
      if (kept) return kept
      const records: Rec[] = []
      let bytes = 0
      // Rows read all at once cost half of rows one by one. Their sizes are not known before, so each time no more are
      // asked for than there are already, and a page is at most twice as large as it should be.
      let position = rowOf(id, tp.partition, from)
      for (let ask = FIRST_ROWS, read = 0; ask > 0 && bytes < PAGE_BYTES && records.length < limit; ) {
        const rows = db.read(
          () =>
            selectPage.all(id, tp.partition, position, last, Math.min(ask, limit)) as unknown as RecordRow[],
        )
        for (const [offset, count, time, key, value, headers] of rows) {
          if (key === null) {
            const row = { ...tp, offset, time, bytes: value! }
            unpack(row, { from, end: last, most: limit - records.length }, records)
          } else {
            const some = headers === null ? {} : JSON.parse(headers)
            records.push({ ...tp, offset, time, key: keyText(key), value, headers: some })
          }
          bytes += value?.length ?? 0
          position = offset + count
        }
        read += rows.length
        ask = rows.length < ask ? 0 : read
      }
      return records
    },

    committed: (group, name) =>
      new Map(db.read(() => selectCommits.all(group, topic(name).id) as unknown as [number, number][])),

    groups(prefix) {
      const names = new Map([...topics.values()].map(({ id, name }) => [id, name]))
      const rows = db.read(() => selectGroups.all() as unknown as [string, number][])
      return rows.flatMap(([group, id]) => {
        const name = names.get(id)
        return name?.startsWith(prefix) ? [{ group, topic: name }] : []
      })
    },
  }
}

function loadTopics(db: Database): Map<string, Topic> {
  const partitions = prepare(db, 'SELECT first, next FROM partitions WHERE topic = ? ORDER BY partition')
  const rows = prepare(
    db,
    'SELECT id, name, retention, compacted FROM topics WHERE name IS NOT NULL ORDER BY name',
  ).all() as unknown as [number, string, number, number][]
  return new Map(
    rows.map(([id, name, retentionMs, compacted]) => {
      const ends = (partitions.all(id) as unknown as [number, number][]).map(([first, next]) => ({
        first,
        next,
      }))
      return [name, { id, name, retentionMs, compacted: compacted === 1, ends }]
    }),
  )
}
