/** Opens the store: on a PostgreSQL server, or on one that lives in the data directory. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { FcmError } from '../../common/errors.ts'
import { createAlerts } from './alerts/alert-queries.ts'
import type { Alerts } from './alerts/alerts.ts'
import { type Casts, createCasts } from './casts/casts.ts'
import { alone } from './database/alone.ts'
import { createDatabase, type Database } from './database/database.ts'
import { migrate } from './database/migrate.ts'
import { openPglite } from './database/pglite.ts'
import { createStatistics } from './database/statistics.ts'
import { alertsFirst } from './ingest/alerts-first.ts'
import type { Ingest } from './ingest/ingest.ts'
import { createWriter } from './ingest/write.ts'
import { createOperations, type Operations } from './operations/operations.ts'
import { createRuns, type Runs } from './runs/runs.ts'
import type { SeriesQueries } from './series/series.ts'
import { createSeries } from './series/series-queries.ts'

/** What is kept in the database, by what it is asked for. */
export type Store = {
  /** It lives in the data directory: one process, one session, and nobody else cares for its space. */
  embedded: boolean
  ingest: Ingest
  alerts: Alerts
  series: SeriesQueries
  casts: Casts
  operations: Operations
  runs: Runs
  /** Resolves when the database answers. */
  ping(): Promise<void>
  close(): Promise<void>
}

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
  // An embedded database has one process.
  return createStore(db, true, (_name, _taken, work) => work(new AbortController().signal))
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
  const close = async () => {
    await Promise.all([server.close(), locks.close()])
  }
  return createStore(after(opened, close), false, (...work) => alone(locks, ...work))
}

const unusable = (error: Error): FcmError =>
  new FcmError(
    'OPTION_INVALID',
    { option: 'DATABASE_URL', why: error.message, hint: 'Give another database' },
    error,
  )

/** A statement of a batch takes milliseconds; a server that takes so long for it is taken for gone. */
const WRITTEN_WITHIN_MS = 60_000

/**
 * A server runs ANALYZE and VACUUM by itself; an embedded database has one session and one process, and neither.
 */
function createStore(db: Database, embedded: boolean, alone: Runs['alone']): Store {
  const writer = createWriter(db, embedded ? undefined : WRITTEN_WITHIN_MS)
  const statistics = createStatistics(db.query)
  const write = embedded ? alertsFirst(writer.write) : writer.write
  return {
    embedded,
    ingest: {
      async write(run, records) {
        const written = await write(run, records)
        if (embedded) await statistics.grown(records.map(({ record }) => record.type))
        return written
      },
    },
    alerts: createAlerts(db.query),
    series: createSeries(db.query),
    casts: createCasts(db.query),
    operations: createOperations(db.query),
    runs: createRuns(db, {
      alone,
      forget: writer.forget,
      async freeSpace() {
        if (embedded) await db.query('VACUUM (ANALYZE)')
      },
    }),
    async ping() {
      await db.query('SELECT 1')
    },
    close: db.close,
  }
}
