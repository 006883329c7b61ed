import { expect, it } from 'vitest'
import { createStatistics } from './statistics.ts'

it('renews statistics whenever the records of a type have doubled, and not while there are few', async () => {
  let renewed = 0
  const { analyze, grown } = createStatistics(async (sql) => {
    if (sql === 'ANALYZE') renewed++
    return { rows: [], changed: 0 }
  })
  await analyze()
  expect(renewed).toBe(1)
  const renewals = async (type: string, batches: number) => {
    const at: number[] = []
    for (let batch = 1; batch <= batches; batch++) {
      const before = renewed
      await grown(Array<string>(3000).fill(type))
      if (renewed > before) at.push(batch * 3000)
    }
    return at
  }
  expect(await renewals('Cast', 100)).toEqual([21_000, 42_000, 81_000, 162_000])
  // One type's growth is not hidden by how many there are of another.
  expect(await renewals('Signal', 10)).toEqual([21_000])
})
