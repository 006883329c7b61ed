/** The file of the log: whose it is, what becomes of it when the disk fails or the process is killed. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { DAY } from '../../../common/time.ts'
import { bench, code, numbered, numbersOf, range, readAll, until } from '../contract/bench.ts'
import { openDatabase } from './database.ts'
import { closeOpened, newDir, open } from './logs.fixture.ts'

afterEach(closeOpened)

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
