/** What every store must do with bins and signals. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { BASE } from '../../../common/time.ts'
import type { Signal } from '../../../schemas/records.ts'
import {
  ART,
  all,
  allPages,
  bin,
  countsOf,
  HOSTILE,
  type Input,
  idle,
  row,
  signal,
  T,
} from '../records.fixture.ts'
import type { Store } from '../store.ts'
import type { CountRow } from './series.ts'

export function seriesContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  const counts: ReturnType<typeof countsOf> = (...asked) => countsOf(store)(...asked)
  beforeAll(() => {
    store = storeOf()
  })

  describe('counts', () => {
    it('lists every written bin, by series and start', async () => {
      const run = newRun()
      await store.ingest.write(run, [
        bin('b', 0, 2),
        bin('B', 0, 1),
        bin('a', 0, 0),
        bin('a', 1, 0),
        bin('a', 2, 5, 0.25, true),
      ])
      expect(await counts(run)).toEqual([
        row('casts:B', 0, 300, 1, 1),
        row('casts:a', 0, 300, 0, 1),
        row('casts:a', 1, 300, 0, 1),
        row('casts:a', 2, 300, 5, 0.25),
        row('casts:b', 0, 300, 2, 1),
      ])
    })

    it('sums to a resolution; time that no bin speaks of is not covered', async () => {
      const run = newRun()
      await store.ingest.write(run, [
        ...[9, 10, 11].map((i) => bin('a', i, 1)),
        bin('a', 12, 4, 0.5),
        bin('a', 20, 1),
      ])
      expect(await counts(run, { resolution: 3600 })).toEqual([
        row('casts:a', 0, 3600, 3, 0.25),
        row('casts:a', 12, 3600, 5, 0.125),
      ])
    })

    it('fills idle time with zeros up to the last bin of the run, but not unknown time', async () => {
      const run = newRun()
      const unknown: Input = {
        key: 'a',
        record: {
          type: 'Unknown',
          measure: 'casts',
          from: T + 2.5 * BASE,
          to: T + 4 * BASE,
          reason: 'outage',
        },
      }
      await store.ingest.write(run, [bin('a', 0, 1), idle('a', 1), unknown, bin('b', 7, 3)])
      const filled = [
        row('casts:a', 0, 300, 1, 1),
        row('casts:a', 1, 300, 0, 1),
        row('casts:a', 2, 300, 0, 0.5),
        row('casts:a', 3, 300, 0, 0),
        ...[4, 5, 6, 7].map((i) => row('casts:a', i, 300, 0, 1)),
        row('casts:b', 7, 300, 3, 1),
      ]
      expect(await counts(run, { fill: true })).toEqual(filled)
      expect(await counts(run)).toEqual([filled[0], filled[8]])
      // The same after it has woken.
      await store.ingest.write(run, [bin('a', 7, 2)])
      expect(await counts(run, { fill: true })).toEqual(
        filled.map((r, i) => (i === 7 ? { ...r, count: 2 } : r)),
      )
    })

    it('shows the greatest tally of late arrivals, also where no bin was written', async () => {
      const run = newRun()
      const late = (i: number | null, count: number): Input => ({
        key: 'a',
        record: { type: 'Late', measure: 'casts', start: i === null ? null : T + i * BASE, count },
      })
      await store.ingest.write(run, [bin('a', 0, 1), late(0, 1), late(0, 3), late(null, 9), late(5, 1)])
      await store.ingest.write(run, [late(0, 2)])
      // Nothing is shown beyond the end of the run's last bin.
      expect(await counts(run)).toEqual([row('casts:a', 0, 300, 1, 1, 3)])
      await store.ingest.write(run, [idle('a', 1), bin('a', 9, 1)])
      expect(await counts(run)).toEqual([
        row('casts:a', 0, 300, 1, 1, 3),
        row('casts:a', 5, 300, 0, 1, 1),
        row('casts:a', 9, 300, 1, 1),
      ])
    })

    it('filters by series, channel and time, and pages through a series', async () => {
      const run = newRun()
      await store.ingest.write(
        run,
        Array.from({ length: 1300 }, (_, i) => bin(i % 2 ? 'a' : 'b', i >> 1, i % 3)),
      )
      const whole = await counts(run, { series: 'casts:a' })
      expect(whole).toHaveLength(650)
      expect(await counts(run, { channel: 'a' })).toEqual(whole)
      expect(await counts(run, { channel: 'a', from: T + 1, to: T + 3 * BASE })).toEqual(whole.slice(1, 3))
      const paged = await allPages((cursor) =>
        store.series.counts(run, 'casts:a', 300, {}, { limit: 97, cursor }),
      )
      expect(paged).toEqual(whole.map(({ series: _, ...rest }) => rest))
      expect(await store.series.counts(run, 'casts:nowhere', 300, {}, { limit: 5 })).toEqual({
        items: [],
        next: null,
      })
      const total = whole.reduce((sum, { count }) => sum + count, 0)
      const [, first] = (await store.series.list(run, {}, { limit: 10 })).items
      expect(first).toMatchObject({ id: 'casts:a', channel: 'a', measure: 'casts', firstAt: T, total })
    })

    it('is the same whatever the batches and however often stretches come again', async () => {
      const step = fc.record({
        channel: fc.constantFrom('a', 'b', HOSTILE[0]!),
        what: fc.constantFrom('bin', 'bin', 'bin', 'zeros', 'idle', 'hole'),
        count: fc.nat(2),
        covered: fc.constantFrom(0, 0.5, 1),
        length: fc.integer({ min: 1, max: 20 }),
      })
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 60 }),
          fc.infiniteStream(fc.nat(40)),
          async (steps, chance) => {
            const { records, expected } = story(steps)
            const [one, seven, thousand] = [newRun(), newRun(), newRun()]
            for (const [run, size] of [
              [one, 1],
              [seven, 7],
              [thousand, 1000],
            ] as const) {
              for (let i = 0; i < records.length; i += size) {
                const again = Math.max(0, i - (chance.next().value as number))
                await store.ingest.write(run, records.slice(run === thousand ? i : again, i + size))
              }
            }
            for (const options of [
              {},
              { fill: true },
              { resolution: 3600 },
              { resolution: 3600, fill: true },
            ]) {
              const whole = await counts(one, options)
              expect(await counts(seven, options)).toEqual(whole)
              expect(await counts(thousand, options)).toEqual(whole)
              if (!('resolution' in options) && !('fill' in options)) expect(whole).toEqual(expected)
            }
          },
        ),
        { numRuns: 15 },
      )
    })
  })

  describe('signals', () => {
    it('come back bit for bit, once, in order', async () => {
      const run = newRun()
      const records = [0, 1, 2, 3, 4].map((i) => signal(ART, i))
      const hourly = signal(ART, 0, { resolution: 3600, reason: HOSTILE[4]! })
      await store.ingest.write(run, [hourly, ...records])
      await store.ingest.write(run, records.slice(1, 3))
      const strip = ({ record }: Input) => {
        const { type: _, measure, ...rest } = record as Signal
        return { series: `${measure}:${ART}`, ...rest }
      }
      expect(await all(store.series.exportSignals({ run }))).toEqual([...records, hourly].map(strip))
      expect(await all(store.series.exportSignals({ run, resolution: 3600 }))).toEqual([strip(hourly)])
      const span = { from: T + BASE, to: T + 4 * BASE }
      expect(await all(store.series.exportSignals({ run, ...span, resolution: 300 }))).toEqual(
        records.slice(1, 4).map(strip),
      )
      const paged = await allPages((cursor) =>
        store.series.signals(run, `casts:${ART}`, 300, span, { limit: 2, cursor }),
      )
      expect(paged.map((s) => s.count)).toEqual([1, 2, 3])
    })
  })
}

type Step = { channel: string; what: string; count: number; covered: number; length: number }

/** Records of some channels as `count` writes them, and the rows that a plain list of their bins gives. */
function story(steps: Step[]): { records: Input[]; expected: CountRow[] } {
  const records: Input[] = []
  const expected: CountRow[] = []
  const next = new Map<string, number>()
  for (const { channel, what, count, covered, length } of steps) {
    const at = next.get(channel) ?? 0
    const write = (i: number, n: number, share: number) => {
      records.push(bin(channel, i, n, share, share < 1))
      expected.push(row(`casts:${channel}`, i, 300, n, share))
    }
    if (what === 'bin') write(at, count, covered)
    else if (what === 'zeros') for (let i = 0; i < length; i++) write(at + i, 0, 1)
    else {
      if (what === 'idle') records.push(idle(channel, at))
      write(at + length, count, 1)
    }
    next.set(channel, at + (what === 'bin' ? 1 : what === 'zeros' ? length : length + 1))
  }
  const order = (a: CountRow, b: CountRow) =>
    Buffer.compare(Buffer.from(a.series), Buffer.from(b.series)) || a.start - b.start
  return { records, expected: expected.sort(order) }
}
