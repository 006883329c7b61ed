import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { DAY } from '../../../common/time.ts'
import { bench, numbered, numbersOf, range, readAll, until } from '../contract/bench.ts'
import { eventLogContract } from '../contract/event-log.contract.ts'
import type { EventLog, Rec } from '../port.ts'
import { openDatabase } from './database.ts'
import { type EmbeddedLog, type EmbeddedOptions, openEmbeddedLog } from './embedded.ts'

const dirs: string[] = []
const logs: EventLog[] = []
const newDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-log-'))
  dirs.push(dir)
  return dir
}
const open = async (dir: string, options?: EmbeddedOptions): Promise<EmbeddedLog> => {
  const log = await openEmbeddedLog(dir, options)
  logs.push(log)
  return log
}
const code = (value: string) => expect.objectContaining({ code: value })

afterEach(async () => {
  for (const log of logs.splice(0)) await log.close()
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true })
})

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

test('a full disk is said to be full; what was refused left nothing, and may be tried again', async () => {
  const dir = newDir()
  const log = await open(dir, { maxBytes: 400_000 })
  await log.ensureTopics([{ name: 'small', partitions: 1, retentionMs: DAY }])
  await log.ensureTopics([{ name: 'large', partitions: 1, retentionMs: DAY }])
  const large = range(0, 40).map((i) => ({ topic: 'large', key: String(i), value: Buffer.alloc(5000, i) }))
  await log.append(large)
  const refused = log.append([...numbered('small', 0, 10), ...large])
  await expect(refused).rejects.toMatchObject({ code: 'LOG_FULL', retry: true })
  expect(await log.ends('small')).toEqual([{ partition: 0, first: 0, next: 0 }])
  expect(await readAll(log, 'small')).toEqual([])
  await log.deleteTopics(['large'])
  await log.append(numbered('small', 0, 10))
  await log.close()
  expect(numbersOf(await readAll(await open(dir), 'small'))).toEqual(range(0, 10))
})

describe('the data directory', () => {
  test('belongs to one log at a time', async () => {
    const dir = newDir()
    const log = await open(dir)
    await expect(open(dir)).rejects.toEqual(code('DATA_DIR_LOCKED'))
    await log.append([])
    await log.close()
    await open(dir)
  })

  test('that can not be one is refused', async () => {
    const file = join(newDir(), 'file')
    writeFileSync(file, '')
    await expect(open(file)).rejects.toEqual(code('DATA_DIR_UNUSABLE'))
    await expect(open(join(file, 'below'))).rejects.toEqual(code('DATA_DIR_UNUSABLE'))
  })

  test('with a file that is no log is refused', async () => {
    const dir = newDir()
    writeFileSync(join(dir, 'log.sqlite'), 'something else, and long enough to be looked at '.repeat(100))
    await expect(open(dir)).rejects.toEqual(code('LOG_BROKEN'))
  })

  test('with a log that lost its end says that it is broken, and appends and reads do', async () => {
    const dir = newDir()
    const log = await open(dir)
    const topic = await bench(log).topic()
    await log.append(numbered(topic, 0, 20_000))
    await log.close()
    truncateSync(join(dir, 'log.sqlite'), 64 * 4096)
    await expect(open(dir).then((broken) => readAll(broken, topic))).rejects.toEqual(code('LOG_BROKEN'))
  })
})

test('what the disk fails to keep is not acknowledged, nor is anything after it', async () => {
  const dir = newDir()
  const db = openDatabase(dir)
  db.write(() => db.sql.exec('CREATE TABLE t (x)'))
  rmSync(join(dir, 'log.sqlite-wal'))
  await expect(db.sync()).rejects.toEqual(code('LOG_BROKEN'))
  await expect(db.sync()).rejects.toEqual(code('LOG_BROKEN'))
  expect(() => db.write(() => {})).toThrow(code('LOG_BROKEN'))
  await db.close()
})

describe('kill -9', () => {
  type Appender = {
    child: ChildProcessByStdio<null, Readable, Readable>
    last(): number
    kill(): Promise<void>
  }

  function startAppender(dir: string): Appender {
    const script = join(import.meta.dirname, 'appender.fixture.ts')
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, dir, 't'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let errors = ''
    child.stdout.on('data', (data) => {
      output += data
    })
    child.stderr.on('data', (data) => {
      errors += data
    })
    return {
      child,
      last: () => {
        if (errors) throw new Error(errors)
        return Math.max(-1, ...output.split('\n').slice(0, -1).map(Number))
      },
      async kill() {
        const closed = once(child, 'close')
        child.kill('SIGKILL')
        await closed
      },
    }
  }

  test('loses nothing that was acknowledged, leaves no half append, and frees the directory', async () => {
    const dir = newDir()
    let total = 0
    for (let round = 0; round < 5; round++) {
      const appender = startAppender(dir)
      try {
        await until(() => appender.last() >= total)
        if (round === 0) await expect(open(dir)).rejects.toEqual(code('DATA_DIR_LOCKED'))
        await new Promise((resolve) => setTimeout(resolve, randomInt(40)))
      } finally {
        await appender.kill()
      }
      const log = await open(dir)
      const numbers = numbersOf(await readAll(log, 't'))
      expect(numbers).toEqual(range(0, numbers.length))
      expect(numbers.length).toBeGreaterThan(appender.last())
      // Appends of 1, 9 and 50 follow each other: the log ends between two of them.
      expect([0, 1, 10]).toContain((numbers.length - total) % 60)
      total = numbers.length
      await log.close()
    }
  })
})
