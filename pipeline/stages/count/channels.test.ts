import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { BASE, DAY, HOUR } from '../../../common/time.ts'
import { type Activity, type Coverage, NETWORK, NO_CHANNEL } from '../../../schemas/records.ts'
import { driven } from '../../testing/drive.ts'
import { countStage } from './count.ts'
import { MOST, MOST_OF_NONE, newSeen, remember } from './dedupe.ts'

const T0 = Date.UTC(2026, 0, 5)
type Keyed = { key: string; record: Activity }

let serial = 0
const post = (key: string, time: number): Keyed => ({
  key,
  record: {
    ...{
      type: 'Cast',
      hash: createHash('sha1').update(`${serial++}`).digest(),
      fid: 1,
      time,
      clock: 'signed',
    },
    ...{ verified: false, text: '', parent: null, parentUrl: key, urls: [], quotes: [], mentions: [] },
  },
})
const coverage = (
  from: number,
  to: number,
  status: Coverage['status'] = 'complete',
  key = NETWORK,
): Keyed => ({
  key,
  record: {
    ...{ type: 'Coverage', status, measures: ['posts', 'replies', 'reactions'], from, to, reason: null },
    partitions: 1,
  },
})
const hours = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => coverage(T0 + (from + i) * HOUR, T0 + (from + i + 1) * HOUR))

test('a channel that is silent for two weeks is kept no longer; one that speaks is', async () => {
  const count = driven(countStage())
  await count.take([post('silent', T0), post('talks', T0), ...hours(0, 24)])
  for (let day = 1; day < 14; day++) {
    await count.take([post('talks', T0 + day * DAY), ...hours(day * 24, (day + 1) * 24)])
  }
  expect(count.gauges()).toMatchObject({ channels: 2, active_channels: 1 })
  await count.take(hours(14 * 24, 16 * 24))
  expect(count.gauges()).toMatchObject({ channels: 1, dedupe_hashes: 0 })
  // It is as one that was never there.
  const again = await count.take([post('silent', T0 + 16 * DAY), ...hours(16 * 24, 16 * 24 + 1)])
  expect(again.filter(({ key }) => key === 'silent').map(({ record }) => record)[0]).toMatchObject({
    type: 'BinClosed',
    start: T0 + 16 * DAY,
  })
})

test('one that is followed is kept, however silent; one that is followed no more is not', async () => {
  const count = driven(countStage())
  const round = (day: number, key: string): Keyed[] => [
    coverage(T0 + day * DAY, T0 + (day + 1) * DAY, 'covered', key),
    {
      key,
      record: {
        ...{ type: 'Polled', at: T0 + (day + 1) * DAY, watched: [], complete: [], owed: [], requests: 1 },
        ...{ failed: 0, error: null, next: null },
      },
    },
  ]
  for (let day = 0; day < 20; day++) {
    const left = day < 2 ? [post('left', T0 + day * DAY), ...round(day, 'left')] : []
    await count.take([
      ...left,
      ...round(day, 'followed'),
      coverage(T0 + day * DAY, T0 + (day + 1) * DAY, 'decided'),
    ])
    expect(count.gauges().channels).toBe(day < 16 ? 2 : 1)
  }
})

test('further channels than may be are not counted, which is shown, until others have been silent for a day', async () => {
  const count = driven(countStage({ mostChannels: 4 }))
  const many = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => post(key, T0))
  const first = await count.take([...many, ...hours(0, 1)])
  expect(count.gauges()).toMatchObject({ channels: 4, messages_refused: 2 })
  expect(new Set(first.filter(({ record }) => record.type === 'BinClosed').map(({ key }) => key)).size).toBe(
    4,
  )
  // What there is goes on as if nothing were.
  await count.take([post('a', T0 + HOUR), post('e', T0 + HOUR), ...hours(1, 2)])
  expect(count.gauges()).toMatchObject({ channels: 4, messages_refused: 3 })
  await count.take([...hours(2, 40), post('a', T0 + 40 * HOUR), post('e', T0 + 40 * HOUR), ...hours(40, 60)])
  expect(count.gauges()).toMatchObject({ channels: 2, messages_refused: 3 })
})

test('of hashes the oldest hour goes first; in no channel there may be more', () => {
  const seen = newSeen()
  const hash = (n: number) => createHash('sha1').update(`${n}`).digest()
  for (let n = 0; n < 10; n++) expect(remember(seen, hash(n), T0 + n * HOUR, 6)).toBe(true)
  expect(seen).toMatchObject({ size: 6, capped: 4 })
  expect(remember(seen, hash(9), T0 + 9 * HOUR, 6)).toBe(false)
  expect(remember(seen, hash(0), T0, 6)).toBe(true)
  expect(MOST_OF_NONE).toBeGreaterThan(4 * MOST)
})

test('in no channel, more repeats are known than in one', async () => {
  for (const key of ['c', NO_CHANNEL]) {
    const count = driven(countStage({ mostHashes: { channel: 10, none: 20 } }))
    const posts = Array.from({ length: 20 }, (_, i) => post(key, T0 + Math.floor(i / 5) * HOUR + BASE))
    const outputs = await count.take([...posts, ...posts, coverage(T0, T0 + 5 * HOUR)])
    const counted = outputs.flatMap(({ key: of, record }) =>
      of === key && record.type === 'BinClosed'
        ? (record.bins.find((b) => b.measure === 'posts')?.count ?? 0)
        : 0,
    )
    const sum = counted.reduce((a, b) => a + b, 0)
    if (key === NO_CHANNEL) expect(sum).toBe(20)
    else expect(sum).toBeGreaterThan(20)
  }
})
