import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { bench, numbered, numbersOf, range, readAll, until } from '../contract/bench.ts'
import { eventLogContract } from '../contract/event-log.contract.ts'
import { openEmbeddedLog } from './embedded.ts'
import { closeOpened, newDir, open } from './logs.fixture.ts'

afterEach(closeOpened)

eventLogContract('the embedded log', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-log-'))
  let log = await openEmbeddedLog(dir)
  return {
    log,
    handsOver: 'cleanly',
    async reopen() {
      await log.close()
      log = await openEmbeddedLog(dir)
      return log
    },
    cleanUp: () => rmSync(dir, { recursive: true }),
  }
})

test('closing writes what was still to be written', async () => {
  const dir = newDir()
  const log = await open(dir)
  const topic = await bench(log).topic()
  await log.maintain()
  const appends = range(0, 5).map((i) => log.append([{ topic, key: 'k', value: Buffer.alloc(1_500_000, i) }]))
  await log.close()
  await Promise.all(appends)
  expect(await readAll(await open(dir), topic)).toHaveLength(5)
})

test('an append to an unknown topic does not take those beside it along', async () => {
  const log = await open(newDir())
  const topic = await bench(log).topic()
  const done = await Promise.allSettled([
    log.append(numbered(topic, 0, 1)),
    log.append([...numbered(topic, 1, 2), ...numbered('unknown', 0, 1)]),
    log.append(numbered(topic, 2, 3)),
  ])
  expect(done.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(numbersOf(await readAll(log, topic))).toEqual([0, 2])
})

test('a page of large records ends early, and none is lost', async () => {
  const log = await open(newDir())
  const topic = await bench(log).topic()
  const value = Buffer.alloc(1024 * 1024)
  for (const i of range(0, 20)) await log.append([{ topic, key: String(i), value }])
  const sizes: number[] = []
  const reader = await bench(log).reader(topic, {
    onBatch: async (records) => void sizes.push(records.length),
  })
  await until(() => reader.seen.length === 20)
  expect(Math.max(...sizes)).toBeLessThan(20)
  expect(reader.seen.map(({ key }) => Number(key))).toEqual(range(0, 20))
})

test('what is kept in memory and what is not read as one', async () => {
  const log = await open(newDir())
  await log.ensureTopics([{ name: 't', partitions: 1, retentionMs: 1e12 }])
  const value = Buffer.alloc(5000)
  for (let i = 0; i < 100; i++) {
    value.writeUInt32BE(2 * i)
    const first = Buffer.from(value)
    value.writeUInt32BE(2 * i + 1)
    const both = [first, value].map((value) => ({ topic: 't', key: 'k', value }))
    await log.append(both)
    // It is the log's own from then on.
    first.fill(0)
  }
  for (const from of [0, 1, 93, 120, 140, 150, 151, 198, 199, 200]) {
    const read: number[] = []
    for await (const { offset, value } of log.read({ topic: 't', partition: 0 }, from)) {
      expect(Buffer.from(value!).readUInt32BE()).toBe(offset)
      read.push(offset)
    }
    expect(read).toEqual(Array.from({ length: 200 - from }, (_, i) => from + i))
  }
})

test('appending and reading leave others their turn', async () => {
  const log = await open(newDir())
  const topic = await bench(log).topic()
  let turns = 0
  const timer = setInterval(() => {
    turns += 1
  }, 1)
  const reader = await bench(log).reader(topic, { batchSize: 500 })
  const appends = range(0, 60).map((i) => log.append(numbered(topic, i * 500, i * 500 + 500)))
  await Promise.all(appends)
  await until(() => reader.seen.length === 30_000)
  clearInterval(timer)
  expect(turns).toBeGreaterThan(5)
})
