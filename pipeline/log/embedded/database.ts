import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { FcmError } from '../../../common/errors.ts'

/** Of the tables below. */
const VERSION = 2

/**
 * `topics.name` is null once a topic is deleted, until its records are purged; ids are never used again.
 * `first` moves by retention alone, `next` by appends alone; both outlive the records.
 * A row of `records` is one record of a compacted topic, or (key is null) a batch of `count` of them; see batch.ts.
 */
const TABLES = `
  CREATE TABLE topics (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, retention REAL, compacted INTEGER NOT NULL);
  CREATE TABLE partitions (
    topic INTEGER, partition INTEGER, first INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)
  ) WITHOUT ROWID;
  CREATE TABLE records (
    topic INTEGER, partition INTEGER, offset INTEGER, count INTEGER NOT NULL, time INTEGER NOT NULL,
    key BLOB, value BLOB, headers TEXT,
    PRIMARY KEY (topic, partition, offset)
  ) WITHOUT ROWID;
  CREATE TABLE commits (
    name TEXT, topic INTEGER, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (name, topic, partition)
  ) WITHOUT ROWID;
  PRAGMA user_version = ${VERSION};
`

const PAGE_SIZE = 4096
/** Copied into the database at once, in the middle of everything else: some 20 ms. */
const CHECKPOINT_PAGES = 1000

export interface Database {
  sql: DatabaseSync
  /** Runs `work`, which is synchronous, in one transaction; undone when it throws. Durable after the next `sync`. */
  write<T>(work: () => T): T
  /**
   * Resolves when all that was written before is on the disk. Waiting for a disk takes milliseconds, and tens of them
   * when others use it too: SQLite would do it in the middle of this process' only thread.
   * @throws FcmError LOG_BROKEN, from then on always: what a disk has failed to keep, it may have forgotten.
   */
  sync(): Promise<void>
  /** Runs `work` with the errors of SQLite turned into those of this log. */
  read<T>(work: () => T): T
  close(): Promise<void>
}

/**
 * Opens `<dir>/log.sqlite`, making both when they are missing, and holds it alone. The lock is the operating system's,
 * on the file, so it goes with the process however that ends.
 * @param maxBytes the file may not grow beyond this (for tests of a full disk)
 * @throws FcmError DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, LOG_BROKEN, LOG_FULL
 */
export function openDatabase(dir: string, maxBytes?: number): Database {
  const file = join(dir, 'log.sqlite')
  let sql: DatabaseSync | undefined
  try {
    mkdirSync(dir, { recursive: true })
    sql = new DatabaseSync(file)
    // Set before the first access: the write-ahead log is then never shared, and the first transaction takes a lock on
    // the file that stays.
    sql.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA page_size = ${PAGE_SIZE};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA cache_size = -16000;
    `)
    if (maxBytes !== undefined) sql.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / PAGE_SIZE)}`)
    sql.exec('BEGIN IMMEDIATE')
    const { user_version: version } = sql.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version === 0) sql.exec(TABLES)
    else if (version !== VERSION) {
      const why = `it has format ${version}, and this program reads format ${VERSION}`
      throw new FcmError('LOG_BROKEN', { file, why })
    }
    sql.exec('COMMIT')
    return wrap(sql, file)
  } catch (error) {
    sql?.close()
    throw openError(error, dir, file)
  }
}

function wrap(sql: DatabaseSync, file: string): Database {
  let wal: number | undefined
  let broken: FcmError | undefined
  /** What waits for the disk: the file must not be closed under it. */
  const syncing = new Set<Promise<void>>()
  return {
    sql,
    write(work) {
      if (broken) throw broken
      try {
        sql.exec('BEGIN IMMEDIATE')
        const result = work()
        sql.exec('COMMIT')
        return result
      } catch (error) {
        // SQLite has undone it by itself after some errors.
        if (sql.isOpen && sql.isTransaction) sql.exec('ROLLBACK')
        throw logError(error, file, 'write')
      }
    },
    read(work) {
      try {
        return work()
      } catch (error) {
        throw logError(error, file, 'read')
      }
    },
    async sync() {
      if (broken) throw broken
      let done: Promise<void> | undefined
      try {
        // The file stays the same for as long as the database is open.
        wal ??= openSync(`${file}-wal`, 'r+')
        done = onDisk(wal)
        syncing.add(done)
        await done
      } catch (error) {
        broken = new FcmError('LOG_BROKEN', { file, why: (error as Error).message }, error)
        throw broken
      } finally {
        if (done) syncing.delete(done)
      }
    },
    async close() {
      await Promise.allSettled(syncing)
      sql.close()
      if (wal !== undefined) closeSync(wal)
    },
  }
}

const onDisk = promisify(fdatasync)

/** Primary result codes, https://sqlite.org/rescode.html. */
const BUSY = 5
const READONLY = 8
const IOERR = 10
const FULL = 13
const CANTOPEN = 14

const sqliteCode = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined

/** A quota that is reached (EDQUOT) and a full disk under the write-ahead log come as I/O errors. */
function logError(error: unknown, file: string, doing: 'read' | 'write'): unknown {
  const code = sqliteCode(error)
  if (code === undefined) return error
  if (code === FULL || (code === IOERR && doing === 'write')) return new FcmError('LOG_FULL', { file }, error)
  return new FcmError('LOG_BROKEN', { file, why: (error as Error).message }, error)
}

function openError(error: unknown, dir: string, file: string): unknown {
  const code = sqliteCode(error)
  if (code === BUSY) return new FcmError('DATA_DIR_LOCKED', { dir }, error)
  const isFs = error instanceof Error && 'syscall' in error
  if (isFs || code === CANTOPEN || code === READONLY) {
    return new FcmError('DATA_DIR_UNUSABLE', { dir, why: (error as Error).message }, error)
  }
  return logError(error, file, 'write')
}
