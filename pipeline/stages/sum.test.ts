import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BASE } from '../../common/time.ts'
import type { BinClosed } from '../../schemas/records.ts'
import type { Input } from '../runtime/stage.ts'
import { drive } from '../testing/drive.ts'
import { sumStage } from './sum.ts'

const T0 = Date.UTC(2024, 0, 1)

const partial = (
  start: number,
  partition: number,
  partitions: number,
  count: number,
  covered = 1,
  followed = 1,
): Input => ({
  key: String(partition),
  record: {
    type: 'Partial',
    start,
    seconds: 300,
    partition,
    partitions,
    sums: [{ measure: 'posts', count, covered, followed }],
  },
})

test('a network bin is written once all partitions have spoken, with what they sum to', async () => {
  const two = await drive(sumStage(), [partial(T0, 0, 3, 5), partial(T0, 2, 3, 1)])
  expect(two).toEqual([])
  const all = await drive(sumStage(), [partial(T0, 0, 3, 5), partial(T0, 2, 3, 1), partial(T0, 1, 3, 2)])
  expect(all).toEqual([
    {
      topic: 'counts',
      key: '*',
      record: {
        type: 'BinClosed',
        start: T0,
        seconds: 300,
        bins: [{ measure: 'posts', count: 8, covered: 1, masked: false }],
      },
    },
  ])
})

test('however the partitions interleave and repeat, the bins are the same', async () => {
  const bins = 12
  const sequence = (p: number) =>
    Array.from({ length: bins }, (_, i) => partial(T0 + i * BASE, p, 3, i + p + 1))
  const expected = await drive(sumStage(), [...sequence(0), ...sequence(1), ...sequence(2)])
  expect(expected).toHaveLength(bins)
  await fc.assert(
    fc.asyncProperty(
      // Which partition speaks next, and whether it first repeats a stretch of what it said.
      fc.array(fc.tuple(fc.nat(2), fc.nat(3)), { minLength: 200, maxLength: 200 }),
      fc.constantFrom(1, 7, 1000),
      async (turns, batch) => {
        const next = [0, 0, 0]
        const inputs: Input[] = []
        for (const [p, back] of turns) {
          for (let i = Math.max(0, next[p]! - back); i <= next[p]! && i < bins; i++)
            inputs.push(sequence(p)[i]!)
          next[p]!++
        }
        for (const p of [0, 1, 2]) inputs.push(...sequence(p).slice(next[p]))
        expect(await drive(sumStage(), inputs, { batch, restart: true })).toEqual(expected)
      },
    ),
    { numRuns: 40 },
  )
})

test('under nine tenths of the followed channels a bin is masked', async () => {
  const outputs = await drive(sumStage(), [partial(T0, 0, 2, 5, 8, 10), partial(T0, 1, 2, 5, 9, 10)])
  expect((outputs[0]!.record as BinClosed).bins[0]).toEqual({
    measure: 'posts',
    count: 10,
    covered: 0.85,
    masked: true,
  })
})
