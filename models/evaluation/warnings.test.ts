import { expect, test } from 'vitest'
import { type Course, found, thresholdFor, warningsAt, warningsPerDay } from './warnings.ts'

const course = (values: number[], first = 0, end = 0): Course => ({
  bins: values.map((_, i) => first + i),
  values,
  end,
})
const spike = (at: number, height: number, length = 288): number[] =>
  Array.from({ length }, (_, i) => (i === at ? height : 0))

test('a warning when the threshold is reached, then none for 6 hours', () => {
  const values = Array.from({ length: 200 }, (_, i) => (i >= 10 && i < 100 ? 1 : 0))
  expect(warningsAt(course(values, 1000), 1)).toEqual([1010, 1082])
  expect(warningsAt(course(values), 1.1)).toEqual([])
  expect(warningsAt(course([Number.NaN, 2]), 1)).toEqual([1])
})

test('warnings per day', () => {
  expect(warningsPerDay([course(spike(3, 1)), course(spike(3, 0))], 1)).toBe(0.5)
})

test('the least threshold that keeps the budget', () => {
  const courses = [1, 2, 3, 4].map((height) => course(spike(5, height)))
  // Of four days one warning is allowed: the highest alone.
  expect(thresholdFor(courses, 0.25)).toBe(4)
  expect(thresholdFor(courses, 0.5)).toBe(3)
  // None is allowed: just above them all.
  expect(thresholdFor(courses, 0)).toBeGreaterThan(4)
  expect(thresholdFor(courses, 0)).toBeCloseTo(4, 6)
})

test('found in time are those warned of before the end; the lead is to the first warning', () => {
  const courses = [
    course(spike(4, 1), 0, 40), // 36 bins: 3 h
    course(spike(10, 1), 0, 22), // 1 h
    course(spike(10, 1), 0, 10), // too late
    course(spike(10, 0), 0, 100), // never
  ]
  expect(found(courses, 1)).toEqual({ share: 0.5, leadHours: 2 })
  expect(found([courses[0]!], 1).leadHours).toBe(3)
  expect(found([courses[3]!], 1)).toEqual({ share: 0, leadHours: Number.NaN })
})
