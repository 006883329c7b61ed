import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ceilTo, DAY, floorTo, iso, SECOND, utc } from './time.ts'

test('a time in UTC is read to the millisecond, and one that there is not is none', () => {
  expect(utc('2024-02-29')).toBe(Date.UTC(2024, 1, 29))
  expect(utc('2024-02-29T12:30Z')).toBe(Date.UTC(2024, 1, 29, 12, 30))
  expect(utc('2024-02-29T12:30:05.25Z')).toBe(Date.UTC(2024, 1, 29, 12, 30, 5, 250))
  const none = [
    '',
    '2023-02-29',
    '2024-02-30T00:00:00Z',
    '2024-01-01T24:00Z',
    '2024-01-01T23:60Z',
    '2024-00-01',
  ]
  const other = [
    '2024-01-01T00:00:00',
    '2024-01-01T00:00:00+00:00',
    '2024-1-1',
    '+002024-01-01',
    '2024-01-01\n',
    '1e3',
  ]
  for (const text of [...none, ...other]) expect([text, utc(text)]).toEqual([text, null])
})

test('what is written is read again', () => {
  const times = fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  fc.assert(
    fc.property(times, (date) => {
      expect(utc(date.toISOString())).toBe(date.getTime())
      expect(utc(iso(date.getTime()))).toBe(floorTo(date.getTime(), SECOND))
    }),
  )
})

test('a time is written as Date writes it, whatever was written before; what is none is refused', () => {
  const times = fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  fc.assert(
    fc.property(fc.array(times), (dates) => {
      for (const date of dates) expect(iso(date.getTime())).toBe(`${date.toISOString().slice(0, 19)}Z`)
    }),
  )
  for (const none of [Number.NaN, Number.POSITIVE_INFINITY, 9e15]) expect(() => iso(none)).toThrow(RangeError)
})

test('times before 1970 are rounded as those after are', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), (time) => {
      expect(floorTo(time, DAY)).toBeLessThanOrEqual(time)
      expect(time - floorTo(time, DAY)).toBeLessThan(DAY)
      expect(ceilTo(time, DAY) - floorTo(time, DAY)).toBe(time % DAY === 0 ? 0 : DAY)
    }),
  )
})
