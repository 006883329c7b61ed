import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BASE, MINUTE } from '../../../common/time.ts'
import { type Span, share, uncovered, union } from './coverage.ts'
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

test('bins that are not covered whole are the same, found by spans or looked at one by one', () => {
  // Bounds of spans on those of bins and off them, and spans that touch.
  const time = fc.oneof(
    fc.integer({ min: -2, max: 14 }).map((n) => n * BASE),
    fc.integer({ min: -2 * BASE, max: 14 * BASE }),
  )
  const spans = fc.array(fc.tuple(time, time), { maxLength: 12 }).map((pairs) => {
    const apart = union(
      [],
      pairs.flatMap(([a, b]): Span[] => (a < b ? [{ from: a, to: b }] : [])),
    )
    return apart.flatMap((span, i): Span[] => {
      const middle = (span.from + span.to) / 2
      return i % 2 && Number.isInteger(middle)
        ? [
            { ...span, to: middle },
            { ...span, from: middle },
          ]
        : [span]
    })
  })
  fc.assert(
    fc.property(spans, fc.nat(6), fc.integer({ min: 1, max: 8 }), (covered, first, bins) => {
      const oneByOne: Span[] = []
      const to = (first + bins) * BASE
      for (let start = first * BASE; start < to; start += BASE) {
        if (share(covered, start, start + BASE) === 1) continue
        const last = oneByOne.at(-1)
        if (last?.to === start) last.to += BASE
        else oneByOne.push({ from: start, to: start + BASE })
      }
      expect(uncovered(covered, first * BASE, to)).toEqual(oneByOne)
    }),
    { numRuns: 2000 },
  )
})
