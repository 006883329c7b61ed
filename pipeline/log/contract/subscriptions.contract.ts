import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { TopicPartition } from '../port.ts'
import { ascending, code, numbered, numbersOf, type Reader, range, type UnderTest, until } from './bench.ts'

/** Groups of subscribers: who gets what, when, and where the next goes on. */
export function subscriptionsContract(on: UnderTest): void {
  test('a subscriber gets all there is, then all that comes, in batches of the size it asked for', async () => {
    const topic = await on.it.topic(3)
    await on.log.append(numbered(topic, 0, 700, 26))
    const sizes: number[] = []
    const partitions = new Set<number>()
    const reader = await on.it.reader(topic, {
      batchSize: 7,
      async onBatch(records, tp) {
        sizes.push(records.length)
        for (const { partition } of records) partitions.add(partition)
        expect(new Set(records.map((r) => r.partition))).toEqual(new Set([tp.partition]))
      },
    })
    await until(() => reader.seen.length === 700)
    await on.log.append(numbered(topic, 700, 720, 26))
    await until(() => reader.seen.length === 720)
    expect(ascending(numbersOf(reader.seen))).toEqual(range(0, 720))
    expect(Math.max(...sizes)).toBe(7)
    expect(Math.min(...sizes)).toBeGreaterThan(0)
    expect(partitions.size).toBe(3)
    await reader.subscription.stop()
  })

  test('a slow handler is not overrun: one batch of a partition at a time, the partitions side by side', async () => {
    const topic = await on.it.topic(2)
    await on.log.append(range(0, 40).map((i) => ({ topic, partition: i % 2, key: 'k', value: null })))
    const running = [0, 0]
    let most = 0
    let together = 0
    const reader = await on.it.reader(topic, {
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
    const [topic, group] = [await on.it.topic(), randomUUID()]
    const tp = { topic, partition: 0 }
    await on.log.append(numbered(topic, 0, 50))
    const first = await on.it.reader(topic, { group })
    await until(() => first.seen.length === 50)
    expect(await on.log.committed(group, topic)).toEqual(new Map())
    await first.subscription.commit(tp, 10)
    await first.subscription.commit(tp, 30)
    await first.subscription.stop()
    expect(await on.log.committed(group, topic)).toEqual(new Map([[0, 30]]))
    expect(await on.log.groups(topic)).toEqual([{ group, topic }])
    expect((await on.log.ends(topic))[0]).toEqual({ partition: 0, first: 0, next: 50 })
    const second = await on.it.reader(topic, { group })
    await until(() => second.seen.length === 20)
    expect(numbersOf(second.seen)).toEqual(range(30, 50))
    const other = await on.it.reader(topic)
    await until(() => other.seen.length === 50)
    await second.subscription.stop()
    await other.subscription.stop()
  })

  test('a commit of a partition that is gone to another counts no more', async () => {
    const [topic, group] = [await on.it.topic(), randomUUID()]
    await on.log.append(numbered(topic, 0, 5))
    const reader = await on.it.reader(topic, { group })
    await until(() => reader.seen.length === 5)
    await reader.subscription.stop()
    await reader.subscription.commit({ topic, partition: 0 }, 5)
    expect(await on.log.committed(group, topic)).toEqual(new Map())
  })

  test('onAssigned may take its time, and says where to begin', async () => {
    const topic = await on.it.topic()
    await on.log.append(numbered(topic, 0, 20))
    let restored = false
    const reader = await on.it.reader(topic, {
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
    const topic = await on.it.topic()
    await on.log.append(numbered(topic, 0, 20))
    const reader = await on.it.reader(topic, { onAssigned: async () => 21 })
    await until(() => reader.failures.length > 0)
    expect(reader.failures).toEqual([code('OFFSET_OUT_OF_RANGE')])
    expect(reader.seen).toEqual([])
  })

  test('members share the partitions; when one leaves, the others go on from its commits', async () => {
    const [topic, group] = [await on.it.topic(4), randomUUID()]
    const owned = new Set<number>()
    const join = async () => {
      const member: Reader = await on.it.reader(topic, {
        group,
        batchSize: 3,
        async onAssigned({ partition }) {
          if (on.opened.handsOver === 'cleanly') expect(owned.has(partition)).toBe(false)
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
    await on.log.append(numbered(topic, 0, 200, 26))
    const two = await join()
    await until(() => one.held.size === 2 && two.held.size === 2)
    await on.log.append(numbered(topic, 200, 400, 26))
    await until(() => two.seen.length > 20)
    await one.subscription.stop()
    expect(one.held.size).toBe(0)
    await until(() => two.held.size === 4)
    await on.log.append(numbered(topic, 400, 500, 26))
    const all = () => numbersOf([...one.seen, ...two.seen])
    await until(() => new Set(all()).size === 500)
    // Every batch was committed before its partition moved, so none came twice.
    if (on.opened.handsOver === 'cleanly') expect(ascending(all())).toEqual(range(0, 500))
    else expect(ascending([...new Set(all())])).toEqual(range(0, 500))
    await two.subscription.stop()
    expect([...one.failures, ...two.failures]).toEqual([])
  })

  test('stop waits for the running batch, then revokes, and commits still count then', async () => {
    const [topic, group] = [await on.it.topic(), randomUUID()]
    await on.log.append(numbered(topic, 0, 10))
    const events: string[] = []
    const reader: Reader = await on.it.reader(topic, {
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
    expect(await on.log.committed(group, topic)).toEqual(new Map([[0, 2]]))
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
      const [topic, group] = [await on.it.topic(), randomUUID()]
      await on.log.append(numbered(topic, 0, 10))
      const revoked: TopicPartition[] = []
      const broken = await on.it.reader(topic, {
        group,
        ...bad,
        onRevoked: async (tp) => void revoked.push(tp),
      })
      const sound = await on.it.reader(topic, { group })
      await until(() => sound.seen.length === 10)
      expect(broken.failures).toEqual([failing])
      expect(revoked).toEqual([])
      await broken.subscription.stop()
      await sound.subscription.stop()
    },
  )

  test('a failure is told at once, whatever other partitions are at', async () => {
    const topic = await on.it.topic(2)
    await on.log.append([0, 1].map((partition) => ({ topic, partition, key: 'k', value: Buffer.of(1) })))
    const mayEnd = Promise.withResolvers<void>()
    const reader = await on.it.reader(topic, {
      onBatch: (_, { partition }) => (partition === 0 ? mayEnd.promise : Promise.reject(failing)),
    })
    await until(() => reader.failures.length > 0)
    expect(reader.failures).toEqual([failing])
    mayEnd.resolve()
    await reader.subscription.stop()
  })

  test('when onRevoked throws, that is a failure too', async () => {
    const topic = await on.it.topic()
    const reader = await on.it.reader(topic, { onRevoked: () => Promise.reject(failing) })
    await until(() => reader.held.size === 1)
    await reader.subscription.stop()
    await until(() => reader.failures.length > 0)
    expect(reader.failures).toEqual([failing])
  })

  test('once its signal is aborted, nothing is waited for: neither to join, nor for handlers to end', async () => {
    const [topic, forcing] = [await on.it.topic(), new AbortController()]
    await on.log.append(numbered(topic, 0, 1))
    const never = new Promise<void>(() => {})
    const reader = await on.it.reader(topic, { signal: forcing.signal, onBatch: () => never })
    await until(() => reader.seen.length === 1)
    const stopping = reader.subscription.stop()
    forcing.abort(new Error('at once'))
    await stopping
    await expect(on.it.reader(topic, { signal: forcing.signal })).rejects.toThrow('at once')
  })
}
