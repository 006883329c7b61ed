import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BASE, DAY, HOUR } from '../../../common/time.ts'
import { type Activity, type Cast, type Coverage, NETWORK, NO_CHANNEL } from '../../../schemas/records.ts'
import { byKey, drive, driven, type Output } from '../../testing/drive.ts'
import { createPipeline } from '../../testing/pipeline.ts'
import { countStage } from './count.ts'
import { forgetOldest, newSeen, remember } from './dedupe.ts'

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

test('further channels than may be are not counted by themselves, which is shown, until others have been silent for a day', async () => {
  const count = driven(countStage({ mostChannels: 4 }))
  const many = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => post(key, T0))
  const first = await count.take([...many, ...hours(0, 1)])
  expect(count.gauges()).toMatchObject({ channels: 4, messages_refused: 2 })
  expect(new Set(first.filter(({ record }) => record.type === 'BinClosed').map(({ key }) => key)).size).toBe(
    4,
  )
  // What there is goes on as if nothing were, and what is in no channel is counted.
  await count.take([post('a', T0 + HOUR), post('e', T0 + HOUR), post(NO_CHANNEL, T0 + HOUR), ...hours(1, 2)])
  expect(count.gauges()).toMatchObject({ channels: 5, messages_refused: 3 })
  await count.take([...hours(2, 40), post('a', T0 + 40 * HOUR), post('e', T0 + 40 * HOUR), ...hours(40, 60)])
  expect(count.gauges()).toMatchObject({ channels: 2, messages_refused: 3 })
})

/** Messages of so many channels, some of them twice and some late, with coverage between them; and what of that the network has. */
const feeds = (channels: number) => {
  const BINS = 12
  const message = fc.record({
    channel: fc.nat(channels - 1),
    bin: fc.nat(BINS - 1),
    // It comes so many bins later. Coverage passes its bin at the end of the next.
    after: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(6)),
    again: fc.option(fc.nat(6)),
    part: fc.constantFrom('post', 'reply', 'like', 'count'),
  })
  return fc.array(message, { minLength: 40, maxLength: 80 }).map((messages) => {
    const arriving: Keyed[][] = Array.from({ length: BINS + 13 }, () => [])
    const network = new Map<string, number>()
    for (const { channel, bin, after, again, part } of messages) {
      const { key, record } = post(`c${channel}`, T0 + bin * BASE + 1000)
      const { hash, fid, time } = record as Cast
      const signed = { time, clock: 'signed', verified: false } as const
      const of = { fid, hash }
      const records: Record<typeof part, Activity> = {
        post: record,
        reply: { ...(record as Cast), parent: of },
        like: { type: 'Reaction', ...signed, ...of, kind: 'like', target: of },
        count: {
          type: 'ReactionCount',
          ...signed,
          kind: 'recast',
          target: of,
          count: 9,
          saturated: false,
          rise: 3,
        },
      }
      for (const times of again === null ? [0] : [0, again])
        arriving[bin + after + times]!.push({ key, record: records[part] })
      if (after > 1) continue
      const measures = { post: ['posts', 'casts'], reply: ['replies', 'casts'] }
      for (const measure of part in measures ? measures[part as 'post'] : ['reactions']) {
        const name = `${T0 + bin * BASE} ${measure}`
        network.set(name, (network.get(name) ?? 0) + (part === 'count' ? 3 : 1))
      }
    }
    const inputs = arriving.flatMap((messages, bin) => [
      ...messages,
      coverage(T0 + (bin - 1) * BASE, T0 + bin * BASE, bin === 5 ? 'gap' : 'complete'),
    ])
    return { inputs, network }
  })
}

