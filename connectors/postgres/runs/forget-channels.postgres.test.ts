/** Channels are forgotten while others write to them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIVE } from '../../../pipeline/topology.ts'
import { createDatabase, type Database } from '../database/database.ts'
import { bin, cast, signal } from '../records.fixture.ts'
import { someServer } from '../server.fixture.ts'
import { openStore, type Store } from '../store.ts'

const { url } = await someServer()

describe.skipIf(!url)('with a server', () => {
  let time = Date.UTC(2041, 0, 15)
  let [writing, expiring, db]: [Store?, Store?, Database?] = []
  beforeAll(async () => {
    const open = () => openStore({ url: url!, now: () => time })
    ;[writing, expiring, db] = [await open(), await open(), createDatabase({ connectionString: url! })]
  })
  afterAll(() => Promise.all([writing, expiring, db].map((each) => each?.close())))
  const known = async (name: string) => (await expiring!.series.findChannel(LIVE, name)).known

  it('one that is being written to stays, and nobody waits for it', async () => {
    await writing!.ingest.write(LIVE, [bin('held', 0, 1), bin('free', 0, 1)])
    const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = db!.transaction(async (query) => {
      await query("SELECT FROM channels WHERE name = 'held' FOR KEY SHARE")
      begun.resolve()
      await mayEnd.promise
    })
    await begun.promise
    await expiring!.runs.expire(1000)
    expect(await Promise.all(['held', 'free'].map(known))).toEqual([true, false])
    mayEnd.resolve()
    await slow
    await expiring!.runs.expire(1000)
    expect(await known('held')).toBe(false)
  })

  it('nothing is lost of those that are spoken in again just then', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `again ${i}`)
    for (let round = 0; round < 6; round++) {
      // Whoever writes them remembers them, and nothing of them is kept any more.
      await writing!.ingest.write(
        LIVE,
        names.flatMap((name) => [bin(name, round, 1), signal(name, round)]),
      )
      time = Date.UTC(2043 + 2 * round, 0, 15)
      let isOver = false
      const expiry = (async () => {
        for (let i = 0; i < 5; i++) await expiring!.runs.expire(1000)
        isOver = true
      })()
      let written = 0
      for (const [i, name] of names.entries()) {
        await writing!.ingest.write(LIVE, [cast(name, round * 1000 + i, `in round ${round}`)])
        written++
        if (isOver && i > 20) break
      }
      await expiry
      for (const name of names.slice(0, written)) {
        const { items } = await expiring!.casts.list(LIVE, name, {}, { limit: 9 })
        expect([name, items.map(({ text }) => text)]).toEqual([name, [`in round ${round}`]])
      }
    }
    const { rows } = await db!.query('SELECT FROM casts WHERE channel NOT IN (SELECT id FROM channels)')
    expect(rows).toEqual([])
    for (const table of ['latest_signals', 'signals', 'counts']) {
      const { rows } = await db!.query(`SELECT FROM ${table} WHERE series NOT IN (SELECT id FROM series)`)
      expect([table, rows]).toEqual([table, []])
    }
  })
})
