/**
 * What the query API reads of PostgreSQL for one answer: some rows by an index, never a table that grows from end to end. Held
 * by the server's own count of rows that were read, over some months of a deployment in small.
 */
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi } from '../../api/app.ts'
import { createDatabase, type Database } from '../../connectors/postgres/database/database.ts'
import { openStore } from '../../connectors/postgres/store.ts'
import { postgresPrograms, startPostgres } from '../../infra/postgres/server.ts'
import { memoryLog } from '../../pipeline/log/event-log.fake.ts'
import { questionsOf } from './questions.ts'
import { seed } from './seed.ts'

const SIZE = { alerts: 30_000, signals: 300_000, channels: 200, days: 150 }
const NOW = Date.UTC(2026, 10, 20)
/** Tables that grow for ever. What a page shows is some hundred rows of them; open alerts are ranked, each within its day. */
const GROWING = "'^(signals|counts|casts|alerts|alert_events|changes)(_|$)'"
const MOST_ROWS = 30_000

const programs = postgresPrograms()
const server = programs ? await startPostgres(programs) : undefined
if (!server) console.warn('Skipped: no PostgreSQL server is installed.')
let db: Database
let ids: string[]

beforeAll(async () => {
  if (!server) return
  await (await openStore({ url: server.url, now: () => NOW })).close()
  db = createDatabase({ connectionString: server.url, max: 1 })
  await seed(db.query, SIZE, NOW, () => {})
  ids = (await db.query('SELECT fingerprint FROM alerts ORDER BY fingerprint LIMIT 100')).rows.map(
    (row) => row.fingerprint as string,
  )
})
afterAll(async () => {
  await db?.close()
  await server?.stop()
  server?.remove()
})

/** Rows read from these tables so far, by whatever way, and those of them from end to end. */
async function rowsRead(): Promise<{ all: number; endToEnd: number }> {
  const { rows } = await db.query(
    `SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::float8 AS all,
       coalesce(sum(seq_tup_read), 0)::float8 AS end_to_end
     FROM pg_stat_user_tables WHERE relname ~ ${GROWING}`,
  )
  return { all: rows[0]!.all as number, endToEnd: rows[0]!.end_to_end as number }
}

/** Asks, with connections of its own: the server counts what a connection has read when that ends. */
async function asking<T>(
  work: (ask: (url: string) => Promise<{ next: string | null }>) => Promise<T>,
): Promise<T> {
  const store = await openStore({ url: server!.url, now: () => NOW })
  const app = await createApi({
    ...{ store, log: memoryLog(), metrics: new Registry(), logger: pino({ level: 'silent' }) },
    ...{ host: '127.0.0.1', version: '0.0.0', now: () => NOW },
  })
  try {
    return await work(async (url) => {
      const { statusCode, body } = await app.inject({ url, headers: { host: '127.0.0.1' } })
      expect({ url, statusCode, body }).toMatchObject({ statusCode: 200 })
      return JSON.parse(body)
    })
  } finally {
    await app.close()
    await store.close()
  }
}

const none = async () => ({ next: null })
test.skipIf(!server).each(Object.keys(questionsOf(['x'], SIZE, NOW, none)))('%s', async (name) => {
  await asking(async (ask) => {
    // What a question needs to be put is asked ahead, by other connections.
    const url = await questionsOf(ids, SIZE, NOW, (path) => asking((other) => other(path)))[name]!()
    const before = await rowsRead()
    await ask(url)
    return before
  }).then(async (before) => {
    await expect
      .poll(
        async () =>
          (await db.query("SELECT count(*) AS n FROM pg_stat_activity WHERE application_name LIKE 'fcm %'"))
            .rows[0]!.n,
      )
      .toBe(0)
    const after = await rowsRead()
    expect(after.endToEnd - before.endToEnd, 'read from end to end').toBe(0)
    expect(after.all - before.all, 'rows read').toBeLessThan(MOST_ROWS)
  })
})
