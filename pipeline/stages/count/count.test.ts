import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BASE, DAY, floorTo, HOUR, LATENESS, MINUTE } from '../../../common/time.ts'
import {
  type Activity,
  type BinClosed,
  type Coverage,
  type FcmRecord,
  type Idle,
  type Late,
  MEASURES,
  type Measure,
  type Partial,
} from '../../../schemas/records.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { byKey, drive, type Output } from '../../testing/drive.ts'
import { detectStage } from '../detect/detect.ts'
import { scoring } from '../detect/testing.ts'
import { IDLE_BINS } from '../lifecycle.ts'
import { countStage } from './count.ts'

type Input = InputOf<'count'>

const T0 = Date.UTC(2024, 0, 1)
const ALL: Measure[] = ['posts', 'replies', 'reactions']

let serial = 0
const hashOf = (name: string | number): Buffer => createHash('sha1').update(String(name)).digest()
const signed = (time: number, fid: number, name?: string) =>
  ({ hash: hashOf(name ?? `#${serial++}`), fid, time, clock: 'signed', verified: false }) as const

const post = (key: string, time: number, fid = 1, name?: string): Input => ({
  key,
  record: {
    type: 'Cast',
    ...signed(time, fid, name),
    text: '',
    parent: null,
    parentUrl: key,
    urls: [],
    quotes: [],
    mentions: [],
  },
})
const reply = (key: string, time: number, fid = 1): Input => {
  const { record } = post(key, time, fid)
  return { key, record: { ...record, parent: { fid: 1, hash: hashOf('parent') } } as Activity }
}
const like = (key: string, time: number): Input => ({
  key,
  record: { type: 'Reaction', ...signed(time, 1), kind: 'like', target: { fid: 1, hash: hashOf('target') } },
})
const coverage = (
  key: string,
  status: Coverage['status'],
  from: number,
  to: number,
  measures = ALL,
): Input => ({
  key,
  record: {
    type: 'Coverage',
    status,
    measures,
    from,
    to,
    reason: status === 'gap' ? 'hub down' : null,
    partitions: 1,
  },
})
const complete = (from: number, to: number) => coverage('*', 'complete', from, to)
/** One Coverage for each bin, as a source writes them. */
const completeBins = (from: number, to: number): Input[] =>
  Array.from({ length: (to - from) / BASE }, (_, i) => complete(from + i * BASE, from + (i + 1) * BASE))

const of = <T extends FcmRecord['type']>(outputs: Output[], type: T, key = 'c') =>
  outputs.flatMap((o) =>
    o.record.type === type && o.key === key ? [o.record as Extract<FcmRecord, { type: T }>] : [],
  )
const bin = (outputs: Output[], start: number, measure: Measure, key = 'c') =>
  of(outputs, 'BinClosed', key)
    .flatMap((b) => (b.start === start ? b.bins : []))
    .find((b) => b.measure === measure)
const run = (inputs: Input[]) => drive(countStage(), inputs)
const polled = (key: string, at: number): Input => ({
  key,
  record: {
    type: 'Polled',
    at,
    watched: [],
    complete: [],
    owed: [],
    requests: 3,
    failed: 0,
    error: null,
    next: null,
  },
})

