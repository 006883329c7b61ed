/** What the tests of this folder share. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { EventLog, NewRec, Rec, TopicPartition } from '../../pipeline/log/port.ts'
import type { CastMessage } from '../../schemas/message.ts'
import type { SchemaRegistry } from '../../schemas/registry.ts'

export const hash = (n: number): Buffer => {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt32BE(n, 16)
  return bytes
}

/** Cast `n`, under the cast or the URL `parent`. */
export const cast = (n: number, time: number, parent: number | string | null): CastMessage => ({
  type: 'cast',
  hash: hash(n),
  fid: 1,
  time,
  text: `cast ${n}`,
  parent:
    typeof parent === 'number'
      ? { cast: { fid: 1, hash: hash(parent) } }
      : parent === null
        ? null
        : { url: parent },
  urls: [],
  quotes: [],
  mentions: [],
})

/** Files of the test that calls it, in a directory that goes with it. */
export function temporaryFiles(): { dir: string; file(content: string | Uint8Array): string } {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-'))
  afterAll(() => rmSync(dir, { recursive: true }))
  let files = 0
  return {
    dir,
    file(content) {
      const path = join(dir, `${files++}.ndjson`)
      writeFileSync(path, content)
      return path
    },
  }
}

export async function collect<T>(items: Iterable<T> | AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Ids in order of registration, kept in memory. */
export function memoryRegistry(): SchemaRegistry {
  const schemas: object[] = []
  return {
    register: async (_subject, schema) => schemas.push(schema),
    schema: async (id) => schemas[id - 1]!,
  }
}

export type MemoryLog = EventLog & {
  /** By topic and partition. */
  records: Map<string, Rec[][]>
  /** Sees each append first; may have it fail with `error` after the first `keep(partition)` records of each partition. */
  onAppend: (records: NewRec[]) => { error: unknown; keep: (partition: number) => number } | undefined
}

/** Appends and reads, in memory, as the port says; nobody can subscribe. */
export function memoryLog(topics: string[], partitions: number): MemoryLog {
  const records = new Map(topics.map((t) => [t, Array.from({ length: partitions }, (): Rec[] => [])]))
  const unused = () => Promise.reject(new Error('not in this log'))
  const partitionOf = (key: string) => Buffer.from(key).reduce((sum, byte) => sum + byte, 0) % partitions
  const log: MemoryLog = {
    records,
    onAppend: () => undefined,
    async append(added) {
      const failure = log.onAppend(added)
      const counts = new Map<number, number>()
      for (const rec of added) {
        const partition = rec.partition ?? partitionOf(rec.key)
        const count = counts.get(partition) ?? 0
        if (failure && count >= failure.keep(partition)) continue
        counts.set(partition, count + 1)
        const kept = records.get(rec.topic)![partition]!
        kept.push({ headers: {}, ...rec, partition, offset: kept.length, time: 0 })
      }
      if (failure) throw failure.error
    },
    async ends(topic) {
      return records.get(topic)!.map((kept, partition) => ({ partition, first: 0, next: kept.length }))
    },
    async *read({ topic, partition }: TopicPartition, from = 0) {
      yield* records.get(topic)![partition]!.slice(from)
    },
    ensureTopics: unused,
    topics: unused,
    deleteTopics: unused,
    subscribe: unused,
    lead: unused,
    committed: unused,
    groups: unused,
    close: async () => {},
  }
  return log
}
