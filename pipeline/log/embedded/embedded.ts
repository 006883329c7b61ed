import { setImmediate as nextTurn } from 'node:timers/promises'
import { HOUR } from '../../../common/time.ts'
import { createGroups } from '../groups.ts'
import { leadOver } from '../lead.ts'
import type { EventLog, NewRec, Rec, TopicPartition } from '../port.ts'
import { openDatabase } from './database.ts'
import { createMaintenance } from './maintenance.ts'
import { type Commit, createStorage, type Ends } from './storage.ts'

/** An event log in a file of this process. */
export interface EmbeddedLog extends EventLog {
  /** Retention and compaction, of all that is due. It also runs by itself: on opening, hourly, and as the log grows. */
  maintain(): Promise<void>
}

export type EmbeddedOptions = {
  /** The clock of append times, ms. */
  now?: () => number
  /** The file may not grow beyond this: stands in for a full disk in tests. */
  maxBytes?: number
}

/** Appends that wait at the same time share a transaction up to this size, some 10 ms of writing. */
const GROUP_BYTES = 2 * 1024 * 1024
/** Commits alone wait so long for records to go with: nobody does anything with them, and each transaction costs pages. */
const LINGER_MS = 5
/** What a record takes beside its value, roughly. */
const RECORD_BYTES = 200
/** Maintenance runs when this much was appended since. */
const MAINTAIN_BYTES = 64 * 1024 * 1024
const READ_RECORDS = 2000

type Write = {
  records: NewRec[]
  commits: Commit[]
  bytes: number
  resolve(): void
  reject(error: unknown): void
}

/**
 * Opens the event log of the data directory `dir`, making it when it is missing. One log holds a directory at a time,
 * until it is closed or its process ends, in whatever way.
 * Values handed to `append` must stay as they are until it resolves; an append is one transaction, so it stands whole
 * or not at all.
 * @throws FcmError DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, LOG_BROKEN, LOG_FULL
 */
