import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { bench, numbered, numbersOf, range, until } from '../contract/bench.ts'
import { assigner } from './assigner.ts'
import { createClient } from './client.ts'
import { openKafkaLog } from './kafka.ts'
import { onKafka } from './on-kafka.fixture.ts'

onKafka(({ broker, log, it, admin }) => {
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
    expect(reader.failures).toMatchObject([{ code: 'OFFSET_OUT_OF_RANGE', details: { first: 20, next: 20 } }])
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
  })

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
  })

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
    expect(Date.now() - began).toBeLessThan(5000)
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
    expect(Date.now() - began).toBeLessThan(5000)
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
        onRevoked: async ({ topic, partition }) => void mine.delete(`${topics.indexOf(topic)}/${partition}`),
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
