import { randomBytes, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { numbered, numbersOf, range, readAll, until } from '../contract/bench.ts'
import { onKafka } from './on-kafka.fixture.ts'

onKafka(({ log, it, admin }) => {
  test('when others delete a topic, those who use other topics notice nothing', async () => {
    const [gone, kept] = [await it.topic(), await it.topic()]
    await log.append([...numbered(gone, 0, 1), ...numbered(kept, 0, 1)])
    await readAll(log, gone)
    const reader = await it.reader(kept)
    await admin.deleteTopics({ topics: [gone] })
    // Brokers don't hear of it all at once.
    await expect.poll(() => admin.listTopics()).not.toContain(gone)
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
    await expect.poll(remade).toBe(true)
    // As roles do: again and again, while it may pass.
    const written = () =>
      log.append(numbered(topic, 3, 103, 26)).then(
        () => 'written',
        ({ code }) => code,
      )
    await expect.poll(written).toBe('written')
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
})
