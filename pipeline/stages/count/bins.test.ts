import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BASE, floorTo, MINUTE } from '../../../common/time.ts'
import type { BinClosed } from '../../../schemas/records.ts'
import { byKey, drive, type Output } from '../../testing/drive.ts'
import { countStage } from './count.ts'
import { bin, complete, completeBins, coverage, hashOf, like, of, post, reply, run, T0 } from './testing.ts'

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

test('milestones at 4, 8, 16, ... events of an open bin', async () => {
  const outputs = await run(Array.from({ length: 20 }, (_, i) => post('c', T0 + i)))
  const posts = of(outputs, 'Milestone').filter((m) => m.measure === 'posts')
  expect(posts.map(({ n, time }) => [n, time])).toEqual([
    [4, T0 + 3],
    [8, T0 + 7],
    [16, T0 + 15],
  ])
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
