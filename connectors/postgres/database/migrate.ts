/** Brings the tables of a database to those of this program, by the SQL files in `migrations/`, in order, once each. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import type { Database } from './database.ts'

const DIR = fileURLToPath(new URL('migrations', import.meta.url))
const TABLE = 'migrations'
const names = (): string[] =>
  readdirSync(DIR)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))

/**
 * Safe to call again, and by several processes at once: one does it, the others wait.
 * @throws Error when the tables are those of a newer program; its message says so.
 */
export async function migrate(db: Database): Promise<void> {
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
  const known = new Set(names())
  const { rows } = await db.query(`SELECT name FROM ${TABLE} ORDER BY id`)
  const unknown = rows.map((row) => row.name as string).filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new Error(`its tables were made by a newer version of fcm (${unknown.join(', ')})`)
  }
}

/** Names of the migrations that a database has not seen yet; changes nothing. */
export async function pendingMigrations(db: Pick<Database, 'query'>): Promise<string[]> {
  const { rows: there } = await db.query('SELECT to_regclass($1) AS name', [TABLE])
  const { rows } = there[0]?.name ? await db.query(`SELECT name FROM ${TABLE}`) : { rows: [] }
  const done = new Set(rows.map((row) => row.name))
  return names()
    .filter((name) => !done.has(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
}
