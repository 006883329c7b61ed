/** What the log need not keep goes, and nothing else: by age, by key, and with its topic. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DAY, HOUR } from '../../../common/time.ts'
import { bench, code, numbered, numbersOf, range, readAll, until } from '../contract/bench.ts'
import type { Rec } from '../port.ts'
import { openEmbeddedLog } from './embedded.ts'
import { closeOpened, newDir, open } from './logs.fixture.ts'

afterEach(closeOpened)

describe('retention', () => {
  const retentionMs = 10_000
  const setUp = async () => {
    const clock = { time: 1_000_000 }
    const dir = newDir()
    const log = await open(dir, { now: () => clock.time })
    await log.ensureTopics([{ name: 't', partitions: 1, retentionMs }])
    return { clock, dir, log }
  }

  test('deletes what is older, but for what came last, and nothing else', async () => {
    const { clock, dir, log } = await setUp()
    await log.append(numbered('t', 0, 5000))
    clock.time += 6000
    await log.append(numbered('t', 5000, 5010))
    clock.time += 4000
    await log.maintain()
    expect(await log.ends('t')).toEqual([{ partition: 0, first: 0, next: 5010 }])
    clock.time += 1
    await log.maintain()
    expect(await log.ends('t')).toEqual([{ partition: 0, first: 5000, next: 5010 }])
    expect(numbersOf(await readAll(log, 't'))).toEqual(range(5000, 5010))
    clock.time += retentionMs
    await log.maintain()
    // A source that comes back after all this time finds there how far it had come.
    const newest = [{ partition: 0, first: 5000, next: 5010 }]
    expect(await log.ends('t')).toEqual(newest)
    await log.append(numbered('t', 5010, 5011))
    await log.maintain()
    const last = [{ partition: 0, first: 5010, next: 5011 }]
    expect(await log.ends('t')).toEqual(last)
    await log.close()
    expect(await (await open(dir)).ends('t')).toEqual(last)
  })

  test('a clock that is far ahead when it is opened is believed after an hour', async () => {
    const { clock, dir, log } = await setUp()
    await log.ensureTopics([{ name: 'long', partitions: 1, retentionMs: 14 * DAY }])
    await log.append(numbered('long', 0, 5000))
    clock.time += 1
    await log.append(numbered('long', 5000, 5010))
    await log.close()
    const started = performance.now()
    const monotonic = vi.spyOn(performance, 'now').mockReturnValue(started)
    const ahead = await open(dir, { now: () => clock.time + 700 * DAY })
    await ahead.append(numbered('long', 5010, 5020))
    await ahead.maintain()
    expect(await ahead.ends('long')).toEqual([{ partition: 0, first: 0, next: 5020 }])
    monotonic.mockReturnValue(started + HOUR)
    await ahead.maintain()
    expect(await ahead.ends('long')).toEqual([{ partition: 0, first: 5010, next: 5020 }])
  })

  test('a reader that it has overtaken is told, not moved on', async () => {
    const { clock, log } = await setUp()
    const it = bench(log)
    await log.append(numbered('t', 0, 3))
    const before = await it.reader('t', { group: 'g' })
    await until(() => before.seen.length === 3)
    await before.subscription.commit({ topic: 't', partition: 0 }, 1)
    await before.subscription.stop()
    const read = log.read({ topic: 't', partition: 0 }, 2)
    clock.time += retentionMs + 1
    await log.append(numbered('t', 3, 5))
    await log.maintain()
    const failed = await it.reader('t', { group: 'g' })
    await until(() => failed.failures.length > 0)
    expect(failed.failures).toEqual([code('OFFSET_OUT_OF_RANGE')])
    expect(failed.failures[0]).toMatchObject({ message: expect.stringContaining('Offset 1 of t/0') })
    await expect(read[Symbol.asyncIterator]().next()).rejects.toEqual(code('OFFSET_OUT_OF_RANGE'))
    const fresh = await it.reader('t')
    await until(() => fresh.seen.length === 2)
    expect(numbersOf(fresh.seen)).toEqual([3, 4])
  })
})

describe('compaction', () => {
  const values = (records: Iterable<Rec>) =>
    new Map([...records].map(({ key, value }) => [key, value && Buffer.from(value).toString()]))

  test('keeps the last record of every key, and a deleted key for a day', async () => {
    const record = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd\0', 'd'),
      value: fc.option(
        fc.nat(9).map((n) => Buffer.from(String(n))),
        { freq: 2 },
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 30 }), async (records) => {
        const clock = { time: DAY }
        const log = await openEmbeddedLog(newDir(), { now: () => clock.time })
        const topic = await bench(log).topic(1, true)
        await log.append(records.map((record) => ({ topic, ...record })))
        const all = values(await readAll(log, topic))
        await log.maintain()
        const kept = await readAll(log, topic)
        expect(values(kept)).toEqual(all)
        expect(kept).toHaveLength(all.size)
        clock.time += DAY + 1
        await log.maintain()
        const alive = await readAll(log, topic)
        // The newest record of all stays even when it is a tombstone.
        const newest = records.length - 1
        expect(alive).toEqual(kept.filter(({ value, offset }) => value !== null || offset === newest))
        expect((await log.ends(topic))[0]!.next).toBe(records.length)
        await log.close()
      }),
      { numRuns: 25 },
    )
  })

  test('goes over many pages, and a reader goes over its holes', async () => {
    const log = await open(newDir())
    const topic = await bench(log).topic(1, true)
    const records = range(0, 9000).map((i) => ({
      topic,
      key: String(i % 4500 < 4400 ? i % 10 : i),
      value: Buffer.from(String(i)),
    }))
    await log.append(records)
    const expected = values(await readAll(log, topic))
    await log.maintain()
    const kept = await readAll(log, topic)
    expect(values(kept)).toEqual(expected)
    expect(kept).toHaveLength(210)
    const reader = await bench(log).reader(topic, { onAssigned: async () => 1, batchSize: 50 })
    await until(() => reader.seen.length === 210)
    expect(reader.failures).toEqual([])
  })
})

describe('a deleted topic', () => {
  const rows = (dir: string): number => {
    const sql = new DatabaseSync(join(dir, 'log.sqlite'))
    const counts = ['topics', 'partitions', 'records', 'commits'].map(
      (table) => sql.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n as number,
    )
    sql.close()
    return counts.reduce((sum, n) => sum + n)
  }
  const setUp = async () => {
    const dir = newDir()
    const log = await open(dir)
    const topic = await bench(log).topic(2)
    await log.append(numbered(topic, 0, 9000, 5))
    const reader = await bench(log).reader(topic)
    await until(() => reader.seen.length === 9000)
    await reader.subscription.commit({ topic, partition: 0 }, 10)
    return { dir, log, topic, reader }
  }

  test('leaves nothing in the file, and its readers are told', async () => {
    const { dir, log, topic, reader } = await setUp()
    await log.deleteTopics([topic])
    await until(() => reader.failures.length > 0)
    expect(reader.failures).toEqual([code('TOPIC_UNKNOWN')])
    await log.close()
    expect(rows(dir)).toBe(0)
  })

  test('is purged later, when the log was closed before that was done', async () => {
    const { dir, log, topic } = await setUp()
    const deleted = log.deleteTopics([topic])
    await log.close()
    await deleted
    expect(rows(dir)).toBeGreaterThan(0)
    const again = await open(dir)
    expect(await again.topics('')).toEqual([])
    await again.maintain()
    await again.close()
    expect(rows(dir)).toBe(0)
  })
})
