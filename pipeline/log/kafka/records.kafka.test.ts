/** Whatever others have written or packed, and however, is read. */
import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { numbersOf, range, readAll, until } from '../contract/bench.ts'
import { createClient } from './client.ts'
import { onKafka } from './on-kafka.fixture.ts'

onKafka(({ broker, log, it, admin }) => {
  test('records compressed with zstd, with gzip, and not at all are read', async () => {
    const topic = await it.topic()
    const producer = createClient({ brokers: [broker] }).kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const { None, GZIP, ZSTD } = kafkajs.CompressionTypes
    for (const [i, compression] of [None, GZIP, ZSTD].entries())
      await producer.send({ topic, compression, messages: [{ key: 'k', value: String(i) }] })
    await producer.disconnect()
    expect(numbersOf(await readAll(log, topic))).toEqual([0, 1, 2])
  })

  test('what others write without a key, or with headers of their own, is read', async () => {
    const topic = await it.topic()
    const producer = createClient({ brokers: [broker] }).kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const headers = { twice: ['a', 'b'], bytes: Buffer.from('c') }
    await producer.send({
      topic,
      messages: [
        { value: 'x', headers },
        { key: null, value: null },
      ],
    })
    await producer.disconnect()
    expect(await readAll(log, topic)).toMatchObject([
      { key: '', headers: { twice: 'b', bytes: 'c' } },
      { key: '', value: null, headers: {} },
    ])
  })

  test.each(['lz4', 'snappy', 'zstd', 'gzip', 'producer'])(
    'what a topic of compression.type %s has packed is read',
    async (codec) => {
      const topic = `fcm.contract.${randomUUID()}`
      const configEntries = [{ name: 'compression.type', value: codec }]
      await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] })
      await expect.poll(() => log.topics(topic)).toHaveLength(1)
      const text = (n: number) => Buffer.from(`${n} `.repeat(1 + (n % 50)))
      const values = range(0, 500).map(text)
      await log.append(values.map((value) => ({ topic, key: 'k', value })))
      const records = await readAll(log, topic)
      expect(records.map(({ value }) => String(value))).toEqual(values.map(String))
      const reader = await it.reader(topic)
      await until(() => reader.seen.length === 500)
      expect(reader.seen.map(({ value }) => String(value))).toEqual(values.map(String))
      await reader.subscription.stop()
    },
    60_000,
  )

  test('a transaction that was aborted is passed over, to the end', async () => {
    const topic = await it.topic()
    const producer = createClient({ brokers: [broker] }).kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      transactionalId: randomUUID(),
      maxInFlightRequests: 1,
      idempotent: true,
    })
    await producer.connect()
    for (const end of ['abort', 'commit'] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ key: 'k', value: end === 'commit' ? '1' : '0' }] })
      await transaction[end]()
    }
    await producer.disconnect()
    expect(numbersOf(await readAll(log, topic))).toEqual([1])
    const reader = await it.reader(topic)
    await until(() => reader.seen.length > 0)
    expect(numbersOf(reader.seen)).toEqual([1])
    await reader.subscription.stop()
  })
})
