/** What others hold in the database, and for how long the store waits for it. */
import { describe, expect, it } from 'vitest'
import { BASE } from '../../common/time.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { createDatabase } from './database/database.ts'
import { alert, bin, cast, signal, T } from './records.fixture.ts'
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

  it('who moves a run on waits for no other who does', async () => {
    const [stores, db] = [
      await Promise.all([openStore({ url: url! }), openStore({ url: url! })]),
      createDatabase({ connectionString: url! }),
    ]
    const run = `horizon-${Date.now()}`
    await stores[0].ingest.write(run, [bin('a', 0, 1)])
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = db.transaction(async (query) => {
      await query(
        `UPDATE series SET next = next + 100 FROM channels c JOIN runs r ON r.id = c.run
         WHERE c.id = channel AND r.name = $1`,
        [run],
      )
      begun.resolve()
      await mayEnd.promise
    })
    await begun.promise
    // By several connections: two of many may share a row.
    const written = Array.from({ length: 4 }, (_, i) =>
      stores[i % 2]!.ingest.write(run, [bin(`${i}`, 9 + i, 1)]),
    )
    await Promise.any(written)
    expect(await stores[1].series.now(run)).toBeGreaterThan(T + 9 * BASE)
    mayEnd.resolve()
    await Promise.all([slow, ...written])
    expect(await stores[1].series.now(run)).toBe(T + 101 * BASE)
    await stores[0].runs.delete(run)
    await Promise.all([db, ...stores].map((each) => each.close()))
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
