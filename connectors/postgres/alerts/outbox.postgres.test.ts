/** The outbox on a real server: several processes write, and databases are restored. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, postgresPrograms, startPostgres } from '../../../infra/postgres/server.ts'
import { createDatabase } from '../database/database.ts'
import { ART, alert, type Input } from '../records.fixture.ts'
import { openStore, type Store } from '../store.ts'
import { BEGINNING, type Place, parsePlace } from './place.ts'

const bin = postgresPrograms()
if (!bin) console.warn('skipped: no PostgreSQL server is installed')

describe.skipIf(!bin)('the outbox of a server', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(bin!)
  })
  afterAll(async () => {
    await server?.stop()
    server?.remove()
  })
  const urlOf = (database: string) => server.url.replace(/postgres$/, database)
  async function inDatabase(name: string, sql: string) {
    const db = createDatabase({ connectionString: urlOf(name) })
    try {
      return (await db.query(sql)).rows
    } finally {
      await db.close()
    }
  }
  const events = (run: string, from: number, many: number): Input[] =>
    Array.from({ length: many }, (_, i) => alert(ART, 0, 1, { fingerprint: `${run}-${from + i}` }))
  const placesOf = async (store: Store, run: string) =>
    (await store.alerts.changes(run, BEGINNING, 10_000)).map(({ place }) => place)

  it('is whole and in one order whichever process writes, and a run does not wait for another', async () => {
    const stores = await Promise.all([0, 1, 2].map(() => openStore({ url: server.url })))
    let runs = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }), {
          minLength: 3,
          maxLength: 3,
        }),
        async (batches) => {
          const run = `whole-${runs++}`
          let writing = true
          const writers = Promise.all(
            stores.map(async (store, p) => {
              for (const [i, many] of batches[p]!.entries()) {
                await store.ingest.write(run, events(`${run}-${p}-${i}`, 0, many))
              }
            }),
          ).finally(() => {
            writing = false
          })
          // Whatever a reader sees is a beginning without holes, and never changes.
          let seen: Place[] = []
          for (let done = false; !done; ) {
            done = !writing
            const now = await placesOf(stores[0]!, run)
            expect(now.map((place) => parsePlace(run, place)[1])).toEqual(now.map((_, i) => i + 1))
            expect(now.slice(0, seen.length)).toEqual(seen)
            seen = now
          }
          await writers
          expect(seen).toHaveLength(batches.flat().reduce((sum, many) => sum + many, 0))
        },
      ),
      { numRuns: 10 },
    )
    // A writer of one run that does not end holds up nobody else's.
    const db = createDatabase({ connectionString: server.url })
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = db.transaction(async (query) => {
      await query("SELECT open_outbox((SELECT id FROM runs WHERE name = 'whole-0'))")
      begun.resolve()
      await mayEnd.promise
    })
    await begun.promise
    await stores[1]!.ingest.write('whole-1', events('other', 0, 1))
    mayEnd.resolve()
    await slow
    await Promise.all([db, ...stores].map((each) => each.close()))
  })

  it('of a dump that is restored, into another database or the same one, gives no place out twice', async () => {
    await inDatabase('postgres', 'CREATE DATABASE origin')
    let store = await openStore({ url: urlOf('origin') })
    await store.ingest.write('r', events('r', 0, 3))
    const dump = execFileSync(join(bin!, 'pg_dump'), ['-Fc', urlOf('origin')], { maxBuffer: 1e9 })
    await store.ingest.write('r', events('r', 3, 2))
    const before = await placesOf(store, 'r')
    await store.close()
    await inDatabase('postgres', 'CREATE DATABASE restored')
    for (const [database, ...options] of [['restored'], ['origin', '--clean']] as const) {
      execFileSync(join(bin!, 'pg_restore'), [...options, '-d', urlOf(database)], { input: dump })
      store = await openStore({ url: urlOf(database) })
      expect(await placesOf(store, 'r')).toEqual(before.slice(0, 3))
      // Also before anything has happened there.
      await expect(store.alerts.checkPlace('r', before[4]!)).rejects.toMatchObject({ code: 'PLACE_UNKNOWN' })
      await store.ingest.write('r', events(`again-${database}`, 0, 3))
      const after = await placesOf(store, 'r')
      expect(after.slice(0, 3)).toEqual(before.slice(0, 3))
      for (const lost of before.slice(3)) {
        expect(after).not.toContain(lost)
        await expect(store.alerts.changes('r', lost, 9)).rejects.toMatchObject({ code: 'PLACE_UNKNOWN' })
      }
      expect(await store.alerts.changes('r', before[2]!, 9)).toHaveLength(3)
      await store.close()
    }
  })

  it('goes on after the server was started again, with nothing lost or given out twice', async () => {
    const store = await openStore({ url: server.url })
    await store.ingest.write('r', events('s', 0, 3))
    const before = await placesOf(store, 'r')
    await server.stop()
    await server.start()
    await store.ingest.write('r', events('s', 3, 2)).catch(() => store.ingest.write('r', events('s', 3, 2)))
    const after = await placesOf(store, 'r')
    expect(after.slice(0, 3)).toEqual(before)
    expect(new Set(after).size).toBe(5)
    expect(await store.alerts.changes('r', before[2]!, 9)).toHaveLength(2)
    await store.close()
  })
})
