import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Bench, bench, numbered, numbersOf, range, readAll, until } from '../contract/bench.ts'
import { eventLogContract } from '../contract/event-log.contract.ts'
import type { EventLog } from '../port.ts'
import { assigner } from './assigner.ts'
import { createClient } from './client.ts'
import { openKafkaLog } from './kafka.ts'

const run = promisify(execFile)
/** What a fixture says, run in a process of its own: this one has more to do. */
async function told(fixture: string, broker: string, topic: string) {
  const file = fileURLToPath(new URL(`${fixture}.fixture.ts`, import.meta.url))
  const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc']
  const { stdout } = await run(process.execPath, [...flags, file, broker, topic])
  return JSON.parse(stdout)
}

const services = inject('services')
const brokers = Object.entries(services?.brokers ?? {})

for (const [version, broker] of brokers) {
  const open = () => openKafkaLog({ brokers: [broker] })

  eventLogContract(`Kafka ${version}`, async () => {
    let log = open()
    return {
      log,
      handsOver: 'late',
      async reopen() {
        await log.close()
        log = open()
        return log
      },
    }
  })

  describe(`what Kafka ${version} and kafkajs have in store:`, () => {
    let log: EventLog
    let it: Bench
    const admin = createClient({ brokers: [broker] }).kafka.admin()
    beforeAll(async () => {
      log = open()
      it = bench(log)
      await admin.connect()
    })
    afterAll(async () => {
      await log.close()
      await admin.disconnect()
    })

    test('an idle reader and an idle writer rest', async () => {
      const topic = await it.topic()
      const { share, timers } = await told('idle', broker, topic)
      // On a quiet machine it is 0.004, of a core; with kafkajs's own timer 1,000 timers a second for each connection.
      expect(share).toBeLessThan(0.03)
      expect(timers).toBeLessThan(50)
    })

    test('who is far behind with many partitions holds little of them', async () => {
      const topic = await it.topic(8)
      for (const partition of range(0, 8)) {
        const records = range(0, 50_000).map(() => ({ topic, partition, key: 'k', value: randomBytes(60) }))
        await log.append(records)
      }
      const { bytes } = await told('behind', broker, topic)
      expect(bytes).toBeLessThan(40 * 2 ** 20)
    })

    test('what was deleted before it was read is a failure, and stays one', async () => {
      const topic = await it.topic()
      const group = randomUUID()
      let isSlow = true
      const options = {
        group,
        batchSize: 1,
        onBatch: async () => {
          while (isSlow) await sleep(10)
        },
      }
      // More than is fetched ahead, however well it is compressed.
      await log.append(range(0, 20).map(() => ({ topic, key: 'k', value: randomBytes(1_000_000) })))
      const reader = await it.reader(topic, options)
      await until(() => reader.seen.length > 0)
      await reader.subscription.commit({ topic, partition: 0 }, 1)
      // kafkajs does not look for the topic by itself.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '20' }] })
      isSlow = false
      await until(() => reader.failures.length > 0)
      expect(reader.failures).toMatchObject([
        { code: 'OFFSET_OUT_OF_RANGE', details: { first: 20, next: 20 } },
      ])
      // Nobody has put the group where the log begins now.
      expect(await log.committed(group, topic)).toEqual(new Map([[0, 1]]))
      const again = await it.reader(topic, options)
      await until(() => again.failures.length > 0)
      expect(again.failures).toMatchObject([{ code: 'OFFSET_OUT_OF_RANGE', details: { offset: 1 } }])
    })

    test('a handler may take longer than a session, and so may the beginning', async () => {
      const log = openKafkaLog({ brokers: [broker], sessionMs: 6000 })
      const it = bench(log)
      const topic = await it.topic()
      const group = randomUUID()
      await log.append(numbered(topic, 0, 2))
      let assigned = 0
      const reader = await it.reader(topic, {
        group,
        batchSize: 1,
        async onAssigned() {
          assigned++
          await sleep(8000)
          return undefined
        },
        onBatch: () => sleep(8000),
      })
      const generation = async () => {
        const { groups } = await admin.describeGroups([group])
        return groups[0]!.members.map(({ memberId }) => memberId)
      }
      await until(() => assigned === 1)
      const member = await generation()
      expect(member).toHaveLength(1)
      await until(() => reader.seen.length === 2)
      await sleep(7000)
      expect(await generation()).toEqual(member)
      expect([assigned, numbersOf(reader.seen), reader.failures]).toEqual([1, [0, 1], []])
      await log.close()
    }, 60_000)

    test('what a member that stood still for longer than a session keeps stays with it; a leader begins anew', async () => {
      const log = openKafkaLog({ brokers: [broker], sessionMs: 6000 })
      const topic = await bench(log).topic()
      let [assigned, revoked, turns, over] = [0, 0, 0, 0]
      const reader = await bench(log).reader(topic, {
        onAssigned: async () => void assigned++,
        onRevoked: async () => void revoked++,
      })
      const failures: unknown[] = []
      await log.lead(
        { topic, partition: 0 },
        {
          group: randomUUID(),
          async work(signal) {
            turns++
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
            over++
          },
          onFailure: (error) => failures.push(error),
        },
      )
      await until(() => assigned === 1 && turns === 1)
      await log.append(numbered(topic, 0, 1))
      await until(() => reader.seen.length === 1)
      // All of this process stands still, and the broker takes it for dead.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 9000)
      await log.append(numbered(topic, 1, 2))
      await until(() => numbersOf(reader.seen).includes(1) && turns === 2)
      expect([assigned, revoked, over, reader.failures, failures]).toEqual([1, 0, 1, [], []])
      await log.close()
    }, 60_000)

    /** Joins the group; `vanish` leaves it without a word, so that the group waits a minute for it. */
    async function passingMember(group: string, topic: string): Promise<{ vanish(): void }> {
      const { kafka, cut } = createClient({ brokers: [broker] })
      const consumer = kafka.consumer({
        ...{ groupId: group, sessionTimeout: 60_000, rebalanceTimeout: 60_000 },
        partitionAssigners: [
          assigner(
            () => [],
            async () => 2,
          ),
        ],
      })
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve))
      await consumer.run({ eachMessage: async () => {} })
      await joined
      return { vanish: cut }
    }

    test('one that waits to join a group with a member that is gone ends when it must', async () => {
      const topic = await it.topic(2)
      const group = randomUUID()
      const { vanish } = await passingMember(group, topic)
      vanish()
      const forcing = new AbortController()
      const joining = log.subscribe({
        ...{ group, topics: [topic], batchSize: 10, signal: forcing.signal },
        ...{ onBatch: async () => {}, onFailure: () => {} },
      })
      joining.catch(() => {})
      await sleep(1500)
      const began = Date.now()
      forcing.abort()
      await expect(joining).rejects.toBe(forcing.signal.reason)
      expect(Date.now() - began).toBeLessThan(1000)
    })

    test('so does one whose commits wait behind it', async () => {
      const topic = await it.topic(2)
      const group = randomUUID()
      const { vanish } = await passingMember(group, topic)
      const forcing = new AbortController()
      const reader = await it.reader(topic, { group, signal: forcing.signal })
      await until(() => reader.held.size === 1)
      await log.append(numbered(topic, 0, 100, 26))
      await until(() => reader.seen.length > 0)
      vanish()
      // The group begins anew for this one, and waits for all that it knows.
      const another = new AbortController()
      const joining = it.reader(topic, { group, signal: another.signal })
      joining.catch(() => {})
      await sleep(3000)
      const { partition, offset } = reader.seen.at(-1)!
      let isCommitted = false
      const commit = reader.subscription.commit({ topic, partition }, offset + 1).then(() => {
        isCommitted = true
      })
      await sleep(1000)
      expect(isCommitted).toBe(false)
      const began = Date.now()
      forcing.abort()
      await Promise.all([commit, reader.subscription.stop()])
      another.abort()
      expect(Date.now() - began).toBeLessThan(1000)
    })

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

    test('when others delete a topic, those who use other topics notice nothing', async () => {
      const [gone, kept] = [await it.topic(), await it.topic()]
      await log.append([...numbered(gone, 0, 1), ...numbered(kept, 0, 1)])
      await readAll(log, gone)
      const reader = await it.reader(kept)
      await admin.deleteTopics({ topics: [gone] })
      const results = await Promise.allSettled([
        log.append(numbered(kept, 1, 2)),
        log.append(numbered(gone, 1, 2)),
        log.append(numbered(kept, 2, 3)),
      ])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(results[1]).toMatchObject({ reason: { code: 'TOPIC_UNKNOWN' } })
      expect(new Set(numbersOf(await readAll(log, kept)))).toEqual(new Set([0, 1, 2]))
      await until(() => new Set(numbersOf(reader.seen)).size === 3)
      await reader.subscription.stop()
    })

    test('what goes to a partition that is there no more is not taken for written', async () => {
      const topic = await it.topic(3)
      await log.append(numbered(topic, 0, 3))
      await admin.deleteTopics({ topics: [topic] })
      const remade = () =>
        admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }).then(
          () => true,
          () => false,
        )
      await expect.poll(remade, { timeout: 20_000 }).toBe(true)
      // As roles do: again and again, while it may pass.
      const written = () =>
        log.append(numbered(topic, 3, 103, 26)).then(
          () => 'written',
          ({ code }) => code,
        )
      await expect.poll(written, { timeout: 20_000 }).toBe('written')
      expect(numbersOf(await readAll(log, topic))).toEqual(expect.arrayContaining(range(3, 103)))
    })

    test('a record that is too large is refused, and no other with it', async () => {
      const name = `fcm.contract.${randomUUID()}`
      await log.ensureTopics([
        { name, partitions: 1, retentionMs: Number.POSITIVE_INFINITY, maxBytes: 6 * 2 ** 20 },
      ])
      const record = (bytes: number) => ({ topic: name, key: 'k', value: Buffer.alloc(bytes, 1) })
      const appends = [
        record(10),
        { ...record(0), value: randomBytes(7 * 2 ** 20) },
        record(5 * 2 ** 20),
        record(11),
      ]
      const results = await Promise.allSettled(appends.map((one) => log.append([one])))
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
      expect(results[1]).toMatchObject({ reason: { code: 'RECORD_TOO_LARGE' } })
      expect((await readAll(log, name)).map(({ value }) => value!.length)).toEqual([10, 5 * 2 ** 20, 11])
    })

    test('partitions of all topics of a member go together, and stay when others come and go', async () => {
      const topics = [await it.topic(4), await it.topic(4)]
      const group = randomUUID()
      const held: Set<string>[] = []
      const join = async () => {
        const mine = new Set<string>()
        held.push(mine)
        return log.subscribe({
          ...{ group, topics, batchSize: 10, onBatch: async () => {}, onFailure: () => {} },
          onAssigned: async ({ topic, partition }) => void mine.add(`${topics.indexOf(topic)}/${partition}`),
          onRevoked: async ({ topic, partition }) =>
            void mine.delete(`${topics.indexOf(topic)}/${partition}`),
        })
      }
      const one = await join()
      await until(() => held[0]!.size === 8)
      const two = await join()
      await until(() => held[0]!.size === 4 && held[1]!.size === 4)
      for (const mine of held)
        for (const name of mine) expect(mine).toContain(`${1 - Number(name[0])}${name.slice(1)}`)
      const kept = [...held[0]!]
      await two.stop()
      await until(() => held[0]!.size === 8)
      expect(held[0]).toEqual(new Set([...kept, ...held[0]!]))
      await one.stop()
    })
  })
}

test.skipIf(brokers.length > 0)('needs Kafka, which is not here', () => {})

test('where no broker answers, it is said so, and may pass', async () => {
  const log = openKafkaLog({ brokers: ['127.0.0.1:1'] })
  await expect(log.topics('fcm.')).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE', retry: true })
  await log.close()
})
