/** What every store must do with a batch that it can not hold. */
import { beforeAll, expect, it } from 'vitest'
import { BASE } from '../../../common/time.ts'
import type { FcmRecord } from '../../../schemas/records.ts'
import { bin, countsOf, type Input, row, T } from '../records.fixture.ts'
import type { Store } from '../store.ts'

export function ingestContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  const counts: ReturnType<typeof countsOf> = (...asked) => countsOf(store)(...asked)
  beforeAll(() => {
    store = storeOf()
  })

  it('applies nothing of a batch that fails, and goes on', async () => {
    const run = newRun()
    // No record has this count: the log's are whole numbers.
    await expect(store.ingest.write(run, [bin('a', 0, 1), bin('a', 1, 0.5)])).rejects.toThrow('bigint')
    await store.ingest.write(run, [bin('a', 0, 1), bin('a', 1, 1)])
    expect(await counts(run)).toEqual([row('casts:a', 0, 300, 1, 1), row('casts:a', 1, 300, 1, 1)])
  })

  it('tells which records it can not hold, and applies the others', async () => {
    const run = newRun()
    const misfit = (more: object): Input => {
      const { key, record } = bin('a', 1, 9)
      return { key, record: { ...record, ...more } as FcmRecord }
    }
    const { rejected } = await store.ingest.write(run, [
      misfit({ seconds: 600 }),
      bin('a', 0, 1),
      misfit({ start: T + 1 }),
      misfit({ start: 2 ** 31 * BASE }),
      misfit({ start: -BASE }),
      { key: 'only-here', record: { type: 'Idle', measure: 'casts', from: T + 0.5 } },
      bin('a', 1, 2),
    ])
    expect(rejected).toEqual(
      [
        [0, '600 s'],
        [2, 'off the grid'],
        [3, 'age'],
        [4, 'age'],
        [5, 'off the grid'],
      ].map(([index, why]) => ({
        index,
        why: expect.stringContaining(`${why}`),
      })),
    )
    expect(await counts(run)).toEqual([row('casts:a', 0, 300, 1, 1), row('casts:a', 1, 300, 2, 1)])
    expect(await store.ingest.write(run, [bin('a', 2, 1)])).toEqual({ rejected: [] })
  })
}
