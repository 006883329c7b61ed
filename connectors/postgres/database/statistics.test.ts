import { expect, it } from 'vitest'
import type { RecordType } from '../../../schemas/records.ts'
import { createStatistics } from './statistics.ts'

it('renews the statistics of tables whenever the records in them have doubled, and not while there are few', async () => {
  const asked: string[] = []
  const { analyze, grown } = createStatistics(async (sql) => {
    asked.push(sql)
    return { rows: [], changed: 0 }
  })
  await analyze()
  expect(asked).toEqual(['ANALYZE'])
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
