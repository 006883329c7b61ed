import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { EventLog, NewRec, Rec, SubscribeOptions, Subscription } from '../port.ts'

/** What a test of a log needs over and over; each call of `topic` makes a topic of its own. */
export type Bench = {
  log: EventLog
  topic(partitions?: number, compacted?: boolean): Promise<string>
  /** A subscriber to one topic, with what it has seen. Everything may be replaced by `options`. */
  reader(topic: string, options?: Partial<SubscribeOptions>): Promise<Reader>
}
export type Reader = {
  subscription: Subscription
  seen: Rec[]
  /** Partitions held now. */
  held: Set<number>
  failures: unknown[]
}

export const bench = (log: EventLog): Bench => ({
  log,

  async topic(partitions = 1, compacted = false) {
    const name = `fcm.contract.${randomUUID()}`
    await log.ensureTopics([{ name, partitions, retentionMs: Number.POSITIVE_INFINITY, compacted }])
    return name
  },

  async reader(topic, options = {}) {
    const reader = { seen: [] as Rec[], held: new Set<number>(), failures: [] as unknown[] }
    const { onAssigned, onBatch, onRevoked, ...rest } = options
    const subscription = await log.subscribe({
      group: randomUUID(),
      topics: [topic],
      batchSize: 100,
      async onAssigned(tp) {
        reader.held.add(tp.partition)
        return onAssigned?.(tp)
      },
      async onBatch(records, tp) {
        reader.seen.push(...records)
        await onBatch?.(records, tp)
      },
      async onRevoked(tp) {
        reader.held.delete(tp.partition)
        await onRevoked?.(tp)
      },
      onFailure: (error) => reader.failures.push(error),
      ...rest,
    })
    return { subscription, ...reader }
  },
})

/** Values `from` to `to` - 1, each as text, under the keys a, b, c, ... by turns. */
export const numbered = (topic: string, from: number, to: number, keys = 1): NewRec[] =>
  Array.from({ length: to - from }, (_, i) => ({
    topic,
    key: String.fromCharCode(97 + ((from + i) % keys)),
    value: Buffer.from(String(from + i)),
  }))

export const numbersOf = (records: Iterable<Rec>): number[] =>
  [...records].map(({ value }) => Number(Buffer.from(value!).toString()))

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

export async function readAll(log: EventLog, topic: string, from?: number): Promise<Rec[]> {
  const records: Rec[] = []
  for (const { partition } of await log.ends(topic)) {
    for await (const record of log.read({ topic, partition }, from)) records.push(record)
  }
  return records
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 20_000) throw new Error(`it never came true: ${condition}`)
    await sleep(5)
  }
}

export const ascending = (numbers: number[]): number[] => numbers.toSorted((a, b) => a - b)
export const code = (value: string) => expect.objectContaining({ code: value })

export type Opened = {
  log: EventLog
  /** Whether a new member of a group begins with a partition only when the old one has let go of it. */
  handsOver: 'cleanly' | 'late'
  reopen?(): Promise<EventLog>
  cleanUp?(): void
}

/** The log under test, in all parts of the suite. */
export type UnderTest = { opened: Opened; log: EventLog; it: Bench }
