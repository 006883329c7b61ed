import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { partitionOf } from './partitioner.ts'
import type { EventLog, NewRec, Rec, SubscribeOptions, Subscription, TopicPartition } from './port.ts'

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

const ascending = (numbers: number[]): number[] => numbers.toSorted((a, b) => a - b)
const code = (value: string) => expect.objectContaining({ code: value })

type Opened = {
  log: EventLog
  /** Whether a new member of a group begins with a partition only when the old one has let go of it. */
  handsOver: 'cleanly' | 'late'
  reopen?(): Promise<EventLog>
  cleanUp?(): void
}

/**
 * What every event log promises. `open` gives the log under test; `reopen` closes it and opens it again, where a log
 * has a life of its own; `cleanUp` removes what is left of it when it is closed.
 */
export function eventLogContract(name: string, open: () => Promise<Opened>): void {
  describe(`${name} keeps the contract of an event log:`, () => {
    let opened: Opened
    let log: EventLog
    let it: Bench
    beforeAll(async () => {
      opened = await open()
      log = opened.log
      it = bench(log)
    })
    afterAll(async () => {
      await log.close()
      opened.cleanUp?.()
    })

    test('a record comes back as it was appended', async () => {
      const topic = await it.topic()
      const keys = ['', 'https://example.org/channel', 'über 🟣', 'a\0b']
      const values = [Buffer.from([0, 255, 10]), Buffer.alloc(0), null, Buffer.alloc(300_000, 7)]
      const headers = [{}, { why: 'because', 'ü\0': '🟣' }, {}, {}]
      const before = Date.now()
      await log.append(keys.map((key, i) => ({ topic, key, value: values[i]!, headers: headers[i]! })))
      const records = await readAll(log, topic)
      expect(records.map((r) => r.key)).toEqual(keys)
      expect(records.map((r) => r.value && Buffer.from(r.value))).toEqual(values)
      expect(records.map((r) => r.headers)).toEqual(headers)
      expect(records.map((r) => r.offset)).toEqual([0, 1, 2, 3])
      for (const { time } of records) expect(Math.abs(time - before)).toBeLessThan(60_000)
    })

    test('the key decides the partition as in Kafka, unless one is named', async () => {
      const topic = await it.topic(5)
      await log.append(numbered(topic, 0, 60, 20))
      for (const { key, partition } of await readAll(log, topic)) {
        expect(partition).toBe(partitionOf(Buffer.from(key), 5))
      }
      await log.append(range(0, 5).map((partition) => ({ topic, partition, key: '*', value: null })))
      for (const { partition, next } of await log.ends(topic)) {
        const records = []
        for await (const r of log.read({ topic, partition }, next - 1)) records.push(r)
        expect(records).toMatchObject([{ partition, key: '*' }])
      }
    })

    test('order within a partition is that of the calls, awaited or not', async () => {
      const topic = await it.topic(2)
      const reader = await it.reader(topic)
      await Promise.all(range(0, 300).map((i) => log.append(numbered(topic, i * 3, i * 3 + 3, 5))))
      await until(() => reader.seen.length === 900)
      for (const records of [await readAll(log, topic), reader.seen]) {
        for (const key of 'abcde') {
          const numbers = numbersOf(records.filter((r) => r.key === key))
          expect(numbers).toHaveLength(180)
          expect(numbers).toEqual(ascending(numbers))
        }
      }
    })

    test('topics are made once, listed by prefix, and unknown ones refused', async () => {
      const topic = await it.topic(3)
      await log.ensureTopics([{ name: topic, partitions: 7, retentionMs: 1 }])
      expect(await log.topics(topic)).toEqual([{ name: topic, partitions: 3 }])
      expect(await log.topics(`${topic}-not`)).toEqual([])
      const unknown = `fcm.unknown.${randomUUID()}`
      await expect(log.append(numbered(unknown, 0, 1))).rejects.toEqual(code('TOPIC_UNKNOWN'))
      await expect(log.ends(unknown)).rejects.toEqual(code('TOPIC_UNKNOWN'))
      const read = log.read({ topic: unknown, partition: 0 })[Symbol.asyncIterator]()
      await expect(read.next()).rejects.toEqual(code('TOPIC_UNKNOWN'))
      await expect(it.reader(unknown)).rejects.toEqual(code('TOPIC_UNKNOWN'))
    })

    test('a deleted topic takes its records and commits with it', async () => {
      const [topic, other, group] = [await it.topic(), await it.topic(), randomUUID()]
      await log.append([...numbered(topic, 0, 10), ...numbered(other, 0, 10)])
      const reader = await it.reader(topic, { group })
      await until(() => reader.seen.length === 10)
      await reader.subscription.commit({ topic, partition: 0 }, 10)
      await reader.subscription.stop()
      await log.deleteTopics([topic])
      expect(await log.topics(topic)).toEqual([])
      expect(await log.groups(topic)).toEqual([])
      expect(await readAll(log, other)).toHaveLength(10)
      await log.ensureTopics([{ name: topic, partitions: 1, retentionMs: 1000 }])
      expect(await log.ends(topic)).toEqual([{ partition: 0, first: 0, next: 0 }])
      expect(await log.committed(group, topic)).toEqual(new Map())
    })

    test('read goes from an offset to the end as it was at the call, or a little later', async () => {
      const topic = await it.topic()
      await log.append(numbered(topic, 0, 5000))
      const read = log.read({ topic, partition: 0 }, 1234)
      await log.append(numbered(topic, 5000, 5010))
      const records = []
      for await (const record of read) records.push(record)
      expect(numbersOf(records)).toEqual(range(1234, Math.max(5000, 1234 + records.length)))
      expect(await readAll(log, topic, 5010)).toEqual([])
      await expect(readAll(log, topic, 5011)).rejects.toEqual(code('OFFSET_OUT_OF_RANGE'))
    })

    test('a subscriber gets all there is, then all that comes, in batches of the size it asked for', async () => {
      const topic = await it.topic(3)
      await log.append(numbered(topic, 0, 700, 26))
      const sizes: number[] = []
      const partitions = new Set<number>()
      const reader = await it.reader(topic, {
        batchSize: 7,
        async onBatch(records, tp) {
          sizes.push(records.length)
          for (const { partition } of records) partitions.add(partition)
          expect(new Set(records.map((r) => r.partition))).toEqual(new Set([tp.partition]))
        },
      })
      await until(() => reader.seen.length === 700)
      await log.append(numbered(topic, 700, 720, 26))
      await until(() => reader.seen.length === 720)
      expect(ascending(numbersOf(reader.seen))).toEqual(range(0, 720))
      expect(Math.max(...sizes)).toBe(7)
      expect(Math.min(...sizes)).toBeGreaterThan(0)
      expect(partitions.size).toBe(3)
      await reader.subscription.stop()
    })

    test('a slow handler is not overrun: one batch of a partition at a time, the partitions side by side', async () => {
      const topic = await it.topic(2)
      await log.append(range(0, 40).map((i) => ({ topic, partition: i % 2, key: 'k', value: null })))
      const running = [0, 0]
      let most = 0
      let together = 0
      const reader = await it.reader(topic, {
        batchSize: 4,
        async onBatch(_, { partition }) {
          running[partition]! += 1
          most = Math.max(most, ...running)
          together = Math.max(together, running[0]! + running[1]!)
          await sleep(5)
          running[partition]! -= 1
        },
      })
      await until(() => reader.seen.length === 40)
      expect(most).toBe(1)
      expect(together).toBe(2)
      await reader.subscription.stop()
    })

    test('a group goes on from its commit, and its lag is what lies behind it', async () => {
      const [topic, group] = [await it.topic(), randomUUID()]
      const tp = { topic, partition: 0 }
      await log.append(numbered(topic, 0, 50))
      const first = await it.reader(topic, { group })
      await until(() => first.seen.length === 50)
      expect(await log.committed(group, topic)).toEqual(new Map())
      await first.subscription.commit(tp, 10)
      await first.subscription.commit(tp, 30)
      await first.subscription.stop()
      expect(await log.committed(group, topic)).toEqual(new Map([[0, 30]]))
      expect(await log.groups(topic)).toEqual([{ group, topic }])
      expect((await log.ends(topic))[0]).toEqual({ partition: 0, first: 0, next: 50 })
      const second = await it.reader(topic, { group })
      await until(() => second.seen.length === 20)
      expect(numbersOf(second.seen)).toEqual(range(30, 50))
      const other = await it.reader(topic)
      await until(() => other.seen.length === 50)
      await second.subscription.stop()
      await other.subscription.stop()
    })

    test('a commit of a partition that is gone to another counts no more', async () => {
      const [topic, group] = [await it.topic(), randomUUID()]
      await log.append(numbered(topic, 0, 5))
      const reader = await it.reader(topic, { group })
      await until(() => reader.seen.length === 5)
      await reader.subscription.stop()
      await reader.subscription.commit({ topic, partition: 0 }, 5)
      expect(await log.committed(group, topic)).toEqual(new Map())
    })

    test('onAssigned may take its time, and says where to begin', async () => {
      const topic = await it.topic()
      await log.append(numbered(topic, 0, 20))
      let restored = false
      const reader = await it.reader(topic, {
        async onAssigned() {
          await sleep(50)
          restored = true
          return 15
        },
        async onBatch() {
          expect(restored).toBe(true)
        },
      })
      await until(() => reader.seen.length === 5)
      expect(numbersOf(reader.seen)).toEqual(range(15, 20))
      await reader.subscription.stop()
      expect(reader.failures).toEqual([])
    })

    test('to begin where there is nothing, nor ever was, is a failure', async () => {
      const topic = await it.topic()
      await log.append(numbered(topic, 0, 20))
      const reader = await it.reader(topic, { onAssigned: async () => 21 })
      await until(() => reader.failures.length > 0)
      expect(reader.failures).toEqual([code('OFFSET_OUT_OF_RANGE')])
      expect(reader.seen).toEqual([])
    })

    test('members share the partitions; when one leaves, the others go on from its commits', async () => {
      const [topic, group] = [await it.topic(4), randomUUID()]
      const owned = new Set<number>()
      const join = async () => {
        const member: Reader = await it.reader(topic, {
          group,
          batchSize: 3,
          async onAssigned({ partition }) {
            if (opened.handsOver === 'cleanly') expect(owned.has(partition)).toBe(false)
            owned.add(partition)
            return undefined
          },
          async onBatch(records, tp) {
            await sleep(1)
            await member.subscription.commit(tp, records.at(-1)!.offset + 1)
          },
          async onRevoked({ partition }) {
            owned.delete(partition)
          },
        })
        return member
      }
      const one = await join()
      await until(() => one.held.size === 4)
      await log.append(numbered(topic, 0, 200, 26))
      const two = await join()
      await until(() => one.held.size === 2 && two.held.size === 2)
      await log.append(numbered(topic, 200, 400, 26))
      await until(() => two.seen.length > 20)
      await one.subscription.stop()
      expect(one.held.size).toBe(0)
      await until(() => two.held.size === 4)
      await log.append(numbered(topic, 400, 500, 26))
      const all = () => numbersOf([...one.seen, ...two.seen])
      await until(() => new Set(all()).size === 500)
      // Every batch was committed before its partition moved, so none came twice.
      if (opened.handsOver === 'cleanly') expect(ascending(all())).toEqual(range(0, 500))
      else expect(ascending([...new Set(all())])).toEqual(range(0, 500))
      await two.subscription.stop()
      expect([...one.failures, ...two.failures]).toEqual([])
    })

    test('stop waits for the running batch, then revokes, and commits still count then', async () => {
      const [topic, group] = [await it.topic(), randomUUID()]
      await log.append(numbered(topic, 0, 10))
      const events: string[] = []
      const reader: Reader = await it.reader(topic, {
        group,
        batchSize: 2,
        async onBatch() {
          events.push('begin')
          await sleep(30)
          events.push('end')
        },
        async onRevoked(tp) {
          events.push('revoked')
          await reader.subscription.commit(tp, 2)
        },
      })
      await until(() => events.length > 0)
      await reader.subscription.stop()
      expect(events).toEqual(['begin', 'end', 'revoked'])
      expect(await log.committed(group, topic)).toEqual(new Map([[0, 2]]))
      await sleep(20)
      expect(reader.seen).toHaveLength(2)
    })

    const failing = new Error('a handler broke')
    test.each([
      ['onAssigned', { onAssigned: () => Promise.reject(failing) }],
      ['onBatch', { onBatch: () => Promise.reject(failing) }],
    ])(
      'when %s throws, the subscription ends with onFailure, and another member takes over',
      async (_, bad) => {
        const [topic, group] = [await it.topic(), randomUUID()]
        await log.append(numbered(topic, 0, 10))
        const revoked: TopicPartition[] = []
        const broken = await it.reader(topic, {
          group,
          ...bad,
          onRevoked: async (tp) => void revoked.push(tp),
        })
        const sound = await it.reader(topic, { group })
        await until(() => sound.seen.length === 10)
        expect(broken.failures).toEqual([failing])
        expect(revoked).toEqual([])
        await broken.subscription.stop()
        await sound.subscription.stop()
      },
    )

    test('a failure is told at once, whatever other partitions are at', async () => {
      const topic = await it.topic(2)
      await log.append([0, 1].map((partition) => ({ topic, partition, key: 'k', value: Buffer.of(1) })))
      const mayEnd = Promise.withResolvers<void>()
      const reader = await it.reader(topic, {
        onBatch: (_, { partition }) => (partition === 0 ? mayEnd.promise : Promise.reject(failing)),
      })
      await until(() => reader.failures.length > 0)
      expect(reader.failures).toEqual([failing])
      mayEnd.resolve()
      await reader.subscription.stop()
    })

    test('when onRevoked throws, that is a failure too', async () => {
      const topic = await it.topic()
      const reader = await it.reader(topic, { onRevoked: () => Promise.reject(failing) })
      await until(() => reader.held.size === 1)
      await reader.subscription.stop()
      await until(() => reader.failures.length > 0)
      expect(reader.failures).toEqual([failing])
    })

    test('a log that is opened again has everything it had', async ({ skip }) => {
      if (!opened.reopen) skip()
      const [topic, group] = [await it.topic(2), randomUUID()]
      await log.append(numbered(topic, 0, 100, 26))
      const reader = await it.reader(topic, { group })
      await until(() => reader.seen.length === 100)
      await reader.subscription.commit({ topic, partition: 1 }, 20)
      const ends = await log.ends(topic)
      log = await opened.reopen!()
      it = bench(log)
      expect(ascending(numbersOf(await readAll(log, topic)))).toEqual(range(0, 100))
      expect(await log.ends(topic)).toEqual(ends)
      expect(await log.committed(group, topic)).toEqual(new Map([[1, 20]]))
      await log.append([{ topic, partition: 0, key: 'a', value: null }])
      expect((await log.ends(topic))[0]!.next).toBe(ends[0]!.next + 1)
    })
  })
}
