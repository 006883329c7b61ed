/** What every store must say of a source. */
import { beforeAll, describe, expect, it } from 'vitest'
import { BASE, DAY, HOUR } from '../../../common/time.ts'
import type { Measure } from '../../../schemas/records.ts'
import {
  ART,
  all,
  allPages,
  bin,
  coverage,
  HOSTILE,
  held,
  type Input,
  idle,
  polled,
  T,
} from '../records.fixture.ts'
import type { Store } from '../store.ts'
import type { Gap, Operations } from './operations.ts'

export function operationsContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  beforeAll(() => {
    store = storeOf()
  })

  it('keeps gaps once, though every partition has a copy', async () => {
    const run = newRun()
    const gap = (key: string, from: number, status: 'gap' | 'complete' = 'gap'): Input => ({
      key,
      record: {
        type: 'Coverage',
        status,
        measures: ['posts', 'replies'],
        from,
        to: from + HOUR,
        reason: HOSTILE[1]!,
        partitions: 3,
      },
    })
    await Promise.all(
      [1, 2, 3].map(() => store.ingest.write(run, [gap('*', T), gap('*', T + DAY, 'complete')])),
    )
    await store.ingest.write(run, [gap('a', T + DAY), gap('b', T + DAY)])
    const gaps = async (filter: Parameters<Operations['gaps']>[1]) =>
      (await store.operations.gaps(run, filter, { limit: 100 })).items
    const found = await gaps({})
    expect(found.map((g) => [g.channel, g.measure, g.from])).toEqual([
      ['*', 'posts', T],
      ['*', 'replies', T],
      ['a', 'posts', T + DAY],
      ['a', 'replies', T + DAY],
      ['b', 'posts', T + DAY],
      ['b', 'replies', T + DAY],
    ])
    expect(found[0]).toMatchObject({ to: T + HOUR, reason: HOSTILE[1] })
    expect(await gaps({ channel: 'a', from: T })).toHaveLength(4)
    expect(await gaps({ from: T + HOUR, to: T + DAY })).toEqual([])
    expect(await allPages((cursor) => store.operations.gaps(run, {}, { limit: 2, cursor }))).toEqual(found)
  })

  describe('a source that polls', () => {
    it('pieces of a gap that join for one reason are one gap', async () => {
      const run = newRun()
      const piece = (from: number, to: number, reason: string | null, key = ART) =>
        coverage(key, 'gap', T + from * HOUR, T + to * HOUR, { reason })
      await store.ingest.write(run, [
        ...[piece(0, 2, 'away'), piece(2, 3, 'away'), piece(3, 5, 'away'), piece(5, 6, 'too slow')],
        ...[piece(7, 8, 'too slow'), piece(8, 9, null), piece(2, 4, 'away', 'b')],
      ])
      await store.ingest.write(run, [piece(9, 10, null), piece(10, 12, null)])
      // Again, and in other batches: the same.
      await store.ingest.write(run, [piece(2, 3, 'away'), piece(8, 9, null)])
      await store.ingest.write(run, [piece(3, 5, 'away'), piece(5, 6, 'too slow')])
      const { items } = await store.operations.gaps(run, {}, { limit: 100 })
      const hours = (g: Gap) => [g.channel === ART, (g.from - T) / HOUR, (g.to - T) / HOUR, g.reason]
      expect(items.map(hours)).toEqual([
        [true, 0, 5, 'away'],
        [false, 2, 4, 'away'],
        [true, 5, 6, 'too slow'],
        [true, 7, 8, 'too slow'],
        [true, 8, 12, null],
      ])
      // Whole, though the span touches one piece of it.
      const touched = await store.operations.gaps(
        run,
        { from: T + 4.5 * HOUR, to: T + 5 * HOUR },
        { limit: 100 },
      )
      expect(touched.items.map(hours)).toEqual([[true, 0, 5, 'away']])
      expect(await allPages((cursor) => store.operations.gaps(run, {}, { limit: 1, cursor }))).toEqual(items)
    })

    it('sums requests by channel and hour, each poll once, however it comes again', async () => {
      const run = newRun()
      const polls = Array.from({ length: 30 }, (_, i) => polled(ART, T + i * BASE, i + 1, i % 4 ? 0 : 1))
      const rounds = Array.from({ length: 30 }, (_, i) => polled('*', T + i * BASE, 100))
      await store.ingest.write(run, polls.slice(0, 10))
      await store.ingest.write(run, polls.slice(5, 20))
      await Promise.all([1, 2, 3].map(() => store.ingest.write(run, [...rounds, ...polls.slice(18)])))
      await store.ingest.write(run, [...polls.slice(0, 25), ...rounds])
      const sum = (from: number, to: number, of: (i: number) => number) =>
        Array.from({ length: to - from }, (_, i) => of(from + i)).reduce((a, b) => a + b, 0)
      const requests = (filter: Parameters<Operations['requests']>[1], limit = 100) =>
        allPages((cursor) => store.operations.requests(run, filter, { limit, cursor }))
      const mine = [0, 1, 2].map((hour) => {
        const [from, to] = [hour * 12, Math.min(30, hour * 12 + 12)]
        return {
          channel: ART,
          hour: T + hour * HOUR,
          requests: sum(from, to, (i) => i + 1),
          failed: sum(from, to, (i) => (i % 4 ? 0 : 1)),
        }
      })
      expect(await requests({ channel: ART })).toEqual(mine)
      expect(await requests({ channel: ART, from: T + 1, to: T + 2 * HOUR })).toEqual([mine[1]])
      const all = await requests({})
      expect(all.map((r) => [r.channel, r.requests])).toEqual([
        ...[
          ['*', 1200],
          [ART, mine[0]!.requests],
          ['*', 1200],
        ],
        ...[
          [ART, mine[1]!.requests],
          ['*', 600],
          [ART, mine[2]!.requests],
        ],
      ])
      expect(await requests({}, 1)).toEqual(all)
      expect(await store.operations.source(run)).toMatchObject({
        ...{ requests: 3000, failed: 0, hour: T + HOUR },
        round: { at: T + 29 * BASE, requests: 100, failed: 0, error: null, next: T + 30 * BASE },
      })
    })

    it('tells how far it has spoken, what it follows, and how much of that are gaps', async () => {
      const run = newRun()
      const end = T + 48 * HOUR
      const both: Measure[] = ['posts', 'replies']
      await store.ingest.write(run, [
        coverage('*', 'complete', T - DAY, T, { measures: both }),
        ...['a', 'b'].map((key) => coverage(key, 'covered', T, end - 6 * HOUR)),
        coverage('a', 'gap', end - 6 * HOUR, end, { reason: 'away' }),
        coverage('b', 'covered', end - 6 * HOUR, end + HOUR),
        coverage('a', 'covered', T, end - DAY, { measures: ['replies'] }),
        // The one it has never polled; the other it follows no more since a day and an hour.
        coverage('never', 'gap', T, T + 25 * HOUR, { reason: 'not followed', measures: both }),
        coverage('left', 'covered', T, end - 25 * HOUR),
        coverage('left', 'gap', end - 25 * HOUR, end, { reason: 'not followed' }),
        polled('left', end - 25 * HOUR, 2),
        ...[polled('a', end, 4, 2), polled('b', end, 7), polled('*', end, 11, 2)],
        coverage('*', 'decided', T, end),
      ])
      const source = await store.operations.source(run)
      expect(source).toMatchObject({ followed: 2, failing: 1, requests: 11, failed: 2, hour: end })
      expect(source.round).toMatchObject({
        at: end,
        complete: [],
        error: held(`failed at ${end}: ${HOSTILE[3]}`),
      })
      expect(source.measures).toEqual([
        { measure: 'posts', decidedTo: end, gapRatioDay: 6 / 48 },
        // Nothing was said of replies as a whole since history ended.
        { measure: 'replies', decidedTo: T, gapRatioDay: null },
      ])
      const a = {
        channel: 'a',
        postsTo: end - 6 * HOUR,
        repliesTo: end - DAY,
        reactionsTo: null,
        polledAt: end,
      }
      const b = { channel: 'b', postsTo: end + HOUR, repliesTo: null, reactionsTo: null, polledAt: end }
      const rows = [
        { ...a, requests: 4, failed: 2, behind: [], error: held(`failed at ${end}: ${HOSTILE[3]}`) },
        { ...b, requests: 7, failed: 0, behind: [], error: null },
      ]
      expect(await store.operations.followed(run, source.hour, 10)).toEqual(rows)
      expect(await store.operations.followed(run, source.hour, 1)).toEqual(rows.slice(0, 1))
      // Mended: the last poll counts, and the one of most requests comes first.
      await store.ingest.write(run, [polled('a', end + BASE, 1)])
      const later = await store.operations.followed(run, source.hour, 10)
      expect(later.map((c) => [c.channel, c.error, c.requests])).toEqual([
        ['b', null, 7],
        ['a', null, 5],
      ])
    })

    it('says which channels are behind in what, and lists them behind those that fail', async () => {
      const run = newRun()
      const at = T + 12 * HOUR
      const measures: Measure[] = ['posts', 'replies', 'reactions']
      const said = (key: string, hours: Partial<Record<Measure, number>>) =>
        Object.entries(hours).map(([measure, n]) =>
          coverage(key, 'covered', T, at - n * HOUR, { measures: [measure as Measure] }),
        )
      await store.ingest.write(run, [
        ...measures.map((measure) => coverage('*', 'decided', T, T + HOUR, { measures: [measure] })),
        ...said('well', { posts: 1, replies: 3, reactions: 3 }),
        ...said('posts', { posts: 1.01, replies: 3, reactions: 3 }),
        ...said('replies', { posts: 0.1, replies: 3.01, reactions: 2 }),
        // A gap is decided too.
        ...said('given up', { posts: 5, replies: 2, reactions: 2 }),
        coverage('given up', 'gap', at - 5 * HOUR, at - HOUR, { reason: 'away' }),
        // Nothing was ever said of some of it: of the one since hours, of the other since just now.
        ...[...said('silent', { posts: 0.1 }), polled('silent', T + 4 * HOUR, 1)],
        ...said('new', { posts: 0.1 }),
        ...['well', 'posts', 'replies', 'given up', 'silent', 'new'].map((key, i) => polled(key, at, i)),
        ...[polled('failing', at - HOUR, 1, 1), polled('failing', at, 1, 1), polled('*', at, 9)],
      ])
      const behindOf = async () =>
        (await store.operations.followed(run, at, 10)).map(({ channel, behind }) => [channel, behind])
      expect(await behindOf()).toEqual([
        ['failing', []],
        ['silent', ['replies', 'reactions']],
        ['replies', ['replies']],
        ['posts', ['posts']],
        ['new', []],
        ['given up', []],
        ['well', []],
      ])
      expect(await store.operations.source(run)).toMatchObject({ followed: 7, failing: 1, behind: 3 })
      expect(await store.series.findChannel(run, 'silent')).toEqual({ known: true, alike: [] })
      // A round later the failing one, of which nothing is known, is behind too.
      await store.ingest.write(run, [polled('failing', at + 2 * HOUR, 1, 1), polled('*', at + 2 * HOUR, 1)])
      expect((await behindOf())[0]).toEqual(['failing', ['posts']])
    })

    it('a measure that the server has no tool for leaves no channel behind', async () => {
      const run = newRun()
      await store.ingest.write(run, [
        ...[polled(ART, T, 1), coverage(ART, 'covered', T, T + 9 * HOUR), polled(ART, T + 9 * HOUR, 1)],
        ...[coverage('*', 'decided', T, T + 9 * HOUR), polled('*', T + 9 * HOUR, 1)],
      ])
      expect(await store.operations.source(run)).toMatchObject({ followed: 1, behind: 0 })
      // History of it, read whole, is no poll of it.
      await store.ingest.write(run, [coverage('*', 'complete', T - DAY, T, { measures: ['replies'] })])
      expect(await store.operations.source(run)).toMatchObject({ followed: 1, behind: 0 })
    })

    it('away for days, and saying so all along, it follows still', async () => {
      const run = newRun()
      for (let hour = 0; hour < 60; hour += 20) {
        const pieces = Array.from({ length: 20 }, (_, i) => T + (hour + i) * HOUR)
        await store.ingest.write(
          run,
          pieces.map((at) => coverage('a', 'gap', at, at + HOUR, { reason: 'away' })),
        )
      }
      await store.ingest.write(run, [
        ...[polled('a', T + 60 * HOUR, 1, 1), polled('*', T + 60 * HOUR, 1, 1)],
        coverage('*', 'decided', T, T + 60 * HOUR),
      ])
      const { measures, followed, failing } = await store.operations.source(run)
      expect([followed, failing]).toEqual([1, 1])
      expect(measures[0]).toMatchObject({ gapRatioDay: 1 })
      expect((await store.operations.gaps(run, {}, { limit: 9 })).items).toHaveLength(1)
    })

    it('an idle series has zeros as far as the source has spoken of it', async () => {
      const run = newRun()
      const parts = { measures: ['posts', 'replies'] as Measure[] }
      const posts = { measures: ['posts'] as Measure[] }
      const at = (i: number) => T + i * BASE
      await store.ingest.write(run, [
        ...[bin('left', 0, 1), idle('left', 1), bin('c', 0, 1), idle('c', 1), bin('busy', 0, 1)],
        ...[bin('*', 0, 3), idle('*', 1)],
        coverage('*', 'complete', T, at(4), parts),
        ...Array.from({ length: 20 }, (_, i) => bin('busy', i + 1, 1)),
        // Casts are as far as posts and replies both are.
        coverage('c', 'covered', at(4), at(20), posts),
        coverage('c', 'covered', at(4), at(8), { measures: ['replies'] }),
        ...[
          coverage('*', 'decided', at(4), at(20), posts),
          coverage('*', 'decided', at(4), at(6), { measures: ['replies'] }),
        ],
      ])
      const lengthOf = async (channel: string) =>
        (
          await all(
            store.series.exportCounts({ run, series: `casts:${channel}`, resolution: 300, fill: true }),
          )
        ).length
      expect(await Promise.all(['left', 'c', '*', 'busy'].map(lengthOf))).toEqual([4, 8, 6, 21])
    })

    it('an archive is one thing that is followed; a run without a source has nothing to tell', async () => {
      const run = newRun()
      await store.ingest.write(run, [
        coverage('*', 'complete', T, T + 10 * HOUR),
        coverage('*', 'gap', T + 10 * HOUR, T + 15 * HOUR, { reason: 'not in the archive' }),
      ])
      const { measures, round } = await store.operations.source(run)
      expect(round).toBe(null)
      const ratio = 5 / 15
      expect(measures).toEqual([{ measure: 'posts', decidedTo: T + 15 * HOUR, gapRatioDay: ratio }])
      expect(await store.operations.followed(run, null, 10)).toEqual([])
      expect(await store.operations.source('no-such-run')).toEqual({
        ...{
          measures: [],
          round: null,
          requests: 0,
          failed: 0,
          hour: null,
          followed: 0,
          failing: 0,
          behind: 0,
        },
      })
    })

    it('forgets requests of channels after 14 days of its clock, not those of rounds', async () => {
      const run = newRun()
      const days = [0, 1, 2].map((day) => T + day * DAY)
      await store.ingest.write(
        run,
        [...days, T + 15.5 * DAY].flatMap((at) => [polled(ART, at, 1), polled('*', at, 2)]),
      )
      await store.runs.expire(1)
      const { items } = await store.operations.requests(run, {}, { limit: 100 })
      expect(items.map((r) => [r.channel, (r.hour - T) / DAY])).toEqual([
        ...[
          ['*', 0],
          ['*', 1],
          ['*', 2],
        ],
        ...[
          [ART, 2],
          ['*', 15.5],
          [ART, 15.5],
        ],
      ])
      expect((await store.operations.source(run)).requests).toBe(8)
      await store.runs.delete(run)
      expect((await store.operations.requests(run, {}, { limit: 1 })).items).toEqual([])
    })
  })
}