test('the network has what is said in channels without room, as it has all else; of them stands no record', async () => {
  const k = 4
  await fc.assert(
    fc.asyncProperty(feeds(3 * k), async ({ inputs, network }) => {
      const limited = driven(countStage({ mostChannels: k }), { batch: 7, restart: true })
      const found = byKey(await limited.take(inputs))
      const expected = byKey(await drive(countStage(), inputs))
      const kept = [...new Set(inputs.flatMap(({ key }) => (key === NETWORK ? [] : key)))].slice(0, k)
      for (const key of ['0', ...kept]) expect(found.get(key)).toEqual(expected.get(key))
      expect(new Set(found.keys())).toEqual(new Set(['0', ...kept]))
      const partials = found
        .get('0')!
        .flatMap((record) =>
          record.type === 'Partial'
            ? record.sums.map(({ measure, count }) => [`${record.start} ${measure}`, count] as const)
            : [],
        )
      expect(new Map(partials.filter(([, count]) => count > 0))).toEqual(network)
      expect(limited.gauges().channels).toBe(kept.length)
    }),
    { numRuns: 50 },
  )
})

test('in the network, three times as many channels as may be are all counted, each message once', async () => {
  const count = driven(countStage({ mostChannels: 4 }))
  const many = Array.from({ length: 12 }, (_, i) => post(`c${i}`, T0))
  const outputs = await count.take([...many, ...many, ...hours(0, 1), post('c11', T0), ...hours(1, 2)])
  expect(networkPosts(outputs)).toBe(12)
  expect(count.gauges()).toMatchObject({ channels: 4, messages_refused: 9, dedupe_hashes: 13 })
  // Once there is room for it, what it said before is no news, and all is forgotten in its time.
  const before = post('c11', T0 + 46 * HOUR)
  const others = ['c0', 'c1', 'c2', 'c3'].map((key) => post(key, T0 + 5 * HOUR))
  const later = await count.take([...hours(2, 6), ...others, ...hours(6, 30)])
  expect(networkPosts(later)).toBe(0)
  await count.take([...hours(30, 46), before, before, ...hours(46, 47)])
  expect(count.gauges()).toMatchObject({ channels: 1, messages_refused: 9, dedupe_hashes: 1 })
})

test('what a source follows by name has room, however many channels others have named', async () => {
  const count = driven(countStage({ mostChannels: 2 }))
  const outputs = await count.take([
    ...['a', 'b', 'c', 'd'].map((key) => post(key, T0)),
    ...hours(0, 1),
    coverage(T0 + HOUR, T0 + 2 * HOUR, 'covered', 'followed'),
    post('followed', T0 + 2 * HOUR),
    coverage(T0 + 2 * HOUR, T0 + 3 * HOUR, 'covered', 'followed'),
  ])
  expect(posted(outputs, 'followed')).toBe(1)
  expect(count.gauges()).toMatchObject({ channels: 3, messages_refused: 2 })
})

const networkPosts = (outputs: readonly Output[]): number =>
  outputs
    .flatMap(({ record }) => (record.type === 'Partial' ? record.sums : []))
    .reduce((sum, { measure, count }) => sum + (measure === 'posts' ? count : 0), 0)

test('channels are so many in a run, of which each partition has its share', async () => {
  const keys = Array.from({ length: 120 }, (_, i) => `channel ${i}`)
  const posts = keys.map((key) => post(key, T0))
  const figures = async (partitions: number, mostChannels: number) => {
    const pipeline = createPipeline([countStage({ partitions, mostChannels })], { partitions })
    await pipeline.write('activity', posts)
    const { channels, messages_refused: refused } = pipeline.gauges('count')
    return { channels, refused }
  }
  expect(await figures(4, 40)).toEqual({ channels: 40, refused: 80 })
  expect(await figures(1, 40)).toEqual({ channels: 40, refused: 80 })
  expect(await figures(4, 400)).toEqual({ channels: 120, refused: 0 })
})

const posted = (outputs: readonly Output[], key: string): number =>
  outputs
    .flatMap(({ key: of, record }) => (of === key && record.type === 'BinClosed' ? record.bins : []))
    .reduce((sum, { measure, count }) => sum + (measure === 'posts' ? count : 0), 0)