export async function openEmbeddedLog(
  dir: string,
  { now = Date.now, maxBytes }: EmbeddedOptions = {},
): Promise<EmbeddedLog> {
  const db = openDatabase(dir, maxBytes)
  const storage = createStorage(db)
  const maintenance = createMaintenance(db, storage, now)
  const queue: Write[] = []
  /** In the file, and perhaps not yet on the disk. */
  const written: Write[] = []
  const waiting = new Map<Ends, Set<() => void>>()
  /** A flush comes in this turn, or (lingering) a little later. */
  let isDue = false
  let lingering: NodeJS.Timeout | undefined
  let unmaintained = 0
  let maintained = Promise.resolve()
  let syncing: Promise<void> | undefined
  let closing: Promise<void> | undefined

  function enqueue(records: NewRec[], commits: Commit[]): Promise<void> {
    const bytes = records.reduce((sum, { value }) => sum + RECORD_BYTES + (value?.length ?? 0), 0)
    return new Promise((resolve, reject) => {
      queue.push({ records, commits, bytes, resolve, reject })
      if (isDue) return
      if (records.length === 0) lingering ??= setTimeout(flush, LINGER_MS)
      else {
        isDue = true
        setImmediate(flush)
      }
    })
  }

  /** Writes what waits, in order, as one transaction; more than a group's size is left for the next turn. */
  function flush(): void {
    clearTimeout(lingering)
    lingering = undefined
    isDue = false
    if (queue.length === 0) return
    let bytes = 0
    let count = 0
    do bytes += queue[count++]!.bytes
    while (count < queue.length && bytes + queue[count]!.bytes <= GROUP_BYTES)
    const writes = queue.splice(0, count).filter(isPossible)
    if (queue.length > 0) {
      isDue = true
      setImmediate(flush)
    }
    try {
      const ends = storage.write(
        writes.flatMap(({ records }) => records),
        writes.flatMap(({ commits }) => commits),
        now(),
      )
      written.push(...writes)
      if (written.length > 0) syncing ??= syncAll()
      // Readers need not wait for the disk. What they make of it stands behind it in the file, and goes with it when the
      // machine fails; what has left the log by then has an identity, and comes again.
      for (const end of ends) wake(end)
    } catch (error) {
      for (const { reject } of writes) reject(error)
    }
    unmaintained += bytes
    if (unmaintained >= MAINTAIN_BYTES) maintainUnasked()
  }

  /** Waits for the disk, as long as there is anything to wait for; what is written meanwhile goes with the next time. */
  async function syncAll(): Promise<void> {
    while (written.length > 0) {
      const writes = written.splice(0)
      try {
        await db.sync()
        for (const { resolve } of writes) resolve()
      } catch (error) {
        for (const { reject } of writes) reject(error)
      }
    }
    syncing = undefined
  }

  /** One that names a topic or partition that does not exist must not take the others with it. */
  function isPossible({ records, commits, reject }: Write): boolean {
    try {
      for (const { topic, partition = 0 } of records) storage.ends({ topic, partition })
      for (const tp of commits) storage.ends(tp)
      return true
    } catch (error) {
      reject(error)
      return false
    }
  }

  function wake(end: Ends): void {
    const waiters = waiting.get(end)
    waiting.delete(end)
    for (const resolve of waiters ?? []) resolve()
  }

  function changed(tp: TopicPartition, signal: AbortSignal): Promise<void> {
    const end = storage.ends(tp)
    const waiters = waiting.get(end) ?? new Set()
    waiting.set(end, waiters)
    return new Promise((resolve) => {
      const done = () => {
        waiters.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      waiters.add(done)
      if (signal.aborted) done()
      else signal.addEventListener('abort', done)
    })
  }

  async function* pages(tp: TopicPartition, from: number | undefined, end: number): AsyncGenerator<Rec> {
    let position = from ?? storage.ends(tp).first
    // Small pages first: who asks for the oldest unread record reads one.
    for (let size = 1; ; size = Math.min(READ_RECORDS, size * 8)) {
      const records = storage.page(tp, position, end, size)
      if (records.length === 0) return
      yield* records
      position = records.at(-1)!.offset + 1
      await nextTurn()
    }
  }

  /** One after another, in short steps; closing ends it early. */
  function run(steps: () => Generator<void>): Promise<void> {
    const done = maintained.then(async () => {
      for (const _ of steps()) {
        await nextTurn()
        if (closing) return
      }
    })
    maintained = done.catch(() => undefined)
    return done
  }

  function maintain(): Promise<void> {
    unmaintained = 0
    return run(maintenance.all)
  }

  /** What stops it stops appends and reads too, which can say so; the next time comes by itself. */
  function maintainUnasked(): void {
    maintain().catch(() => undefined)
  }

  const groups = createGroups({
    partitions: (topic) => storage.topics.get(topic)?.ends.length,
    first: (tp) => storage.ends(tp).first,
    committed: (group, tp) => storage.committed(group, tp.topic).get(tp.partition),
    commit: (group, tp, offset) => enqueue([], [{ ...tp, group, offset }]),
    page: (tp, from, limit) => storage.page(tp, from, Number.MAX_SAFE_INTEGER, limit),
    changed,
  })

  async function shutDown(): Promise<void> {
    clearInterval(timer)
    await groups.stop()
    while (queue.length > 0) flush()
    await syncing
    await maintained
    await db.close()
  }

  const timer = setInterval(maintainUnasked, HOUR).unref()
  maintainUnasked()

  return {
    async ensureTopics(specs) {
      storage.create(specs)
      await db.sync()
    },
    async topics(prefix) {
      return [...storage.topics.values()]
        .filter(({ name }) => name.startsWith(prefix))
        .map(({ name, ends }) => ({ name, partitions: ends.length }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async deleteTopics(names) {
      const ends = names.flatMap((name) => storage.topics.get(name)?.ends ?? [])
      storage.remove(names)
      ends.forEach(wake)
      await Promise.all([db.sync(), run(maintenance.purge)])
    },
    async append(records) {
      if (records.length > 0) await enqueue(records, [])
    },
    async ends(topic) {
      return storage.topic(topic).ends.map((end, partition) => ({ partition, ...end }))
    },
    read(tp, from) {
      // The end is that of this call, not of the first record that is asked for.
      return pages(tp, from, storage.topics.get(tp.topic)?.ends[tp.partition]?.next ?? 0)
    },
    subscribe: groups.subscribe,
    lead: leadOver(groups.subscribe),
    async committed(group, topic) {
      return storage.committed(group, topic)
    },
    async groups(prefix) {
      return storage.groups(prefix)
    },
    maintain,
    close() {
      closing ??= shutDown()
      return closing
    },
  }
}
