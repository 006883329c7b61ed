/** A source for tests: what it is told to give, in batches. */
import { NETWORK } from '../../schemas/records.ts'
import type { Batch, Keyed, OpenSource } from './source.ts'

export type FakeSource = OpenSource & {
  /** How often it was opened and closed. */
  readonly opened: number
  readonly closed: number
}

export type Faking = {
  batches: readonly (readonly Keyed[] | Batch)[]
  /** Awaited before batch `n` is given; may fail. */
  before?: (n: number) => Promise<void>
}

/**
 * Gives `batches` in turn; on a log that has some of its coverage, from the batch behind the last that every partition holds:
 * each should end with a `Coverage` for the network.
 */
export function fakeSource({ batches, before }: Faking): FakeSource {
  const calls = { opened: 0, closed: 0 }
  const all = batches.map((batch): Batch => ('records' in batch ? batch : { refused: [], records: batch }))
  const endOf = ({ records }: Batch): number | null => {
    const last = records.at(-1)
    return last ? wholeTo(last) : null
  }
  const open: OpenSource = async ({ partitions, readBack }) => {
    calls.opened++
    const ends = await Promise.all(
      Array.from({ length: partitions }, async (_, partition) =>
        (await readBack(partition, (item) => wholeTo(item) !== null))
          .map(wholeTo)
          .findLast((to) => to !== null),
      ),
    )
    let stands: number | null = ends.some((to) => to === undefined) ? null : Math.min(...(ends as number[]))
    let n = stands === null ? 0 : all.findIndex((batch) => endOf(batch) === stands) + 1
    return {
      awake: async () => {},
      snapshot: () => stands,
      async next() {
        await before?.(n)
        const batch = all[n++]
        if (!batch) return null
        stands = endOf(batch) ?? stands
        return batch
      },
      async close() {
        calls.closed++
      },
    }
  }
  return Object.defineProperties(open, {
    opened: { get: () => calls.opened },
    closed: { get: () => calls.closed },
  }) as FakeSource
}

const wholeTo = ({ key, record }: Keyed): number | null =>
  key === NETWORK && record.type === 'Coverage' ? record.to : null
