import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BASE, DAY, floorTo, HOUR, LATENESS, MINUTE } from '../../../common/time.ts'
import type {
  BinClosed,
  Coverage,
  FcmRecord,
  Idle,
  Late,
  Measure,
  Partial,
} from '../../../schemas/records.ts'
import type { Input } from '../../runtime/stage.ts'
import { byKey, drive, type Output } from '../harness.ts'
import { IDLE_BINS } from '../lifecycle.ts'
import { countStage } from './count.ts'

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
  return { key, record: { ...record, parent: { fid: 1, hash: hashOf('parent') } } as FcmRecord }
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
    .find((b) => b.start === start)
    ?.bins.find((b) => b.measure === measure)
const run = (inputs: Input[]) => drive(countStage(), inputs)

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
    const partials = of(outputs, 'Partial', '*')
    expect(partials.map((p: Partial) => [p.start, p.sums.map((s) => `${s.measure} ${s.count}`)])).toEqual([
      [T0, ['posts 2', 'replies 0', 'casts 2', 'reactions 0']],
      [T0 + BASE, ['posts 0', 'replies 0', 'casts 0', 'reactions 0']],
    ])
    expect(partials[0]?.sums.every((s) => s.covered === 1 && s.followed === 1)).toBe(true)
  })

  test('of a polled source: how many followed channels covered the bin, once all have spoken', async () => {
    const outputs = await run([
      post('c', T0),
      coverage('c', 'covered', T0, T0 + BASE),
      coverage('d', 'gap', T0, T0 + BASE),
      coverage('*', 'decided', T0, T0 + BASE),
    ])
    const [partial] = of(outputs, 'Partial', '*')
    expect(partial?.sums[0]).toEqual({ measure: 'posts', count: 1, covered: 1, followed: 2 })
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
