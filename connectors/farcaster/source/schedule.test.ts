import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY, HOUR, LATENESS, MINUTE } from '../../../common/time.ts'
import { AGES, isDue, LONGEST_WAIT, lastDue, seenTo } from './schedule.ts'

const minutes = (ms: number | null) => ms && ms / MINUTE

test('a cast is polled at 5, 10, 20 and 40 minutes, every hour, and L after its day is over', () => {
  expect(AGES.slice(0, 6).map(minutes)).toEqual([5, 10, 20, 40, 60, 120])
  expect(AGES.slice(-2).map(minutes)).toEqual([24 * 60, 24 * 60 + 5])
  expect(AGES).toHaveLength(29)
})

test('the poll that was due last, at the moment it is due, before, and for ever after', () => {
  expect(lastDue(0, 5 * MINUTE - 1)).toBeNull()
  AGES.forEach((age, i) => {
    expect(minutes(lastDue(0, age))).toBe(minutes(age))
    expect(lastDue(0, age - 1)).toBe(AGES[i - 1] ?? null)
  })
  expect(lastDue(0, 30 * DAY)).toBe(DAY + LATENESS)
})

const age = fc.integer({ min: 0, max: 3 * DAY })

test('due is what falls due between two rounds, once', () => {
  fc.assert(
    fc.property(age, age, (a, b) => {
      const [after, now] = a < b ? [a, b] : [b, a]
      expect(isDue(0, after, now)).toBe(AGES.some((due) => due > after && due <= now))
    }),
  )
})

test('polled when due, all under a cast is seen up to L before the poll, and never more than an hour and L behind', () => {
  fc.assert(
    fc.property(age, (now) => {
      const seen = seenTo(0, now)
      const last = AGES.findLast((due) => due <= now)
      if (last === undefined || last === AGES.at(-1)) expect(seen).toBe(Number.POSITIVE_INFINITY)
      else {
        expect(seen).toBe(last - LATENESS)
        expect(now - seen).toBeLessThanOrEqual(LONGEST_WAIT + LATENESS)
      }
    }),
  )
  expect(LONGEST_WAIT).toBe(HOUR)
})
