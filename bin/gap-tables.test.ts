import { expect, test } from 'vitest'
import { joinMeasures, lengthOf, type Source, sumChannels, summary } from './gap-tables.ts'

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

test('a channel is summed up: its gaps, the time of which something is missing, and the last of them', () => {
  const at = (hour: number) => `2024-02-05T${String(hour).padStart(2, '0')}:00:00Z`
  const gap = (channel: string, measure: string, from: number, to: number, reason: string | null) => ({
    ...{ channel, measure, from: at(from), to: at(to), reason },
  })
  const rows = [
    gap('b', 'reactions', 0, 4, 'long'),
    gap('b', 'posts', 1, 2, 'short'),
    gap('a', 'posts', 2, 3, 'early'),
    gap('_', 'replies', 3, 9, null),
    gap('b', 'posts', 3, 6, 'both'),
    gap('b', 'replies', 3, 6, 'both'),
    gap('b', 'posts', 8, 9, 'last'),
  ]
  expect(sumChannels(rows)).toEqual([
    { channel: 'a', measures: ['posts'], gaps: 1, ms: 3_600_000, to: at(3), reason: 'early' },
    { channel: '_', measures: ['replies'], gaps: 1, ms: 6 * 3_600_000, to: at(9), reason: null },
    {
      ...{ channel: 'b', measures: ['posts', 'replies', 'reactions'], gaps: 4, ms: 7 * 3_600_000 },
      ...{ to: at(9), reason: 'last' },
    },
  ])
  expect(sumChannels([])).toEqual([])
})

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
