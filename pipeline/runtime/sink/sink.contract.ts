import { describe, expect, test } from 'vitest'
import type { FcmRecord } from '../../../schemas/records.ts'
import type { Sink } from './sink.ts'

type Keyed = { key: string; record: FcmRecord }

/** A new sink, and all that it holds, in a form that can be compared. */
export type OpenSink = () => Promise<{ sink: Sink; contents(): Promise<unknown> }>

/**
 * What `runSink` takes for granted of a sink. `records`: of one partition, all of which it can hold; `misfit`: one that it
 * can't ever.
 */
export function sinkContract(name: string, open: OpenSink, records: readonly Keyed[], misfit: Keyed): void {
  describe(`${name} keeps the contract of sinks:`, () => {
    const contentsAfter = async (batches: readonly (readonly Keyed[])[]): Promise<unknown> => {
      const { sink, contents } = await open()
      for (const batch of batches) expect(await sink.write([...batch])).toEqual({ rejected: [] })
      return contents()
    }
    const inBatches = (size: number): Keyed[][] =>
      Array.from({ length: Math.ceil(records.length / size) }, (_, i) =>
        records.slice(i * size, (i + 1) * size),
      )

    test('it holds the same however the records come in batches', async () => {
      const expected = await contentsAfter([records])
      for (const size of [1, 3, 100]) expect(await contentsAfter(inBatches(size))).toEqual(expected)
    })

    test('what comes again changes nothing', async () => {
      const expected = await contentsAfter([records])
      const batches = inBatches(4)
      const repeated = batches.flatMap((batch, i) => [batch, ...batches.slice(Math.max(0, i - 2), i + 1)])
      expect(await contentsAfter(repeated)).toEqual(expected)
      expect(await contentsAfter([records, records])).toEqual(expected)
    })

    test('what it can not ever hold is told, and the others are held', async () => {
      const { sink, contents } = await open()
      const { rejected } = await sink.write([misfit, ...records, misfit])
      expect(rejected.map(({ index }) => index)).toEqual([0, records.length + 1])
      for (const { why } of rejected) expect(why).not.toBe('')
      expect(await contents()).toEqual(await contentsAfter([records]))
    })
  })
}
