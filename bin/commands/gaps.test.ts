import { expect, test } from 'vitest'
import { joinMeasures, lengthOf, summary } from './gaps.ts'

const row = (measure: string, to = '2024-02-05T02:00:00Z', reason: string | null = 'away') => ({
  ...{ channel: 'https://a', measure, from: '2024-02-05T00:00:00Z', to, reason },
})

test('measures that were missed together stand in one row, in order', () => {
  const rows = [
    row('posts'),
    row('reactions'),
    row('posts', '2024-02-06T00:00:00Z'),
    row('replies', undefined, null),
  ]
  expect(joinMeasures(rows)).toEqual([{ ...rows[0], measure: 'posts, reactions' }, rows[2], rows[3]])
})

test('lengths are told in two units at most', () => {
  const lengthUntil = (to: string) => lengthOf({ from: '2024-02-05T00:00:00Z', to })
  expect(lengthUntil('2024-02-05T00:00:20Z')).toBe('< 1 min')
  expect(lengthUntil('2024-02-05T00:05:00Z')).toBe('5 min')
  expect(lengthUntil('2024-02-05T02:00:00Z')).toBe('2 h')
  expect(lengthUntil('2024-02-05T02:25:00Z')).toBe('2 h 25 min')
  expect(lengthUntil('2024-02-07T03:25:00Z')).toBe('2 d 3 h')
})

test('the summary says what is known, and a little is not nothing', () => {
  expect(summary({ measures: [{ measure: 'posts', gapRatio24h: null }], failing: 3 })).toBe('')
  const measures = [
    { measure: 'posts', gapRatio24h: 0.00001 },
    { measure: 'replies', gapRatio24h: 0.1234 },
    { measure: 'reactions', gapRatio24h: 0 },
  ]
  expect(summary({ measures, failing: 0 })).toBe(
    '\nOf the followed time of the last 24 hours (by event time) were missed: < 0.1 % of posts, 12.3 % of replies, 0 % of reactions.\n',
  )
  expect(summary({ measures, failing: 1 })).toMatch(/ At the last poll, 1 channel failed\.\n$/)
})
