import { DAY, HOUR } from '../../../common/time.ts'
import type { Database } from './database.ts'
import { keyText, prepare, type Storage, type Topic } from './storage.ts'

/** Records looked at, and at most deleted, between two yields. */
const STEP = 2000
/** A deleted key of a compacted topic is told for so long to readers that come late; as Kafka's `delete.retention.ms`. */
const TOMBSTONE_MS = DAY

/**
 * Deletes what the log need not keep: records past their topic's retention, all but the last record of each key of a
 * compacted topic, the records of deleted topics. Yields after every short transaction, so that others get their turn.
 */
export function createMaintenance(db: Database, storage: Storage, wallClock: () => number) {
  const selectTimes = prepare(
    db,
    'SELECT offset, count, time FROM records WHERE topic = ? AND partition = ? ORDER BY offset LIMIT ?',
  )
  const selectKeys = prepare(
    db,
    `SELECT offset, time, key, typeof(value) = 'null' FROM records
     WHERE topic = ? AND partition = ? AND offset < ? ORDER BY offset DESC LIMIT ?`,
  )
  const selectDeleted = prepare(
    db,
    `SELECT topic, partition FROM partitions
     WHERE topic IN (SELECT id FROM topics WHERE name IS NULL) ORDER BY topic, partition`,
  )
  const deleteBefore = prepare(db, 'DELETE FROM records WHERE topic = ? AND partition = ? AND offset < ?')
  const deleteOne = prepare(db, 'DELETE FROM records WHERE topic = ? AND partition = ? AND offset = ?')
  const moveFirst = prepare(db, 'UPDATE partitions SET first = ? WHERE topic = ? AND partition = ?')
  const forgetPartitions = prepare(db, 'DELETE FROM partitions WHERE topic = ?')
  const forgetTopic = prepare(db, 'DELETE FROM topics WHERE id = ?')

  const timesOf = (topic: number, partition: number) =>
    db.read(
      () =>
        selectTimes.all(topic, partition, STEP) as unknown as [offset: number, count: number, time: number][],
    )

  const selectNewest = prepare(
    db,
    'SELECT time FROM records WHERE topic = ? AND partition = ? ORDER BY offset DESC LIMIT 1',
  )
  const newest = Math.max(
    ...[...storage.topics.values()].flatMap(({ id, ends }) =>
      ends.map((_, partition) => {
        const [time] = db.read(() => selectNewest.all(id, partition) as unknown as [number][])[0] ?? []
        return time ?? Number.NEGATIVE_INFINITY
      }),
    ),
  )
  const isAhead = newest > Number.NEGATIVE_INFINITY && wallClock() > newest + DAY
  const opened = performance.now()
  /**
   * A clock that is far ahead of all that is in the log is believed after an hour: that of a machine that has just been
   * started may be years ahead until it has asked the time, and what is deleted by it is gone.
   */
  const now = (): number =>
    isAhead && performance.now() - opened < HOUR ? Math.min(wallClock(), newest + DAY) : wallClock()

  const isDeleted = (topic: Topic): boolean => storage.topics.get(topic.name) !== topic

  /**
   * A prefix goes, in whole rows: up to the first that is young enough, should the clock ever have gone back. The newest
   * row stays, as Kafka's active segment does: a source finds there how far it had come.
   */
  function* expire(topic: Topic, partition: number): Generator<void> {
    const ends = topic.ends[partition]!
    const oldest = now() - topic.retentionMs
    for (let more = true; more && !isDeleted(topic); ) {
      const rows = timesOf(topic.id, partition)
      const kept = rows.find(([, , time]) => time >= oldest)
      const last = rows.at(-1)
      if (!last) return
      more = kept === undefined && last[0] + last[1] < ends.next
      const first = kept?.[0] ?? (more ? last[0] + last[1] : last[0])
      if (first === rows[0]![0]) return
      db.write(() => {
        deleteBefore.run(topic.id, partition, first)
        moveFirst.run(first, topic.id, partition)
      })
      ends.first = first
      yield
    }
  }

  /**
   * From the newest record to the oldest, so that the first record met of a key is its last. Tombstones go at the end,
   * when nothing is left that they have deleted. The newest record stays: a group that has read all then has no lag.
   */
  function* compact(topic: Topic, partition: number): Generator<void> {
    const { next } = topic.ends[partition]!
    const oldest = now() - TOMBSTONE_MS
    const seen = new Set<string>()
    const tombstones: number[] = []
    const drop = (offsets: number[]) =>
      db.write(() => {
        for (const offset of offsets) deleteOne.run(topic.id, partition, offset)
      })
    for (let end = next; !isDeleted(topic); ) {
      const rows = db.read(
        () =>
          selectKeys.all(topic.id, partition, end, STEP) as unknown as [number, number, Uint8Array, 0 | 1][],
      )
      const superseded: number[] = []
      for (const [offset, time, bytes, deleted] of rows) {
        const key = keyText(bytes)
        if (seen.has(key)) superseded.push(offset)
        else if (deleted && time < oldest && offset < next - 1) tombstones.push(offset)
        seen.add(key)
      }
      if (superseded.length > 0) drop(superseded)
      yield
      if (rows.length < STEP) break
      end = rows.at(-1)![0]
    }
    while (tombstones.length > 0 && !isDeleted(topic)) {
      drop(tombstones.splice(0, STEP))
      yield
    }
  }

  function* purge(): Generator<void> {
    const rows = db.read(() => selectDeleted.all() as unknown as [number, number][])
    for (const [topic, partition] of rows) {
      for (;;) {
        const last = timesOf(topic, partition).at(-1)
        if (!last) break
        db.write(() => deleteBefore.run(topic, partition, last[0] + 1))
        yield
      }
    }
    db.write(() => {
      for (const topic of new Set(rows.map(([id]) => id))) {
        forgetPartitions.run(topic)
        forgetTopic.run(topic)
      }
    })
  }

  return {
    purge,
    /** Retention, or compaction, of every topic, then the purge. */
    *all(): Generator<void> {
      for (const topic of [...storage.topics.values()]) {
        const clean = topic.compacted ? compact : topic.retentionMs < Number.POSITIVE_INFINITY ? expire : null
        if (clean) for (const partition of topic.ends.keys()) yield* clean(topic, partition)
      }
      yield* purge()
    },
  }
}
