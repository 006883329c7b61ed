/** What others hold in the database, and for how long the store waits for it. */
import { describe, expect, it } from 'vitest'
import { LIVE } from '../../pipeline/topology.ts'
import { createDatabase } from './database/database.ts'
import { alert, cast, signal } from './records.fixture.ts'
import { someServer } from './server.fixture.ts'
import { openStore } from './store.ts'

const { url } = await someServer()

describe.skipIf(!url)('with a server', () => {
  it('a new month waits for no backup, nor anybody for the new month', async () => {
    const store = await openStore({ url: url!, now: () => Date.UTC(2031, 4, 1) })
    const db = createDatabase({ connectionString: url! })
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const backup = db.transaction(async (query) => {
      for (const table of ['signals', 'counts', 'casts']) await query(`SELECT count(*) FROM ${table}`)
      begun.resolve()
      await mayEnd.promise
    })
    await begun.promise
    const key = 'https://example.org/new-month'
    const fingerprint = `new-month-${Date.now()}`
    await store.ingest.write(LIVE, [alert(key, 0, 1, { fingerprint }), signal(key, 0), cast(key, 31, 'x')])
    expect(await store.alerts.get(fingerprint)).not.toBeNull()
    const { rows } = await db.query("SELECT to_regclass('signals_2031_05') IS NOT NULL AS made")
    expect(rows).toEqual([{ made: true }])
    mayEnd.resolve()
    await backup
    // The next one is made before anybody needs it.
    await store.runs.expire(1000)
    const next = await db.query("SELECT to_regclass('signals_2031_06') IS NOT NULL AS made")
    expect(next.rows).toEqual([{ made: true }])
    await Promise.all([db.close(), store.close()])
  })

  it('a process that was stopped for good inside a transaction holds up the others for a moment', async () => {
    const [stopped, other] = [
      createDatabase({ connectionString: url! }, { leftAfterMs: 1000 }),
      createDatabase({ connectionString: url! }),
    ]
    const run = 1_000_000 + Math.floor(Math.random() * 1e9)
    const take =
      'INSERT INTO outbox (run, epoch, n, origin) VALUES ($1, 1, 1, $2) ON CONFLICT (run) DO UPDATE SET n = 2'
    const [begun, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const left = stopped.transaction(async (query) => {
      await query(take, [run, ''])
      begun.resolve()
      await goesOn.promise
      await query(take, [run, ''])
    })
    left.catch(() => {})
    await begun.promise
    await other.query(take, [run, ''])
    goesOn.resolve()
    await expect(left).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE', retry: true })
    await other.query('DELETE FROM outbox WHERE run = $1', [run])
    await Promise.all([stopped, other].map((db) => db.close()))
  })

  it('the server is told for how long it may keep what nobody works on', async () => {
    const db = createDatabase({ connectionString: url! }, { leftAfterMs: 20_000 })
    const { rows } = await db.query(
      "SELECT current_setting('idle_in_transaction_session_timeout') AS left, current_setting('client_connection_check_interval') AS gone",
    )
    expect(rows).toEqual([{ left: '20s', gone: '20s' }])
    await db.close()
  })
})
