/** The embedded database alone, without a store on it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { putDatabase } from '../made.fixture.ts'
import { createDatabase } from './database.ts'
import { openPglite } from './pglite.ts'

/** The database with its tables and no rows, in a directory of its own that goes when it is closed. */
export async function openMade() {
  const dir = mkdtempSync(path.join(tmpdir(), 'fcm-database-'))
  putDatabase(dir)
  const pglite = await openPglite(path.join(dir, 'postgres'))
  const db = createDatabase({ max: 1, stream: pglite.stream, user: 'postgres', database: 'postgres' })
  return {
    db,
    pglite,
    async close() {
      await db.close()
      await pglite.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
