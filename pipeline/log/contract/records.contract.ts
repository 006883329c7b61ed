import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { partitionOf } from '../partitioner.ts'
import {
  ascending,
  bench,
  code,
  numbered,
  numbersOf,
  range,
  readAll,
  type UnderTest,
  until,
} from './bench.ts'

/** Records and topics: what is appended, read, listed, deleted. */
export function recordsContract(on: UnderTest): void {
  test('a record comes back as it was appended', async () => {
    const topic = await on.it.topic()
    const keys = ['', 'https://example.org/channel', 'über 🟣', 'a\0b']
    const values = [Buffer.from([0, 255, 10]), Buffer.alloc(0), null, Buffer.alloc(300_000, 7)]
    const headers = [{}, { why: 'because', 'ü\0': '🟣' }, {}, {}]
    const before = Date.now()
    await on.log.append(keys.map((key, i) => ({ topic, key, value: values[i]!, headers: headers[i]! })))
    const records = await readAll(on.log, topic)
    expect(records.map((r) => r.key)).toEqual(keys)
    expect(records.map((r) => r.value && Buffer.from(r.value))).toEqual(values)
    expect(records.map((r) => r.headers)).toEqual(headers)
    expect(records.map((r) => r.offset)).toEqual([0, 1, 2, 3])
    for (const { time } of records) expect(Math.abs(time - before)).toBeLessThan(60_000)
  })

  test('the key decides the partition as in Kafka, unless one is named', async () => {
    const topic = await on.it.topic(5)
    await on.log.append(numbered(topic, 0, 60, 20))
    for (const { key, partition } of await readAll(on.log, topic)) {
      expect(partition).toBe(partitionOf(Buffer.from(key), 5))
    }
    await on.log.append(range(0, 5).map((partition) => ({ topic, partition, key: '*', value: null })))
    for (const { partition, next } of await on.log.ends(topic)) {
      const records = []
      for await (const r of on.log.read({ topic, partition }, next - 1)) records.push(r)
      expect(records).toMatchObject([{ partition, key: '*' }])
    }
  })

  test('order within a partition is that of the calls, awaited or not', async () => {
    const topic = await on.it.topic(2)
    const reader = await on.it.reader(topic)
    await Promise.all(range(0, 300).map((i) => on.log.append(numbered(topic, i * 3, i * 3 + 3, 5))))
    await until(() => reader.seen.length === 900)
    for (const records of [await readAll(on.log, topic), reader.seen]) {
      for (const key of 'abcde') {
        const numbers = numbersOf(records.filter((r) => r.key === key))
        expect(numbers).toHaveLength(180)
        expect(numbers).toEqual(ascending(numbers))
      }
    }
  })

  test('topics are made once, listed by prefix, and unknown ones refused', async () => {
    const topic = await on.it.topic(3)
    await on.log.ensureTopics([{ name: topic, partitions: 7, retentionMs: 1 }])
    expect(await on.log.topics(topic)).toEqual([{ name: topic, partitions: 3 }])
    expect(await on.log.topics(`${topic}-not`)).toEqual([])
    const unknown = `fcm.unknown.${randomUUID()}`
    await expect(on.log.append(numbered(unknown, 0, 1))).rejects.toEqual(code('TOPIC_UNKNOWN'))
    await expect(on.log.ends(unknown)).rejects.toEqual(code('TOPIC_UNKNOWN'))
    const read = on.log.read({ topic: unknown, partition: 0 })[Symbol.asyncIterator]()
    await expect(read.next()).rejects.toEqual(code('TOPIC_UNKNOWN'))
    await expect(on.it.reader(unknown)).rejects.toEqual(code('TOPIC_UNKNOWN'))
  })

  test('a deleted topic takes its records and commits with it', async () => {
    const [topic, other, group] = [await on.it.topic(), await on.it.topic(), randomUUID()]
    await on.log.append([...numbered(topic, 0, 10), ...numbered(other, 0, 10)])
    const reader = await on.it.reader(topic, { group })
    await until(() => reader.seen.length === 10)
    await reader.subscription.commit({ topic, partition: 0 }, 10)
    await reader.subscription.stop()
    await on.log.deleteTopics([topic])
    expect(await on.log.topics(topic)).toEqual([])
    expect(await on.log.groups(topic)).toEqual([])
    expect(await readAll(on.log, other)).toHaveLength(10)
    await on.log.ensureTopics([{ name: topic, partitions: 1, retentionMs: 1000 }])
    expect(await on.log.ends(topic)).toEqual([{ partition: 0, first: 0, next: 0 }])
    expect(await on.log.committed(group, topic)).toEqual(new Map())
  })

  test('read goes from an offset to the end as it was at the call, or a little later', async () => {
    const topic = await on.it.topic()
    await on.log.append(numbered(topic, 0, 5000))
    const read = on.log.read({ topic, partition: 0 }, 1234)
    await on.log.append(numbered(topic, 5000, 5010))
    const records = []
    for await (const record of read) records.push(record)
    expect(numbersOf(records)).toEqual(range(1234, Math.max(5000, 1234 + records.length)))
    expect(await readAll(on.log, topic, 5010)).toEqual([])
    await expect(readAll(on.log, topic, 5011)).rejects.toEqual(code('OFFSET_OUT_OF_RANGE'))
  })

  test('a log that is opened again has everything it had', async ({ skip }) => {
    if (!on.opened.reopen) skip()
    const [topic, group] = [await on.it.topic(2), randomUUID()]
    await on.log.append(numbered(topic, 0, 100, 26))
    const reader = await on.it.reader(topic, { group })
    await until(() => reader.seen.length === 100)
    await reader.subscription.commit({ topic, partition: 1 }, 20)
    const ends = await on.log.ends(topic)
    on.log = await on.opened.reopen!()
    on.it = bench(on.log)
    expect(ascending(numbersOf(await readAll(on.log, topic)))).toEqual(range(0, 100))
    expect(await on.log.ends(topic)).toEqual(ends)
    expect(await on.log.committed(group, topic)).toEqual(new Map([[1, 20]]))
    await on.log.append([{ topic, partition: 0, key: 'a', value: null }])
    expect((await on.log.ends(topic))[0]!.next).toBe(ends[0]!.next + 1)
  })
}
