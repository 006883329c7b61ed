/** Opens the store: on a PostgreSQL server, or on one that lives in the data directory. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { FcmError } from '../../common/errors.ts'
import { createAlerts } from './alerts/alert-queries.ts'
import type { Alerts } from './alerts/alerts.ts'
import { type Casts, createCasts } from './casts/casts.ts'
import { createDatabase, type Database } from './database/database.ts'
import { type Alone, createLocks } from './database/locks.ts'
import { checkTables, migrate } from './database/migrate.ts'
import { openPglite } from './database/pglite.ts'
import { createStatistics } from './database/statistics.ts'
import { createTurns, inTurns } from './database/turns.ts'
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
  /** The tables of a server are not touched: older and newer ones are refused. An embedded database has no other users. */
  asTheyAre?: boolean
  /** What a server has not answered by then is given up, ms; for tests. */
  readWithinMs?: number
  /** The wall clock in ms: in which month rows are stored. */
  now?: () => number
}

/**
 * Connections of one process to a server, 9 at most: those that write, those that read, and one that has all locks. So
 * slow readers hold up readers alone.
 */
export const CONNECTIONS = { writers: 4, readers: 4, locks: 1 }
/** A page takes some ms; a question that the server has not answered by then is too large. */
const READ_WITHIN_MS = 15_000
/** Between two statements of a transaction pass some ms; a process that is silent for so long may never go on. */
const LEFT_AFTER_MS = 20_000

/**
 * Opens the store and brings its tables up to date.
 * @throws FcmError DATABASE_UNREACHABLE, TABLES_OLDER, TABLES_NEWER, OPTION_INVALID (of DATABASE_URL), DATA_DIR_UNUSABLE
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { early = false, asTheyAre = false, readWithinMs = READ_WITHIN_MS, now = Date.now } = options
  if (options.url !== undefined) return openServer(options.url, { early, asTheyAre, readWithinMs, now })
  const dir = path.join(options.dir, 'postgres')
  const isThere = existsSync(dir)
  const opening = openEmbedded(dir)
  // Whoever asks for something is told.
  opening.catch(() => {})
  if (isThere || !early) await opening
  const db = after(
    () => opening,
    async () => (await opening.catch(() => undefined))?.close(),
  )
  // One session: what is asked takes its turn among what is written, behind the alerts.
  const turns = createTurns(1)
  const usual = inTurns(db, turns, 'usual')
  // An embedded database has one process.
  const alone: Alone = (_name, _taken, work) => work(new AbortController().signal)
  return createStore({
    embedded: true,
    now,
    urgent: inTurns(db, turns, 'urgent'),
    usual,
    readers: usual,
    alone,
  })
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
    await createStatistics(db.query).renew()
  } catch (error) {
    await close()
    if (error instanceof FcmError && error.code === 'TABLES_NEWER') throw error
    throw new FcmError('DATA_DIR_UNUSABLE', { dir, why: (error as Error).message }, error)
  }
  return { ...db, close }
}

async function openServer(
  url: string,
  {
    early,
    asTheyAre,
    readWithinMs,
    now,
  }: { early: boolean; asTheyAre: boolean; readWithinMs: number; now: () => number },
): Promise<Store> {
  const pool = (of: keyof typeof CONNECTIONS, settings = {}) =>
    createDatabase({ connectionString: url, max: CONNECTIONS[of], application_name: `fcm ${of}` }, settings)
  const writers = pool('writers', { leftAfterMs: LEFT_AFTER_MS })
  const [readers, locks] = [pool('readers', { readWithinMs }), pool('locks')]
  let migrated: Promise<void> | undefined
  // Until it has gone well once, whoever asks for something tries.
  const opened = () => {
    migrated ??= (asTheyAre ? checkTables : migrate)(writers).catch((error) => {
      migrated = undefined
      throw error instanceof FcmError ? error : unusable(error)
    })
    return migrated
  }
  const close = async () => {
    await Promise.all([writers, readers, locks].map((each) => each.close()))
  }
  await opened().catch(async (error) => {
    if (early && error.retry) return
    await close()
    throw error
  })
  const ready = (db: Database) => after(() => opened().then(() => db), close)
  const turns = createTurns(CONNECTIONS.writers)
  return createStore({
    embedded: false,
    now,
    urgent: inTurns(ready(writers), turns, 'urgent'),
    usual: inTurns(ready(writers), turns, 'usual'),
    readers: ready(readers),
    alone: createLocks(locks),
  })
}

/** A store that isn't there, for roles that need none: whatever is asked of it is refused with OPTION_INVALID. */
export function noStore(): Store {
  const refuse = async (): Promise<never> => {
    throw new FcmError('OPTION_INVALID', {
      option: 'DATABASE_URL',
      why: 'must be set for what is kept in the database',
      hint: 'It names the PostgreSQL server that the processes of a Kafka cluster share',
    })
  }
  const none: Database = { query: refuse, transaction: refuse, withClient: refuse, close: async () => {} }
  return createStore({
    embedded: false,
    now: Date.now,
    urgent: none,
    usual: none,
    readers: none,
    alone: refuse,
  })
}

const unusable = (error: Error): FcmError =>
  new FcmError(
    'OPTION_INVALID',
    { option: 'DATABASE_URL', why: error.message, hint: 'Give another database' },
    error,
  )

/** A statement of a batch takes milliseconds; a server that takes so long for it is taken for gone. */
const WRITTEN_WITHIN_MS = 60_000

type Parts = {
  /** A server runs ANALYZE and VACUUM by itself; an embedded database has neither. */
  embedded: boolean
  now: () => number
  /** Closing one of these closes all. */
  urgent: Database
  usual: Database
  readers: Database
  alone: Alone
}

function createStore({ embedded, now, urgent, usual, readers, alone }: Parts): Store {
  const writer = createWriter({ urgent, usual }, now, embedded ? undefined : WRITTEN_WITHIN_MS)
  const statistics = createStatistics(usual.query)
  const alerts = createAlerts(readers.query, usual)
  const write = embedded ? alertsFirst(writer.write) : writer.write
  return {
    embedded,
    ingest: {
      begin: writer.begin,
      async write(run, records) {
        const written = await write(run, records)
        if (embedded) await statistics.grown(records.map(({ record }) => record.type))
        return written
      },
    },
    alerts,
    series: createSeries(readers.query),
    casts: createCasts(readers.query),
    operations: createOperations(readers.query),
    runs: createRuns({
      read: readers.query,
      db: usual,
      alone,
      alerts,
      now,
      forget: writer.begin,
      async freeSpace() {
        if (!embedded) return
        // Table by table: alerts get their turn in between.
        const { rows } = await usual.query(
          "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace",
        )
        for (const { name } of rows) await usual.query(`VACUUM (ANALYZE) ${name}`)
      },
    }),
    async ping() {
      await urgent.query('SELECT 1')
    },
    close: usual.close,
  }
}
