import { describe, expect, test } from 'vitest'
import { BASE } from '../../../common/time.ts'
import type { Partial } from '../../../schemas/records.ts'
import { complete, coverage, of, polled, post, run, T0 } from './testing.ts'

describe('the network', () => {
  test('each partition reports its share of every bin, also of an empty one, without the late', async () => {
    const outputs = await run([
      post('c', T0),
      post('d', T0),
      complete(T0, T0 + BASE),
      post('c', T0 + 1),
      complete(T0 + BASE, T0 + 2 * BASE),
    ])
    const partials = of(outputs, 'Partial', '0')
    expect(partials.map((p: Partial) => [p.start, p.sums.map((s) => `${s.measure} ${s.count}`)])).toEqual([
      [T0, ['posts 2', 'replies 0', 'casts 2', 'reactions 0']],
      [T0 + BASE, ['posts 0', 'replies 0', 'casts 0', 'reactions 0']],
    ])
    expect(partials[0]?.sums.every((s) => s.covered === 1 && s.followed === 1)).toBe(true)
  })

  test('of a polled source: how many followed channels covered the bin, once all have spoken', async () => {
    const spoken = (from: number, status: 'covered' | 'gap') => [
      coverage('c', 'covered', from, from + BASE),
      coverage('d', status, from, from + BASE),
      ...[polled('c', from + BASE), polled('d', from + BASE)],
      coverage('*', 'decided', from, from + BASE),
    ]
    const outputs = await run([
      ...[post('c', T0), ...spoken(T0, 'covered')],
      ...[post('c', T0 + BASE), ...spoken(T0 + BASE, 'gap')],
    ])
    expect(of(outputs, 'Partial', '0').map((p) => p.sums[0])).toEqual([
      { measure: 'posts', count: 1, covered: 2, followed: 2 },
      { measure: 'posts', count: 1, covered: 1, followed: 2 },
    ])
  })
})
