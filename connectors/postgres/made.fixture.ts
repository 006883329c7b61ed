/** An embedded database that is already made, for tests to begin with: to make one takes four seconds of a processor. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = join(ROOT, 'node_modules/.cache/fcm')

/** What a new database is made by. */
const MAKERS = [
  'node_modules/@electric-sql/pglite/package.json',
  ...globSync('connectors/postgres/database/{migrations/*.sql,migrate.ts,pglite*.ts}', { cwd: ROOT }).sort(),
]

const MAKE = `
import { openStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)}
await (await openStore({ dir: process.argv[2] })).close()`

/** Kept from one run of the tests to the next, for as long as what makes it stays the same. */
function made(): string {
  const digest = createHash('sha256')
  for (const file of MAKERS) digest.update(readFileSync(join(ROOT, file)))
  const kept = join(CACHE, digest.digest('hex').slice(0, 16))
  if (existsSync(kept)) return kept
  mkdirSync(CACHE, { recursive: true })
  const dir = mkdtempSync(join(CACHE, 'making-'))
  try {
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-', dir], { input: MAKE })
    if (status !== 0) throw new Error(`the database of the tests can't be made: ${stderr}`)
    renameSync(dir, kept)
  } catch (error) {
    // Another process was as fast.
    if (!existsSync(kept)) throw error
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  return kept
}

/** Puts a database with all tables and no rows where a data directory has it. */
export const putDatabase = (dataDir: string): void => cpSync(made(), dataDir, { recursive: true })
