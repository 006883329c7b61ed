import { describe, expect, test } from 'vitest'
import { BASE, DAY, HOUR, MINUTE } from '../../../common/time.ts'
import { MEASURES, type Measure } from '../../../schemas/records.ts'
import { byKey, drive, type Output } from '../../testing/drive.ts'
import { detectStage } from '../detect/detect.ts'
import { scoring } from '../detect/testing.ts'
import { IDLE_BINS } from '../lifecycle.ts'
import { countStage } from './count.ts'
import {
  bin,
  complete,
  completeBins,
  coverage,
  type Input,
  like,
  of,
  polled,
  post,
  reply,
  run,
  T0,
} from './testing.ts'

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
