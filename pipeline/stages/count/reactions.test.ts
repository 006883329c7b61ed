import { describe, expect, test } from 'vitest'
import { BASE } from '../../../common/time.ts'
import { bin, complete, hashOf, type Input, of, run, T0 } from './testing.ts'

describe('counts of reactions', () => {
  const likes = (time: number, rise: number, kind: 'like' | 'recast' = 'like', name = 'target'): Input => ({
    key: 'c',
    record: {
      type: 'ReactionCount',
      ...{ time, clock: 'observed', verified: false, kind, target: { fid: 1, hash: hashOf(name) } },
      ...{ count: 10 + rise, saturated: false, rise },
    },
  })

  test('rise in the bin of their poll; the same cast, kind and poll once', async () => {
    const outputs = await run([
      likes(T0, 3),
      likes(T0, 3),
      likes(T0, 2, 'recast'),
      likes(T0, 1, 'like', 'another'),
      likes(T0 + 1, 1),
      likes(T0 + BASE, 7),
      complete(T0, T0 + 2 * BASE),
    ])
    expect(bin(outputs, T0, 'reactions')?.count).toBe(7)
    expect(bin(outputs, T0 + BASE, 'reactions')?.count).toBe(7)
    expect(of(outputs, 'Partial', '0')[0]?.sums.find((s) => s.measure === 'reactions')?.count).toBe(7)
  })

  test('a baseline counts nothing, and begins no series', async () => {
    expect(of(await run([likes(T0, 0), complete(T0, T0 + BASE)]), 'BinClosed')).toEqual([])
  })

  test('pass every milestone on their way', async () => {
    const outputs = await run([likes(T0, 3), likes(T0 + 1, 17), likes(T0 + 2, 11), likes(T0 + 3, 1)])
    expect(of(outputs, 'Milestone').map(({ n, time }) => [n, time])).toEqual([
      [4, T0 + 1],
      [8, T0 + 1],
      [16, T0 + 1],
      [32, T0 + 3],
    ])
  })

  test('are late like others', async () => {
    const outputs = await run([complete(T0, T0 + BASE), likes(T0, 3), likes(T0 + 1, 2)])
    expect(of(outputs, 'Late')).toEqual([
      { type: 'Late', measure: 'reactions', start: T0, count: 3 },
      { type: 'Late', measure: 'reactions', start: T0, count: 5 },
    ])
  })
})
