import { expect, test } from 'vitest'
import { lengthOf, type Source, summary } from './gap-tables.ts'

test('lengths are told in two units at most', () => {
  const minute = 60_000
  expect(lengthOf(20_000)).toBe('< 1 min')
  expect(lengthOf(5 * minute)).toBe('5 min')
  expect(lengthOf(120 * minute)).toBe('2 h')
  expect(lengthOf(145 * minute)).toBe('2 h 25 min')
  expect(lengthOf((2 * 24 + 3) * 60 * minute + 25 * minute)).toBe('2 d 3 h')
})

test('the summary says what is known, what is not, and who fails; and a little is not nothing', () => {
  const healthy: Source = {
    measures: [
      { measure: 'posts', gapRatio24h: 0.00001 },
      { measure: 'replies', gapRatio24h: 0.1234 },
      { measure: 'reactions', gapRatio24h: 0 },
    ],
    ...{ round: {}, failing: 0, behind: 0, channels: [{ channel: 'https://a', error: null }] },
  }
  const missed = 'Of the followed time of the last 24 hours (by event time) were missed'
  expect(summary(healthy)).toBe(`\n${missed}: < 0.1 % of posts, 12.3 % of replies, 0 % of reactions.\n`)
  expect(summary({ ...healthy, measures: [], round: null })).toBe('')
  const channels = [
    { channel: '_', error: 'HTTP\n503' },
    { channel: 'https://b', error: 'x'.repeat(500) },
  ]
  expect(
    summary({
      ...{ measures: [{ measure: 'posts', gapRatio24h: null }], round: {}, failing: 4, behind: 1, channels },
    }),
  ).toBe(
    [
      '',
      'Nothing is decided yet of replies and reactions.',
      'At the last poll, 4 channels failed:',
      '  (no channel): HTTP 503',
      `  https://b: ${'x'.repeat(160)}`,
      '  and 2 more',
      '1 channel is behind: posts not decided for an hour, or replies or reactions for three.',
      '',
    ].join('\n'),
  )
  expect(summary({ ...healthy, failing: 1, channels: channels.slice(0, 1) })).toMatch(
    /\nAt the last poll, 1 channel failed:\n {2}\(no channel\): HTTP 503\n$/,
  )
})
