/** Whatever stands in an option: it is taken as it is meant, or refused in words. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOSTILE, NO_NUMBER } from '../app/hostile.fixture.ts'
import { duration, positiveNumber, time, wholeNumber } from './options.ts'

describe('values', () => {
  test('a time is one that there is', () => {
    expect(time('--from', '2024-02-29')).toBe(Date.UTC(2024, 1, 29))
    expect(time('--from', '2024-02-29T23:59:59.5Z')).toBe(Date.UTC(2024, 1, 29, 23, 59, 59, 500))
    const bad = [
      '2023-02-29',
      '2024-02-30T00:00:00Z',
      '2024-01-01T24:00Z',
      '2024-13-01',
      '2024-01-01T00:00:60Z',
    ]
    for (const value of [
      ...bad,
      '2024-01-01T00:00:00',
      '2024-01-01T00:00:00+02:00',
      '+012024-01-01',
      '',
      ...HOSTILE,
    ])
      expect(() => time('--from', value), value).toThrow(/must be a time in UTC/)
  })

  test('any time that there is comes back', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        expect(time('--from', date.toISOString())).toBe(date.getTime())
      }),
    )
  })

  test('a length of time has an end', () => {
    expect(duration('--sim-until', '36500d')).toBe(36500 * 86_400_000)
    for (const value of ['5300w', `${'9'.repeat(400)}w`, '1.5h', '-1h', 'h', '1y', '', ...HOSTILE])
      expect(() => duration('--sim-until', value), value).toThrow(/must be a length of time/)
  })

  test('numbers', () => {
    for (const value of ['-1', '1.5', '9'.repeat(20), '', ...NO_NUMBER, ...HOSTILE])
      expect(() => wholeNumber('--seed', value), value).toThrow(/must be a whole number/)
    for (const value of ['0', '-1', '0.0', '9'.repeat(400), '', ...NO_NUMBER, ...HOSTILE])
      expect(() => positiveNumber('--speed', value), value).toThrow(/must be a number above 0/)
    expect(positiveNumber('--speed', '0.25')).toBe(0.25)
  })
})
