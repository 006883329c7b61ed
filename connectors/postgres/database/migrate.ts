/** Brings the tables of a database to those of this program, by the SQL files in `migrations/`, in order, once each. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FcmError } from '../../../common/errors.ts'
import { codeOf, type Database } from './database.ts'

const DIR = fileURLToPath(new URL('migrations', import.meta.url))
const TABLE = 'migrations'
const names = (): string[] =>
  readdirSync(DIR)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))

/** SQLSTATE: a lock was not to be had in the time that a migration gives it (`SET LOCAL lock_timeout`). */
const LOCK_NOT_AVAILABLE = '55P03'
const ATTEMPTS = 12

/**
 * Safe to call again, and by several processes at once: one does it, the others wait. Each migration is a transaction that
 * waits for no lock longer than a few seconds, since all others would wait behind it: it is tried again, for a minute.
 * @throws FcmError TABLES_NEWER; DATABASE_UNREACHABLE where others don't let go of a table
 */
export async function migrate(db: Database): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const done = await doneIn(db)
    refuseNewer(done)
    if (lackingFrom(done).length === 0) return
    try {
      await runMigrations(db)
    } catch (error) {
      if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error
      const why = 'others have been using its tables for so long that they could not be changed'
      if (attempt === ATTEMPTS) throw new FcmError('DATABASE_UNREACHABLE', { why }, error)
    }
  }
}

async function runMigrations(db: Database): Promise<void> {
  // Most often there is nothing to do, and it takes a tenth of a second to load.
  const { runner } = await import('node-pg-migrate')
  await db.withClient(async (client) => {
    await runner({
      dbClient: client,
      dir: DIR,
      direction: 'up',
      migrationsTable: TABLE,
      advisoryLockMode: 'wait',
      checkOrder: false,
      log: () => {},
    })
  })
}

/** Changes nothing. @throws FcmError TABLES_OLDER, TABLES_NEWER when the tables are not this program's */
export async function checkTables(db: Pick<Database, 'query'>): Promise<void> {
  const done = await doneIn(db)
  refuseNewer(done)
  const lacking = lackingFrom(done)
  if (lacking.length > 0)
    throw new FcmError('TABLES_OLDER', { what: done.length === 0 ? 'any tables' : lacking.join(', ') })
}

/** In the order in which they were made. */
async function doneIn(db: Pick<Database, 'query'>): Promise<string[]> {
  const { rows: there } = await db.query('SELECT to_regclass($1) AS name', [TABLE])
  if (!there[0]?.name) return []
  const { rows } = await db.query(`SELECT name FROM ${TABLE} ORDER BY id`)
  return rows.map((row) => row.name as string)
}

function refuseNewer(done: readonly string[]): void {
  const known = new Set(names())
  const unknown = done.filter((name) => !known.has(name))
  if (unknown.length > 0) throw new FcmError('TABLES_NEWER', { what: unknown.join(', ') })
}

const lackingFrom = (done: readonly string[]): string[] =>
  names()
    .filter((name) => !done.includes(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))

/** Names of the migrations that a database has not seen yet; changes nothing. */
export const pendingMigrations = async (db: Pick<Database, 'query'>): Promise<string[]> =>
  lackingFrom(await doneIn(db))