test('of hashes the oldest hours go first, of all channels alike', () => {
  const [a, b] = [newSeen(), newSeen()]
  const hash = (n: number) => createHash('sha1').update(`${n}`).digest()
  for (let n = 0; n < 10; n++) expect(remember(n % 2 ? a : b, hash(n), T0 + n * HOUR)).toBe(true)
  expect(forgetOldest([a, b], 6)).toBe(6)
  expect([a, b]).toMatchObject([
    { size: 3, capped: 2 },
    { size: 3, capped: 2 },
  ])
  expect(remember(a, hash(9), T0 + 9 * HOUR)).toBe(false)
  expect(remember(b, hash(0), T0)).toBe(true)
  // Not even one hour may hold more.
  for (let n = 10; n < 20; n++) remember(a, hash(n), T0 + 9 * HOUR)
  expect(forgetOldest([a, b], 6)).toBe(0)
})

test('in no channel, more repeats are known than in named ones', async () => {
  for (const key of ['c', NO_CHANNEL]) {
    const count = driven(countStage({ mostHashes: { named: 10, none: 20 } }))
    const posts = Array.from({ length: 20 }, (_, i) => post(key, T0 + Math.floor(i / 5) * HOUR + BASE))
    const outputs = await count.take([...posts, ...posts, coverage(T0, T0 + 5 * HOUR)])
    if (key === NO_CHANNEL) {
      expect(posted(outputs, key)).toBe(20)
      expect(count.gauges().dedupe_cap_hits).toBe(0)
    } else {
      expect(posted(outputs, key)).toBeGreaterThan(20)
      expect(count.gauges().dedupe_cap_hits).toBeGreaterThan(0)
    }
    // In none, too, there is an end.
    const more = Array.from({ length: 30 }, (_, i) => post(key, T0 + (5 + Math.floor(i / 6)) * HOUR))
    await count.take(more)
    expect(count.gauges().dedupe_cap_hits).toBeGreaterThan(0)
    expect(count.gauges().dedupe_hashes).toBeLessThanOrEqual(key === NO_CHANNEL ? 20 : 10)
  }
})

test('hashes are so many in a run, however many channels they are in', async () => {
  const partitions = 4
  const figures = async (perChannel: number) => {
    const stage = countStage({ partitions, mostHashes: { named: 160, none: 1 } })
    const pipeline = createPipeline([stage], { partitions })
    for (let n = 0; n < perChannel; n++) {
      await pipeline.write(
        'activity',
        Array.from({ length: 40 }, (_, i) => post(`channel ${i}`, T0 + n * HOUR)),
      )
    }
    return pipeline.gauges('count')
  }
  expect(await figures(2)).toMatchObject({ dedupe_hashes: 80, dedupe_cap_hits: 0 })
  const { dedupe_hashes: hashes, dedupe_cap_hits: hits } = await figures(20)
  expect(hashes).toBeLessThanOrEqual(160)
  expect(hashes).toBeGreaterThan(80)
  expect(hits).toBeGreaterThan(0)
})

test('the number of hashes is what the channels remember, through sweeps and silence', async () => {
  const stage = countStage({ mostHashes: { named: 30, none: 15 } })
  const state = stage.initial(0)
  const remembered = () => [...state.channels.values()].reduce((sum, { seen }) => sum + seen.size, 0)
  for (let hour = 0; hour < 20 * 24; hour++) {
    const keys = hour < 48 ? ['a', 'b', NO_CHANNEL] : []
    for (const key of keys) stage.apply(state, post(key, T0 + hour * HOUR))
    stage.apply(state, hours(hour, hour + 1)[0]!)
    await stage.settle(state, () => {})
    expect(state.hashes).toBe(remembered())
    if (hour === 20) {
      expect(state.hashes).toBeGreaterThan(30)
      // What older versions kept has had several shapes: none is taken for today's, and all are rebuilt.
      for (const version of [2, 3]) expect(stage.migrate?.(state, version) ?? null).toBeNull()
    }
  }
  expect(state.channels.size).toBe(0)
})