describe('bins', () => {
  test('count posts, replies, both, reactions and distinct authors', async () => {
    const outputs = await run([
      post('c', T0, 1),
      post('c', T0 + MINUTE, 2),
      reply('c', T0 + 2 * MINUTE, 1),
      like('c', T0 + 3 * MINUTE),
      complete(T0, T0 + BASE),
    ])
    expect(of(outputs, 'BinClosed')).toEqual([
      {
        type: 'BinClosed',
        start: T0,
        seconds: 300,
        bins: [
          { measure: 'posts', count: 2, covered: 1, masked: false },
          { measure: 'replies', count: 1, covered: 1, masked: false },
          { measure: 'casts', count: 3, covered: 1, masked: false },
          { measure: 'reactions', count: 1, covered: 1, masked: false },
          { measure: 'participants', count: 2, covered: 1, masked: false },
        ],
      },
    ])
  })

  test('stay open until coverage passes their end, and are half-open', async () => {
    const open = await run([post('c', T0), complete(T0, T0 + BASE - 1)])
    expect(of(open, 'BinClosed')).toEqual([])
    const closed = await run([post('c', T0), post('c', T0 + BASE), complete(T0, T0 + BASE)])
    expect(bin(closed, T0, 'posts')?.count).toBe(1)
    expect(of(closed, 'BinClosed')).toHaveLength(1)
  })

  test('are written from the first event on, also empty ones', async () => {
    const outputs = await run([
      ...completeBins(T0, T0 + 2 * BASE),
      post('c', T0 + 2 * BASE),
      ...completeBins(T0 + 2 * BASE, T0 + 5 * BASE),
    ])
    expect(of(outputs, 'BinClosed').map((b) => [b.start, b.bins[0]?.count])).toEqual([
      [T0 + 2 * BASE, 1],
      [T0 + 3 * BASE, 0],
      [T0 + 4 * BASE, 0],
    ])
  })

  test('casts wait for posts and replies both', async () => {
    const inputs = [post('c', T0), coverage('*', 'complete', T0, T0 + BASE, ['posts'])]
    const posts = await run(inputs)
    expect(of(posts, 'BinClosed').map((b) => b.bins.map((m) => m.measure))).toEqual([['posts']])
    const both = await run([...inputs, coverage('*', 'complete', T0, T0 + BASE, ['replies'])])
    expect(of(both, 'BinClosed').map((b) => b.bins.map((m) => m.measure))).toEqual([
      ['posts'],
      ['casts', 'participants'],
    ])
  })

  test('equal a direct count, for any order within coverage and any batches', async () => {
    const event = fc.record({
      key: fc.constantFrom('a', 'b'),
      bin: fc.nat(20),
      offset: fc.nat(BASE - 1),
      kind: fc.constantFrom(post, reply),
      fid: fc.nat(3),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 60 }),
        fc.constantFrom(1, 7, 1000),
        async (events, batch) => {
          const inputs = events.map((e) => e.kind(e.key, T0 + e.bin * BASE + e.offset, e.fid))
          const end = T0 + 21 * BASE
          const outputs = await drive(countStage(), [...inputs, ...completeBins(T0, end)], {
            batch,
            restart: true,
          })
          for (const key of ['a', 'b']) {
            const mine = events.filter((e) => e.key === key)
            const first = Math.min(...mine.map((e) => e.bin))
            for (let i = 0; i <= 20; i++) {
              const inBin = mine.filter((e) => e.bin === i)
              const casts = bin(outputs, T0 + i * BASE, 'casts', key)
              expect(casts?.count).toBe(i < first ? undefined : inBin.length)
              const authors = bin(outputs, T0 + i * BASE, 'participants', key)
              expect(authors?.count).toBe(i < first ? undefined : new Set(inBin.map((e) => e.fid)).size)
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('identity', () => {
  test('one cast read twice is one; two in one second are two', async () => {
    const outputs = await run([
      post('c', T0, 1, 'x'),
      post('c', T0, 1, 'x'),
      post('c', T0, 1, 'y'),
      complete(T0, T0 + BASE),
    ])
    expect(bin(outputs, T0, 'posts')?.count).toBe(2)
  })

  test('a repeat is recognised for 24 hours and L behind coverage, across restarts', async () => {
    const again = post('c', T0, 1, 'x')
    const inputs = [again, ...completeBins(T0, T0 + DAY), again]
    expect(of(await drive(countStage(), inputs, { batch: 1, restart: true }), 'Late')).toEqual([])
    const much = [again, ...completeBins(T0, T0 + DAY + LATENESS + HOUR), again]
    // By then nobody remembers: it is told apart from bins by having no start.
    expect(of(await run(much), 'Late').map((l: Late) => l.start)).toEqual([null, null, null])
  })

  test('coverage that repeats changes nothing', async () => {
    const inputs = [
      post('c', T0),
      complete(T0, T0 + BASE),
      post('c', T0 + BASE),
      complete(T0 + BASE, T0 + 2 * BASE),
    ]
    const repeated = [...inputs, inputs[1]!, inputs[3]!]
    expect(byKey(await run(repeated))).toEqual(byKey(await run(inputs)))
  })
})

describe('late arrivals', () => {
  test('never reopen a bin, and are tallied', async () => {
    const outputs = await run([
      post('c', T0),
      complete(T0, T0 + BASE),
      post('c', T0 + 1),
      post('c', T0 + 2),
      complete(T0 + BASE, T0 + 2 * BASE),
    ])
    expect(bin(outputs, T0, 'posts')?.count).toBe(1)
    const late = of(outputs, 'Late').filter((l) => l.measure === 'posts')
    expect(late).toEqual([
      { type: 'Late', measure: 'posts', start: T0, count: 1 },
      { type: 'Late', measure: 'posts', start: T0, count: 2 },
    ])
    expect(bin(outputs, T0 + BASE, 'posts')?.count).toBe(0)
  })
})

describe('silence is not absence', () => {
  test('a bin in a gap is masked, never zero', async () => {
    const outputs = await run([
      post('c', T0),
      complete(T0, T0 + BASE),
      coverage('*', 'gap', T0 + BASE, T0 + 2 * BASE),
      complete(T0 + 2 * BASE, T0 + 3 * BASE),
    ])
    expect(bin(outputs, T0 + BASE, 'posts')).toEqual({ measure: 'posts', count: 0, covered: 0, masked: true })
    expect(bin(outputs, T0 + 2 * BASE, 'posts')?.masked).toBe(false)
  })

  test('a hole that nobody declared is a gap', async () => {
    const outputs = await run([
      post('c', T0),
      complete(T0, T0 + BASE),
      complete(T0 + 2 * BASE, T0 + 3 * BASE),
    ])
    expect(bin(outputs, T0 + BASE, 'posts')?.masked).toBe(true)
  })

  test('a bin covered in part says how much', async () => {
    const outputs = await run([post('c', T0 + 4 * MINUTE), complete(T0 + 2 * MINUTE, T0 + BASE)])
    expect(bin(outputs, T0, 'posts')).toEqual({ measure: 'posts', count: 1, covered: 0.6, masked: true })
  })

  test('one channel of a polled source: covered, gap, and casts where both are', async () => {
    const outputs = await run([
      post('c', T0),
      coverage('c', 'covered', T0, T0 + BASE, ['posts']),
      coverage('c', 'gap', T0 + BASE, T0 + 2 * BASE, ['posts']),
      coverage('c', 'covered', T0, T0 + 2 * BASE, ['replies']),
    ])
    expect(bin(outputs, T0, 'posts')?.masked).toBe(false)
    const casts = of(outputs, 'BinClosed').flatMap((b) => b.bins.filter((m) => m.measure === 'casts'))
    expect(casts.map((m) => m.covered)).toEqual([1, 0])
  })
})

describe('idle', () => {
  const quiet = (bins: number): Input[] => [post('c', T0), ...completeBins(T0, T0 + bins * BASE)]

  test('after 24 covered hours without an event one record stands for the zeros', async () => {
    const before = await run(quiet(IDLE_BINS))
    expect(of(before, 'Idle')).toEqual([])
    const outputs = await run(quiet(IDLE_BINS + 10))
    expect(of(outputs, 'BinClosed')).toHaveLength(IDLE_BINS + 1)
    const from = T0 + (IDLE_BINS + 1) * BASE
    expect(of(outputs, 'Idle').map((i: Idle) => [i.measure, i.from])).toEqual([
      ['posts', from],
      ['casts', from],
      ['participants', from],
    ])
  })

  test('gap hours are not covered hours', async () => {
    const outputs = await run([
      post('c', T0),
      complete(T0, T0 + BASE),
      coverage('*', 'gap', T0 + BASE, T0 + 11 * BASE),
      ...completeBins(T0 + 11 * BASE, T0 + (IDLE_BINS + 10) * BASE),
    ])
    expect(of(outputs, 'Idle')).toEqual([])
  })

  test('the next event wakes it, with nothing written in between but gaps', async () => {
    const asleep = T0 + (IDLE_BINS + 1) * BASE
    const outputs = await run([
      ...quiet(IDLE_BINS + 1),
      ...completeBins(asleep, asleep + 3 * BASE),
      coverage('*', 'gap', asleep + 3 * BASE, asleep + 5 * BASE),
      ...completeBins(asleep + 5 * BASE, asleep + 6 * BASE),
      post('c', asleep + 7 * BASE),
      ...completeBins(asleep + 6 * BASE, asleep + 8 * BASE),
    ])
    const later = of(outputs, 'BinClosed').filter((b) => b.start >= asleep)
    expect(later.map((b) => [b.start, b.bins[0]?.count])).toEqual([[asleep + 7 * BASE, 1]])
    expect(of(outputs, 'Unknown').filter((u) => u.measure === 'posts')).toEqual([
      {
        type: 'Unknown',
        measure: 'posts',
        from: asleep + 3 * BASE,
        to: asleep + 5 * BASE,
        reason: 'hub down',
      },
    ])
  })

  test('an idle channel costs nothing', async () => {
    const stage = countStage()
    const state = stage.initial(0)
    for (const input of quiet(2 * IDLE_BINS + 20)) stage.apply(state, input)
    expect(state.active.size).toBe(0)
    expect(state.channels.get('c')?.seen.size).toBe(0)
  })
})

test('milestones at 4, 8, 16, ... events of an open bin', async () => {
  const outputs = await run(Array.from({ length: 20 }, (_, i) => post('c', T0 + i)))
  const posts = of(outputs, 'Milestone').filter((m) => m.measure === 'posts')
  expect(posts.map(({ n, time }) => [n, time])).toEqual([
    [4, T0 + 3],
    [8, T0 + 7],
    [16, T0 + 15],
  ])
})

describe('the network', () => {
  test('each partition reports its share of every bin, also of an empty one, without the late', async () => {
    const outputs = await run([
      post('c', T0),
      post('d', T0),
      complete(T0, T0 + BASE),
      post('c', T0 + 1),
      complete(T0 + BASE, T0 + 2 * BASE),
    ])
    const partials = of(outputs, 'Partial', '0')
    expect(partials.map((p: Partial) => [p.start, p.sums.map((s) => `${s.measure} ${s.count}`)])).toEqual([
      [T0, ['posts 2', 'replies 0', 'casts 2', 'reactions 0']],
      [T0 + BASE, ['posts 0', 'replies 0', 'casts 0', 'reactions 0']],
    ])
    expect(partials[0]?.sums.every((s) => s.covered === 1 && s.followed === 1)).toBe(true)
  })

  test('of a polled source: how many followed channels covered the bin, once all have spoken', async () => {
    const spoken = (from: number, status: 'covered' | 'gap') => [
      coverage('c', 'covered', from, from + BASE),
      coverage('d', status, from, from + BASE),
      ...[polled('c', from + BASE), polled('d', from + BASE)],
      coverage('*', 'decided', from, from + BASE),
    ]
    const outputs = await run([
      ...[post('c', T0), ...spoken(T0, 'covered')],
      ...[post('c', T0 + BASE), ...spoken(T0 + BASE, 'gap')],
    ])
    expect(of(outputs, 'Partial', '0').map((p) => p.sums[0])).toEqual([
      { measure: 'posts', count: 1, covered: 2, followed: 2 },
      { measure: 'posts', count: 1, covered: 1, followed: 2 },
    ])
  })
})

describe('counts of reactions', () => {
  const likes = (time: number, rise: number, kind: 'like' | 'recast' = 'like', name = 'target'): Input => ({
    key: 'c',
    record: {
      type: 'ReactionCount',
      ...{ time, clock: 'observed', verified: false, kind, target: { fid: 1, hash: hashOf(name) } },
      ...{ count: 10 + rise, saturated: false, rise },
    },
  })

  test('rise in the bin of their poll; the same cast, kind and poll once', async () => {
    const outputs = await run([
      likes(T0, 3),
      likes(T0, 3),
      likes(T0, 2, 'recast'),
      likes(T0, 1, 'like', 'another'),
      likes(T0 + 1, 1),
      likes(T0 + BASE, 7),
      complete(T0, T0 + 2 * BASE),
    ])
    expect(bin(outputs, T0, 'reactions')?.count).toBe(7)
    expect(bin(outputs, T0 + BASE, 'reactions')?.count).toBe(7)
    expect(of(outputs, 'Partial', '0')[0]?.sums.find((s) => s.measure === 'reactions')?.count).toBe(7)
  })

  test('a baseline counts nothing, and begins no series', async () => {
    expect(of(await run([likes(T0, 0), complete(T0, T0 + BASE)]), 'BinClosed')).toEqual([])
  })

  test('pass every milestone on their way', async () => {
    const outputs = await run([likes(T0, 3), likes(T0 + 1, 17), likes(T0 + 2, 11), likes(T0 + 3, 1)])
    expect(of(outputs, 'Milestone').map(({ n, time }) => [n, time])).toEqual([
      [4, T0 + 1],
      [8, T0 + 1],
      [16, T0 + 1],
      [32, T0 + 3],
    ])
  })

  test('are late like others', async () => {
    const outputs = await run([complete(T0, T0 + BASE), likes(T0, 3), likes(T0 + 1, 2)])
    expect(of(outputs, 'Late')).toEqual([
      { type: 'Late', measure: 'reactions', start: T0, count: 3 },
      { type: 'Late', measure: 'reactions', start: T0, count: 5 },
    ])
  })
})

describe('a source that polls', () => {
  const POSTS: Measure[] = ['posts']
  const REST: Measure[] = ['replies', 'reactions']
  const followed = (key: string, from: number, to: number): Input[] => [
    coverage(key, 'covered', from, to, POSTS),
    coverage(key, 'covered', from, to, REST),
    polled(key, to),
  ]
  const decided = (from: number, to: number): Input[] => [
    coverage('*', 'decided', from, to, POSTS),
    coverage('*', 'decided', from, to, REST),
  ]
  const leave = (key: string, from: number): Input => coverage(key, 'gap', from, from + 25 * HOUR)
  /** Rounds of five minutes over [from, to), in each of which `key` speaks. */
  const rounds = (from: number, to: number, key = 'c'): Input[] =>
    Array.from({ length: (to - from) / BASE }, (_, i) => [
      ...followed(key, from + i * BASE, from + (i + 1) * BASE),
      ...decided(from + i * BASE, from + (i + 1) * BASE),
    ]).flat()
  const H = T0 + 2 * BASE
  const partialsOf = (outputs: Output[], measure: Measure) =>
    of(outputs, 'Partial', '0').flatMap(({ start, sums }) =>
      sums
        .filter((s) => s.measure === measure && start >= H)
        .map(({ count, covered, followed }) => [(start - H) / BASE, count, covered, followed]),
    )

  test('takes over where history ended, without a seam', async () => {
    const outputs = await run([post('c', T0), complete(T0, H), post('c', H), ...rounds(H, H + 2 * BASE)])
    const bins = of(outputs, 'BinClosed').flatMap(({ start, bins }) =>
      bins.filter((b) => b.measure === 'casts').map((b) => [(start - T0) / BASE, b.count, b.masked]),
    )
    expect(bins).toEqual([
      [0, 1, false],
      [1, 0, false],
      [2, 1, false],
      [3, 0, false],
    ])
    expect(partialsOf(outputs, 'casts')).toEqual([
      [0, 1, 1, 1],
      [1, 0, 1, 1],
    ])
  })

  test('replies covered an hour behind posts: casts wait, and nothing is late', async () => {
    const outputs = await run([
      post('c', T0, 1),
      coverage('c', 'covered', T0, T0 + 12 * BASE, POSTS),
      ...[reply('c', T0 + MINUTE, 2), like('c', T0 + MINUTE), post('c', T0 + 12 * BASE, 3)],
      coverage('c', 'covered', T0, T0 + BASE, REST),
      coverage('c', 'covered', T0 + 12 * BASE, T0 + 13 * BASE, POSTS),
    ])
    expect(of(outputs, 'Late')).toEqual([])
    expect(MEASURES.map((measure) => bin(outputs, T0, measure)?.count)).toEqual([1, 1, 2, 1, 2])
    const casts = of(outputs, 'BinClosed').filter((b) => b.bins.some((m) => m.measure === 'casts'))
    expect(casts.map((b) => b.start)).toEqual([T0])
  })

  test('takes leave of what it follows no more: masked bins, one unknown span, and then no word', async () => {
    const asleep = T0 + (IDLE_BINS + 1) * BASE
    const history = [
      post('idle', T0),
      ...completeBins(T0, asleep),
      post('busy', asleep),
      ...completeBins(asleep, asleep + BASE),
    ]
    const from = asleep + BASE
    const until = from + 25 * HOUR
    const said = await run([...history, leave('busy', from), leave('idle', from)])
    const masked = of(said, 'BinClosed', 'busy').filter((b) => b.start >= from)
    expect(masked).toHaveLength(25 * 12)
    expect(masked.flatMap((b) => b.bins).every((b) => b.masked && b.covered === 0)).toBe(true)
    expect(of(said, 'Idle', 'busy')).toEqual([])
    expect(of(said, 'Unknown', 'idle')).toEqual(
      ['posts', 'casts', 'participants'].map((measure) => ({
        type: 'Unknown',
        measure,
        from,
        to: until,
        reason: 'hub down',
      })),
    )
    // Others go on, for longer than the leave reaches.
    const outputs = await run([
      ...history,
      ...[leave('busy', from), leave('idle', from)],
      ...rounds(from, until + 5 * BASE, 'c'),
    ])
    for (const key of ['busy', 'idle']) {
      const mine = (all: Output[]) => all.filter((o) => o.key === key)
      expect(mine(outputs)).toEqual(mine(said))
    }
  })

  test('followed again, a channel begins with its first event', async () => {
    const again = H + 30 * HOUR
    const outputs = await run([
      ...[post('c', T0), complete(T0, H), leave('c', H)],
      ...rounds(again, again + 2 * BASE),
      post('c', again + 2 * BASE),
      ...rounds(again + 2 * BASE, again + 4 * BASE),
    ])
    const later = of(outputs, 'BinClosed').filter((b) => b.start >= H + 25 * HOUR)
    expect([...new Set(later.map((b) => b.start))]).toEqual([again + 2 * BASE, again + 3 * BASE])
    expect(later.flatMap((b) => b.bins).some((b) => b.masked)).toBe(false)
    expect(of(outputs, 'Unknown')).toEqual([])
  })

  test('followed again, an idle one says that the time between was no zeros', async () => {
    const asleep = T0 + (IDLE_BINS + 1) * BASE
    const again = asleep + 30 * HOUR
    const outputs = await run([
      ...[post('c', T0), ...completeBins(T0, asleep), leave('c', asleep)],
      ...rounds(again, again + 2 * BASE),
    ])
    const spans = of(outputs, 'Unknown').filter((u) => u.measure === 'casts')
    expect(spans.map(({ from, to }) => [from, to])).toEqual([
      [asleep, asleep + 25 * HOUR],
      [asleep + 25 * HOUR, again],
    ])
  })

  test('takes leave in pieces: the same bins', async () => {
    const history = [post('c', T0), post('d', T0), complete(T0, H)]
    const pieces = Array.from({ length: 25 }, (_, i) =>
      coverage('c', 'gap', H + i * HOUR, H + (i + 1) * HOUR),
    )
    const whole = await run([...history, leave('c', H), ...rounds(H, H + 26 * HOUR, 'd')])
    const inPieces = await run([...history, ...pieces, ...rounds(H, H + 26 * HOUR, 'd')])
    expect(byKey(inPieces)).toEqual(byKey(whole))
  })

  test('away for a day and more, but back at once: zeros from there on are zeros', async () => {
    const outputs = await run([
      ...[post('c', T0), complete(T0, H)],
      ...[leave('c', H), ...rounds(H + 25 * HOUR, H + 25 * HOUR + 2 * BASE)],
    ])
    const posts = of(outputs, 'BinClosed').flatMap((b) => b.bins.filter((m) => m.measure === 'posts'))
    expect(posts.map((b) => b.masked)).toEqual([false, false, ...Array(300).fill(true), false, false])
  })

  test('the network is of the channels it follows: not before it does, nor of those it never did', async () => {
    const outputs = await run([
      ...['c', 'left', 'new'].map((key) => post(key, T0)),
      ...completeBins(T0, H),
      leave('left', H),
      ...['c', 'left', 'stray'].map((key) => post(key, H)),
      ...rounds(H, H + BASE),
      ...['c', 'new'].map((key) => post(key, H + BASE)),
      ...followed('new', H + BASE, H + 2 * BASE),
      ...rounds(H + BASE, H + 2 * BASE),
      post('new', H + 2 * BASE),
      ...[coverage('new', 'gap', H + 2 * BASE, H + 3 * BASE), polled('new', H + 3 * BASE)],
      ...rounds(H + 2 * BASE, H + 3 * BASE),
    ])
    // The last of `new` was seen, though not all there was.
    const expected = [
      [0, 1, 1, 1],
      [1, 2, 2, 2],
      [2, 1, 1, 2],
    ]
    for (const measure of ['posts', 'casts'] as const) expect(partialsOf(outputs, measure)).toEqual(expected)
  })

  test('one that it follows no more is not missed by the network', async () => {
    const outputs = await run([
      ...[...followed('left', H, H + BASE), ...rounds(H, H + BASE)],
      leave('left', H + BASE),
      ...rounds(H + BASE, H + 26 * HOUR),
    ])
    const counts = partialsOf(outputs, 'casts').map(([, , covered, followed]) => [covered, followed])
    expect(counts).toEqual([[2, 2], ...Array(311).fill([1, 1])])
  })

  test('a measure that it never speaks of, or no more, holds no memory', async () => {
    for (const begin of [
      [],
      [post('c', T0), complete(T0, H), coverage('c', 'gap', H, H + 25 * HOUR, REST)],
    ]) {
      const stage = countStage()
      const state = stage.initial(0)
      const days = 4 * 288
      const inputs = Array.from({ length: days }, (_, i) => [
        ...[post('c', H + i * BASE, i), post('c', H + i * BASE, i + 1)],
        coverage('c', 'covered', H + i * BASE, H + (i + 1) * BASE, POSTS),
        coverage('*', 'decided', H + i * BASE, H + (i + 1) * BASE, POSTS),
      ]).flat()
      for (const input of [...begin, ...inputs]) stage.apply(state, input)
      const channel = state.channels.get('c')!
      for (const map of [channel.series.casts!.open, channel.series.participants!.authors!])
        expect(map.size).toBeLessThan(27 * 12)
      expect(channel.seen.size).toBeLessThan(27 * 24)
      expect(channel.seen.size).toBeGreaterThan(24 * 24)
    }
  })

  test('restarts, batches: the same', async () => {
    const inputs = [
      ...['c', 'left'].flatMap((key) => [post(key, T0), reply(key, T0), like(key, T0)]),
      ...completeBins(T0, H),
      leave('left', H),
      ...Array.from({ length: 40 }, (_, i) => [
        post('c', H + i * BASE, i % 3),
        coverage('c', i % 5 ? 'covered' : 'gap', H + i * BASE, H + (i + 1) * BASE, POSTS),
        coverage('c', 'covered', H + (i - 12) * BASE, H + (i - 11) * BASE, REST),
        ...decided(H + i * BASE, H + (i + 1) * BASE),
      ]).flat(),
    ]
    const expected = await run(inputs)
    expect(of(expected, 'BinClosed').length).toBeGreaterThan(40)
    for (const batch of [1, 7]) {
      expect(await drive(countStage(), inputs, { batch, restart: true })).toEqual(expected)
    }
  })

  test('an episode of a channel that it leaves ends as coverage-lost', async () => {
    const inputs: Input[] = []
    const days = 4
    for (let i = 0; i < days * 288; i++) {
      const start = T0 + i * BASE
      // Twelve posts in five minutes, and then of a sudden none: a collapse.
      const posts = i < days * 288 - 8 ? 12 : 0
      for (let n = 0; n < posts; n++) inputs.push(post('c', start + n * 1000, n))
      inputs.push(complete(start, start + BASE))
    }
    const end = T0 + days * DAY
    const judge = async (more: Input[]) => {
      const counts = await run([...inputs, ...more])
      return of(await drive(detectStage({ run: 'live', scoring }), counts), 'AlertEvent')
    }
    const before = await judge([])
    expect(before.at(-1)?.event).not.toBe('resolved')
    const events = await judge([leave('c', end), ...rounds(end, end + 26 * HOUR, 'd')])
    const open = new Set(events.map((e) => e.fingerprint))
    const ended = events.filter((e) => e.event === 'resolved')
    expect(new Set(ended.map((e) => e.fingerprint))).toEqual(open)
    const last = ended.at(-1)!
    expect(last.reason).toMatch(/^coverage-lost/)
    expect(last.time).toBeLessThanOrEqual(end + 25 * HOUR)
  })
})

test('a coverage that is no span is refused', async () => {
  await expect(run([complete(T0 + BASE, T0)])).rejects.toThrow(/no span/)
  await expect(run([complete(0, T0)])).rejects.toThrow(/no span/)
})

test('one partition or eight: the same bins for every key', async () => {
  const events = Array.from({ length: 400 }, (_, i) => {
    const key = `channel-${(i * 7) % 13}`
    return (i % 3 ? post : reply)(key, T0 + floorTo(i * 20_000, 1000), i % 5)
  })
  const end = T0 + 40 * BASE
  const partitionOf = (key: string, n: number) => hashOf(key).readUInt32BE(0) % n
  const outputs = async (n: number) => {
    const all: Output[] = []
    for (let partition = 0; partition < n; partition++) {
      const mine = events.filter(({ key }) => partitionOf(key, n) === partition)
      all.push(...(await drive(countStage(), [...mine, ...completeBins(T0, end)], { partition })))
    }
    return all.filter(({ record }) => record.type !== 'Partial')
  }
  expect(byKey(await outputs(8))).toEqual(byKey(await outputs(1)))
  const closed = (await outputs(1)).filter(({ record }): boolean => record.type === 'BinClosed')
  const posts = closed.flatMap(({ record }) =>
    (record as BinClosed).bins.filter((b) => b.measure === 'casts'),
  )
  expect(posts.reduce((sum, { count }) => sum + count, 0)).toBe(400)
})
