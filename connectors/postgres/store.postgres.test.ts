/** The same store on a real server: DATABASE_URL's, or a PostgreSQL that is installed here, started for the test. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import type { FcmRecord } from '../../schemas/records.ts'
import { createDatabase, type Query } from './database/database.ts'
import { alert, all, cast, signal } from './records.fixture.ts'
import { someServer } from './server.fixture.ts'
import { storeContract } from './store.contract.ts'
import { CONNECTIONS, openStore } from './store.ts'

const { url, local } = await someServer()

const bin5 = (key: string, i: number, count: number): { key: string; record: FcmRecord } => ({
  key,
  record: {
    type: 'BinClosed',
    start: i * 300_000,
    seconds: 300,
    bins: [{ measure: 'casts', count, covered: 1, masked: false }],
  },
})

describe.skipIf(!url)('with a server', () => {
  storeContract('the store on a server', async (now) => {
    const store = await openStore({ url: url!, now })
    return { store, close: () => store.close() }
  })

  it('two processes on either side of the end of a month store nothing twice', async () => {
    const records = Array.from({ length: 200 }, (_, i) => [
      signal('midnight', i),
      cast('midnight', 9000 + i, 'x'),
    ]).flat()
    const stores = await Promise.all(
      [Date.UTC(2027, 0, 31), Date.UTC(2027, 1, 1)].map((time) => openStore({ url: url!, now: () => time })),
    )
    await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 20 }, (_, i) => store.ingest.write('live', records.slice(i * 20, i * 20 + 40))),
      ),
    )
    const [store] = stores
    expect(await all(store!.series.exportSignals({ run: 'live', channel: 'midnight' }))).toHaveLength(200)
    expect((await store!.casts.list('live', 'midnight', {}, { limit: 500 })).items).toHaveLength(200)
    await Promise.all(stores.map(({ close }) => close()))
  })

  it('two processes may start at once, and write one after the other without losing or doubling a bin', async () => {
    const run = `two-${Date.now()}`
    const [a, b] = await Promise.all([openStore({ url: url! }), openStore({ url: url! })])
    // As after a rebalance: each goes on where the other was, and repeats what was not committed.
    await a.ingest.write(
      run,
      [0, 1, 2].map((i) => bin5('x', i, i)),
    )
    await b.ingest.write(
      run,
      [1, 2, 3, 4].map((i) => bin5('x', i, i)),
    )
    await a.ingest.write(
      run,
      [3, 4, 5, 6].map((i) => bin5('x', i, i)),
    )
    await b.runs.delete(`${run}-none`)
    const rows = []
    for await (const row of b.series.exportCounts({ run, resolution: 300, fill: false })) rows.push(row.count)
    expect(rows).toEqual([0, 1, 2, 3, 4, 5, 6])
    // One deletes the run while the other remembers it.
    await b.runs.delete(run)
    a.ingest.begin(run)
    await a.ingest.write(run, [bin5('x', 7, 1), bin5('y', 7, 1)])
    expect((await a.series.list(run, {}, { limit: 5 })).items.map((s) => [s.id, s.total]).sort()).toEqual([
      ['casts:x', 1],
      ['casts:y', 1],
    ])
    await a.runs.delete(run)
    await Promise.all([a.close(), b.close()])
  })

  it('what one process deletes, another that was writing to it does not make anew', async () => {
    const [a, b] = await Promise.all([openStore({ url: url! }), openStore({ url: url! })])
    const [run, other] = ['deleted', 'kept']
    const many = Array.from({ length: 12_000 }, (_, i) => bin5('x', i, i))
    await a.ingest.write(run, many)
    await a.ingest.write(other, many)
    const going = b.runs.delete(run)
    const written = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => a.ingest.write(run, [bin5('x', 12_000 + i, 1)])),
    )
    await going
    for (const one of written)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'RUN_DELETED' })
    await expect(a.ingest.write(run, [bin5('x', 13_000, 1)])).rejects.toMatchObject({ code: 'RUN_DELETED' })
    expect(await b.runs.has(run)).toBe(false)
    // Whoever has never written to it, or has deleted it, begins a new one.
    await b.ingest.write(run, [bin5('x', 0, 7)])
    const counts = (of: string) => all(b.series.exportCounts({ run: of, resolution: 300, fill: false }))
    expect(await counts(run)).toHaveLength(1)
    expect(await counts(other)).toHaveLength(12_000)
    await Promise.all([a.close(), b.close()])
  })

  it('a deletion that was cut off has hidden the run, and is gone on with', async () => {
    const [store, db] = [await openStore({ url: url! }), createDatabase({ connectionString: url!, max: 1 })]
    await store.ingest.write('half', [bin5('x', 0, 1)])
    await db.query("UPDATE runs SET deleting = true WHERE name = 'half'")
    expect(await store.runs.has('half')).toBe(false)
    expect((await store.runs.list({ limit: 1000 })).items.map(({ run }) => run)).not.toContain('half')
    await store.runs.delete('half')
    const { rows } = await db.query("SELECT FROM runs WHERE name = 'half'")
    expect(rows).toEqual([])
    await Promise.all([store.close(), db.close()])
  })

  it('writes many partitions at once', async () => {
    const run = `many-${Date.now()}`
    const store = await openStore({ url: url! })
    const partitions = Array.from({ length: 12 }, (_, p) => p)
    for (let i = 0; i < 20; i++) {
      await Promise.all(
        partitions.map((p) => store.ingest.write(run, [bin5(`${p}-a`, i, 1), bin5(`${p}-b`, i, p)])),
      )
    }
    expect((await store.series.list(run, {}, { limit: 50 })).items.reduce((sum, s) => sum + s.total, 0)).toBe(
      20 * (12 + 66),
    )
    await store.runs.delete(run)
    await store.close()
  })

  it('what happens has its places in the order of the commits, whoever began first and writes', async () => {
    const run = `order-${Date.now()}`
    const store = await openStore({ url: url! })
    await store.ingest.write(run, [alert('a', 0, 1, { fingerprint: `${run}-0` })])
    const db = createDatabase({ connectionString: url! })
    /** Writes one as another partition would. */
    const insert = (query: Query, n: number) =>
      query(
        `INSERT INTO alert_events (fingerprint, sequence, run, channel, event, kind, severity, time, opened_at, measure,
           resolution, start, reason, evidence, preset, settings)
         SELECT $2, 1, run, channel, event, kind, severity, time, opened_at, measure, resolution, start, reason, evidence,
           preset, settings
         FROM alert_events WHERE fingerprint = $1`,
        [`${run}-0`, `${run}-${n}`],
      )
    const placesOf = async () => {
      const { rows } = await db.query(
        'SELECT alert AS fingerprint FROM changes WHERE alert LIKE $1 ORDER BY epoch, n',
        [`${run}-%`],
      )
      return rows.map((row) => Number((row.fingerprint as string).slice(run.length + 1)))
    }
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = db.transaction(async (query) => {
      await insert(query, 1)
      begun.resolve()
      await mayEnd.promise
    })
    await begun.promise
    let isDone = false
    const quick = db
      .transaction((query) => insert(query, 2))
      .then(() => {
        isDone = true
      })
    await sleep(200)
    // A reader that saw 2 now would pass over 1 for good.
    expect([isDone, await placesOf()]).toEqual([false, [0]])
    mayEnd.resolve()
    await Promise.all([slow, quick])
    expect(await placesOf()).toEqual([0, 1, 2])
    await db.close()
    await store.runs.delete(run)
    await store.close()
  })

  it('lets one process at a time do what only one may, and the next when that ends or is cut off', async () => {
    const [one, other] = await Promise.all([openStore({ url: url! }), openStore({ url: url! })])
    const name = `only-one-${Date.now()}`
    const taken = new FcmError('RUN_TAKEN', { run: name })
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const first = one.runs.alone(name, taken, () => {
      begun.resolve()
      return mayEnd.promise
    })
    await begun.promise
    await expect(other.runs.alone(name, taken, async () => 'begun')).rejects.toBe(taken)
    expect(await other.runs.alone(`${name}-else`, taken, async () => 'something else')).toBe('something else')
    mayEnd.resolve('done')
    expect(await first).toBe('done')

    const begunAgain = Promise.withResolvers<void>()
    const cut = other.runs.alone(name, taken, (signal) => {
      begunAgain.resolve()
      return once(signal, 'abort').then(() => signal.reason)
    })
    await begunAgain.promise
    await expect(one.runs.alone(name, taken, async () => 'begun')).rejects.toBe(taken)
    const db = createDatabase({ connectionString: url! })
    const { changed } = await db.query(
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted",
    )
    expect(changed).toBe(1)
    expect(await cut).toMatchObject({ code: 'DATABASE_UNREACHABLE', retry: true })
    expect(await one.runs.alone(name, taken, async () => 'begun')).toBe('begun')
    await Promise.all([db, one, other].map((each) => each.close()))
  })

  it('readers that are slow delay no alert, and are given up', async () => {
    const run = `slow-${Date.now()}`
    const store = await openStore({ url: url!, readWithinMs: 1500 })
    await store.ingest.write(run, [bin5('a', 0, 1), alert('a', 0, 1, { fingerprint: `${run}-0` })])
    const db = createDatabase({ connectionString: url! })
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const holding = db.transaction(async (query) => {
      await query('LOCK TABLE signals IN ACCESS EXCLUSIVE MODE')
      begun.resolve()
      await mayEnd.promise
    })
    await begun.promise
    // Twice as many as there are connections for.
    const slow = Array.from({ length: 2 * CONNECTIONS.readers }, () =>
      store.series.signals(run, 'casts:a', 300, {}, { limit: 1 }).catch((error) => error),
    )
    const busy = async () => {
      const { rows } = await db.query(
        "SELECT FROM pg_stat_activity WHERE application_name = 'fcm readers' AND wait_event_type = 'Lock'",
      )
      return rows.length
    }
    await expect.poll(busy).toBe(CONNECTIONS.readers)
    const began = performance.now()
    await store.ingest.write(run, [alert('a', 0, 2, { fingerprint: `${run}-0` })])
    expect(performance.now() - began).toBeLessThan(1000)
    for (const error of await Promise.all(slow)) expect(error).toMatchObject({ code: 'ANSWER_TOO_SLOW' })
    mayEnd.resolve()
    await holding
    // And whoever asks next is answered.
    expect((await store.series.signals(run, 'casts:a', 300, {}, { limit: 1 })).items).toEqual([])
    await db.close()
    await store.runs.delete(run)
    await store.close()
  })

  it('has no more connections than it says, whatever is asked, written and locked', async () => {
    const name = `many-${Date.now()}`
    const store = await openStore({ url: url! })
    const mayEnd = Promise.withResolvers<void>()
    const taken = new FcmError('RUN_TAKEN', { run: name })
    const locks = Array.from({ length: 60 }, (_, i) =>
      store.runs.alone(`${name} ${i}`, taken, () => mayEnd.promise),
    )
    const others = Array.from({ length: 60 }, async (_, i) => {
      await store.ingest.write(name, [bin5(`${i}`, 0, 1)])
      await store.runs.list({ limit: 10 })
    })
    const db = createDatabase({ connectionString: url! })
    let most = 0
    for (let i = 0; i < 10; i++) {
      const { rows } = await db.query("SELECT FROM pg_stat_activity WHERE application_name LIKE 'fcm %'")
      most = Math.max(most, rows.length)
      await sleep(10)
    }
    await Promise.all(others)
    await expect(store.runs.alone(`${name} 7`, taken, async () => {})).rejects.toBe(taken)
    mayEnd.resolve()
    await Promise.all(locks)
    expect(most).toBeGreaterThan(2)
    expect(most).toBeLessThanOrEqual(CONNECTIONS.writers + CONNECTIONS.readers + CONNECTIONS.locks)
    expect(await store.runs.alone(`${name} 7`, taken, async () => 'free')).toBe('free')
    await db.close()
    await store.runs.delete(name)
    await store.close()
  })

  it('gives up a server that has vanished without a word, and need not wait for it to close', async () => {
    const { hostname, port } = new URL(url!)
    const sockets = new Set<Socket>()
    const cable = createServer((near) => {
      const far = connect(Number(port || 5432), hostname)
      for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
      near.pipe(far).pipe(near)
    })
    await once(cable.listen(0, '127.0.0.1'), 'listening')
    const through = new URL(url!)
    through.host = `127.0.0.1:${(cable.address() as AddressInfo).port}`
    const db = createDatabase({ connectionString: through.href })
    const ask = () => db.transaction((query) => query('SELECT 1 AS n'), 500)
    expect((await ask()).rows).toEqual([{ n: 1 }])
    for (const socket of sockets) socket.unpipe().pause()
    await expect(ask()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE', retry: true })
    // One that still waits does not hold it up.
    const hanging = ask().catch(() => {})
    const began = Date.now()
    await db.close()
    expect(Date.now() - began).toBeLessThan(8000)
    for (const socket of sockets) socket.destroy()
    cable.close()
    await hanging
  })

  it.skipIf(!local)('waits for a server that is restarted', async () => {
    const run = 'restarted'
    const store = await openStore({ url: url! })
    await store.ingest.write(run, [bin5('x', 0, 1)])
    await local!.stop()
    await expect(store.ingest.write(run, [bin5('x', 1, 2)])).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      retry: true,
    })
    await expect(store.ping()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
    await local!.start()
    await store.ingest.write(run, [bin5('x', 0, 1), bin5('x', 1, 2)])
    expect((await store.series.list(run, {}, { limit: 5 })).items[0]!.total).toBe(3)
    await store.close()
  })

  it('says that the name or the password is wrong', async () => {
    const wrong = new URL(url!)
    wrong.pathname = '/no_such_database'
    await expect(openStore({ url: wrong.href })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('no_such_database'),
    })
  })
})
