import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Rec } from '../log/port.ts'
import { trailHeaders, trailOf } from './trail.ts'

const rec = (time: number, headers: Record<string, string> = {}): Rec => ({
  ...{ topic: 't', partition: 0, offset: 0, key: 'k', value: null },
  time,
  headers,
})

test('a trail grows by each role, with the time at which what it was given was appended', () => {
  const counted = rec(1007, trailHeaders([rec(1000)], 'count'))
  expect(trailOf(counted, 'detect')).toEqual([
    { role: 'count', at: 1000 },
    { role: 'detect', at: 1007 },
  ])
  const alert = rec(1020, trailHeaders([counted], 'detect'))
  expect(trailOf(alert, 'store').map(({ at }) => at)).toEqual([1000, 1007, 1020])
})

test('a batch is as old as what has been under way for longest in it, wherever that stands', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 1 }), (times) => {
      const recs = times.map(([began, on]) => rec(began + on, trailHeaders([rec(began)], 'count')))
      const made = rec(99, trailHeaders(recs, 'detect'))
      expect(trailOf(made, 'store')[0].at).toBe(Math.min(...times.map(([began]) => began)))
    }),
  )
})

test('headers that are no trail, and batches of which nothing is read, begin a new one', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const steps = trailOf(rec(5, { trail: `${text} @ count@x` }), 'store')
      expect(steps.at(-1)).toEqual({ role: 'store', at: 5 })
    }),
  )
  expect(trailHeaders([], 'count')).toEqual({})
})
