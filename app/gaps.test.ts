import { expect, test } from 'vitest'
import { joinMeasures, sumChannels } from './gaps.ts'

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
