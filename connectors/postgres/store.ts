/** Opens the store: on a PostgreSQL server, or on one that lives in the data directory. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { FcmError } from '../../common/errors.ts'
import { alertsFirst } from './alerts-first.ts'
import { alone } from './alone.ts'
import { createDatabase, type Database } from './database.ts'
import { exportAlerts, exportCounts, exportSignals } from './exports.ts'
import { migrate } from './migrate.ts'
import { openPglite } from './pglite.ts'
import { createPollingQueries, forgetPolls } from './polling.ts'
import type { Store } from './port.ts'
import { createQueries } from './queries.ts'
import { createStatistics } from './statistics.ts'
import { createWriter } from './write.ts'

export type StoreOptions = (
  | /** DATABASE_URL of a server. */ { url: string; dir?: string }
  | /** A data directory, whose lock the caller holds: the database is `postgres/` in it. */ {
      dir: string
      url?: undefined
    }
) & {
  /**
   * Where it takes its time (an embedded database is made, a server is away) it isn't waited for; whatever is asked of the
   * store waits, and fails as that does.
   */
  early?: boolean
}

const CONNECTIONS = 8
/** Each keeps a connection as long as what it is for takes. */
const MOST_LOCKS = 100

/**
 * Opens the store and brings its tables up to date.
 * @throws FcmError DATABASE_UNREACHABLE, OPTION_INVALID (of DATABASE_URL), DATA_DIR_UNUSABLE
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { early = false } = options
  if (options.url !== undefined) return openServer(options.url, early)
  const dir = path.join(options.dir, 'postgres')
  const isThere = existsSync(dir)
  const opening = openEmbedded(dir)
  // Whoever asks for something is told.
  opening.catch(() => {})
  if (isThere || !early) await opening
  const close = async () => (await opening.catch(() => undefined))?.close()
  const db = after(() => opening, close)
  return createStore(db, createStatistics(db.query))
}

/** A database for which `opened` has to be waited first. */
const after = (opened: () => Promise<Database>, close: () => Promise<void>): Database => ({
  query: async (...statement) => (await opened()).query(...statement),
  transaction: async (...work) => (await opened()).transaction(...work),
  withClient: async (work) => (await opened()).withClient(work),
  close,
})

async function openEmbedded(dir: string): Promise<Database> {
  const pglite = await openPglite(dir)
  // The one session stays: a new one would time out while a slow reader of standard output blocks this process.
  const session = { stream: pglite.stream, user: 'postgres', database: 'postgres' }
  const db = createDatabase({ ...session, max: 1, idleTimeoutMillis: 0 })
  const close = async () => {
    await db.close()
    await pglite.close()
  }
  try {
    await migrate(db)
    pglite.created()
    await createStatistics(db.query).analyze()
  } catch (error) {
    await close()
    throw new FcmError('DATA_DIR_UNUSABLE', { dir, why: (error as Error).message }, error)
  }
  return { ...db, close }
}

async function openServer(url: string, early: boolean): Promise<Store> {
  const server = createDatabase({ connectionString: url, max: CONNECTIONS, application_name: 'fcm' })
  let migrated: Promise<Database> | undefined
  // Until it has gone well once, whoever asks for something tries.
  const opened = () => {
    migrated ??= migrate(server).then(
      () => server,
      (error) => {
        migrated = undefined
        throw error instanceof FcmError ? error : unusable(error)
      },
    )
    return migrated
  }
  await opened().catch(async (error) => {
    if (early && error.retry) return
    await server.close()
    throw error
  })
  // Of their own: what they are for needs the others.
  const locks = createDatabase({ connectionString: url, max: MOST_LOCKS, application_name: 'fcm lock' })
  const store = createStore(after(opened, server.close))
  return {
    ...store,
    alone: (name, taken, work) => alone(locks, name, taken, work),
    async close() {
      await Promise.all([store.close(), locks.close()])
    },
  }
}

const unusable = (error: Error): FcmError =>
  new FcmError(
    'OPTION_INVALID',
    { option: 'DATABASE_URL', why: error.message, hint: 'Give another database' },
    error,
  )

/** A statement of a batch takes milliseconds; a server that takes so long for it is taken for gone. */
const WRITTEN_WITHIN_MS = 60_000

/** Tables whose rows belong to a series or a channel, or name their run. */
const OF_SERIES = ['counts', 'unknown_spans', 'late', 'signals']
const OF_CHANNEL = ['gaps', 'coverage', 'polls', 'series']
const OF_RUN = ['casts', 'removals', 'alert_events', 'alerts', 'channels']

/** `statistics`: of the embedded database, which has no autovacuum; a server cares for them, and for its space, by itself. */
function createStore(db: Database, statistics?: ReturnType<typeof createStatistics>): Store {
  const writer = createWriter(db, statistics ? undefined : WRITTEN_WITHIN_MS)
  const write = statistics ? alertsFirst(writer.write) : writer.write
  const freeSpace = async () => {
    if (statistics) await db.query('VACUUM (ANALYZE)')
  }

  return {
    async write(run, records) {
      const written = await write(run, records)
      await statistics?.grown(records.map(({ record }) => record.type))
      return written
    },
    ...createQueries(db.query),
    ...createPollingQueries(db.query),
    exportCounts: (filter) => exportCounts(db.query, filter),
    exportSignals: (filter) => exportSignals(db.query, filter),
    exportAlerts: (filter) => exportAlerts(db.query, filter),

    async deleteRun(run) {
      await db.transaction(async (query) => {
        // Waits for writes under way; later ones find the run gone.
        const { rows } = await query('SELECT id FROM runs WHERE name = $1 FOR UPDATE', [run])
        const id = rows[0]?.id
        if (id === undefined) return
        const channels = 'SELECT id FROM channels WHERE run = $1'
        const series = `SELECT id FROM series WHERE channel IN (${channels})`
        for (const table of OF_SERIES) await query(`DELETE FROM ${table} WHERE series IN (${series})`, [id])
        for (const table of OF_CHANNEL)
          await query(`DELETE FROM ${table} WHERE channel IN (${channels})`, [id])
        for (const table of OF_RUN) await query(`DELETE FROM ${table} WHERE run = $1`, [id])
        await query('DELETE FROM runs WHERE id = $1', [id])
      })
      writer.forget(run)
      await freeSpace()
    },

    async expire(textDays) {
      const blanked = await db.query(
        `UPDATE casts SET text = NULL
         WHERE text IS NOT NULL AND stored_at < now() - make_interval(secs => $1::float8 * 86400)`,
        [textDays],
      )
      const expired = blanked.changed + (await forgetPolls(db.query))
      if (expired > 0) await freeSpace()
      return expired
    },

    // An embedded database has one process.
    alone: (_name, _taken, work) => work(new AbortController().signal),

    async ping() {
      await db.query('SELECT 1')
    },

    close: db.close,
  }
}
