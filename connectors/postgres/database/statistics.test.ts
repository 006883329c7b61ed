import { afterAll, expect, it } from 'vitest'
import type { RecordType } from '../../../schemas/records.ts'
import { openMade } from './made-database.fixture.ts'
import { createStatistics } from './statistics.ts'

const { db, close } = await openMade()
afterAll(close)

it('renews the statistics of tables whenever the records in them have doubled, and not while there are few', async () => {
  const asked: string[] = []
  const { grown } = createStatistics(async (sql) => {
    asked.push(sql)
    return { rows: [], changed: 0 }
  })
  const renewals = async (type: RecordType, batches: number) => {
    const at: number[] = []
    for (let batch = 1; batch <= batches; batch++) {
      const before = asked.length
      await grown(Array<RecordType>(3000).fill(type))
      if (asked.length > before) at.push(batch * 3000)
    }
    return at
  }
  expect(await renewals('Cast', 100)).toEqual([21_000, 42_000, 81_000, 162_000])
  expect(asked.at(-1)).toBe('ANALYZE casts')
  // One type's growth is not hidden by how many there are of another.
  expect(await renewals('Signal', 10)).toEqual([21_000])
  // These leave no row.
  expect(await renewals('Reaction', 100)).toEqual([])
})

it('of a database that is opened again are renewed where a table has more than doubled, and not else', async () => {
  const { renew } = createStatistics(db.query)
  await db.query("INSERT INTO runs (name) VALUES ('a')")
  let rows = 0
  /** Pages of the table by its statistics, with so many rows in it, 13 to a page. */
  const known = async (until: number): Promise<number> => {
    await db.query(
      "INSERT INTO channels (run, key, name) SELECT 1, int8send(i), repeat('x', 500) FROM generate_series($1::int8, $2) i",
      [rows + 1, until],
    )
    rows = until
    await renew()
    const { rows: found } = await db.query("SELECT relpages FROM pg_class WHERE oid = 'channels'::regclass")
    return found[0]!.relpages as number
  }
  expect(await known(1000)).toBe(0)
  const first = await known(3000)
  expect(first).toBeGreaterThan(200)
  expect(await known(5000)).toBe(first)
  expect(await known(7000)).toBeGreaterThan(2 * first)
})
