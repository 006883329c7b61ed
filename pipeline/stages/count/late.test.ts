import { describe, expect, test } from 'vitest'
import { BASE } from '../../../common/time.ts'
import { bin, complete, of, post, run, T0 } from './testing.ts'

describe('late arrivals', () => {
  test('never reopen a bin, and are tallied', async () => {
    const outputs = await run([
      post('c', T0),
      complete(T0, T0 + BASE),
      post('c', T0 + 1),
      post('c', T0 + 2),
      complete(T0 + BASE, T0 + 2 * BASE),
    ])
    expect(bin(outputs, T0, 'posts')?.count).toBe(1)
    const late = of(outputs, 'Late').filter((l) => l.measure === 'posts')
    expect(late).toEqual([
      { type: 'Late', measure: 'posts', start: T0, count: 1 },
      { type: 'Late', measure: 'posts', start: T0, count: 2 },
    ])
    expect(bin(outputs, T0 + BASE, 'posts')?.count).toBe(0)
  })
})
