import { expect, test } from 'vitest'
import { pendingMigrations } from './migrate.ts'

test('migrations are pending that the database has not seen, in order', async () => {
  const database = (done: string[] | null) => ({
    query: async (sql: string) => ({
      rows: sql.includes('to_regclass')
        ? [{ name: done && 'migrations' }]
        : (done ?? []).map((name) => ({ name })),
      changed: 0,
    }),
  })
  const all = await pendingMigrations(database(null))
  expect(all.slice(0, 2)).toEqual(['1_tables', '2_removals'])
  expect(await pendingMigrations(database(['1_tables']))).toEqual(all.slice(1))
  expect(await pendingMigrations(database([...all, '99_newer']))).toEqual([])
})
