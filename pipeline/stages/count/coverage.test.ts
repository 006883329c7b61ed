import { describe, expect, test } from 'vitest'
import { BASE, MINUTE } from '../../../common/time.ts'
import { bin, complete, coverage, of, post, run, T0 } from './testing.ts'

describe('silence is not absence', () => {
  test('a bin in a gap is masked, never zero', async () => {
    const outputs = await run([
      post('c', T0),
      complete(T0, T0 + BASE),
      coverage('*', 'gap', T0 + BASE, T0 + 2 * BASE),
      complete(T0 + 2 * BASE, T0 + 3 * BASE),
    ])
    expect(bin(outputs, T0 + BASE, 'posts')).toEqual({ measure: 'posts', count: 0, covered: 0, masked: true })
    expect(bin(outputs, T0 + 2 * BASE, 'posts')?.masked).toBe(false)
  })

  test('a hole that nobody declared is a gap', async () => {
    const outputs = await run([
      post('c', T0),
      complete(T0, T0 + BASE),
      complete(T0 + 2 * BASE, T0 + 3 * BASE),
    ])
    expect(bin(outputs, T0 + BASE, 'posts')?.masked).toBe(true)
  })

  test('a bin covered in part says how much', async () => {
    const outputs = await run([post('c', T0 + 4 * MINUTE), complete(T0 + 2 * MINUTE, T0 + BASE)])
    expect(bin(outputs, T0, 'posts')).toEqual({ measure: 'posts', count: 1, covered: 0.6, masked: true })
  })

  test('one channel of a polled source: covered, gap, and casts where both are', async () => {
    const outputs = await run([
      post('c', T0),
      coverage('c', 'covered', T0, T0 + BASE, ['posts']),
      coverage('c', 'gap', T0 + BASE, T0 + 2 * BASE, ['posts']),
      coverage('c', 'covered', T0, T0 + 2 * BASE, ['replies']),
    ])
    expect(bin(outputs, T0, 'posts')?.masked).toBe(false)
    const casts = of(outputs, 'BinClosed').flatMap((b) => b.bins.filter((m) => m.measure === 'casts'))
    expect(casts.map((m) => m.covered)).toEqual([1, 0])
  })
})

test('a coverage that is no span is refused', async () => {
  await expect(run([complete(T0 + BASE, T0)])).rejects.toThrow(/no span/)
  await expect(run([complete(0, T0)])).rejects.toThrow(/no span/)
})
