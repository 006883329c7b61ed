/** What every store must do, whatever database it stands on: run by `store.test.ts` and `store.postgres.test.ts`. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BASE, DAY, HOUR } from '../../common/time.ts'
import type { AlertEvent, Coverage, FcmRecord, Measure, Signal } from '../../schemas/records.ts'
import { alertContract } from './alerts/alerts.contract.ts'
import type { AlertFilter } from './alerts/alerts.ts'
import type { ExportFilter, Page } from './database/questions.ts'
import type { Gap, Operations } from './operations/operations.ts'
import {
  ART,
  alert,
  all,
  allPages,
  bin,
  cast,
  encodeCursor,
  HOSTILE,
  hash,
  held,
  type Input,
  idle,
  removal,
  signal,
  T,
} from './records.fixture.ts'
import type { CountRow } from './series/series.ts'
import type { Store } from './store.ts'

const row = (
  series: string,
  i: number,
  seconds: number,
  count: number,
  covered: number,
  late = 0,
): CountRow => ({
  series,
  start: T + i * BASE,
  seconds,
  count,
  late,
  covered,
})

export function storeContract(
  name: string,
  open: () => Promise<{ store: Store; close(): Promise<void> }>,
): void {
  describe(name, () => {
    let store: Store
    let close: () => Promise<void>
    let runs = 0
    /** A run of its own for every test. */
    const newRun = () => `run-${++runs}`
    const counts = (run: string, filter: Partial<ExportFilter> & { fill?: boolean } = {}) =>
      all(store.series.exportCounts({ fill: false, ...filter, run, resolution: filter.resolution ?? 300 }))

    beforeAll(async () => {
      const opened = await open()
      store = opened.store
      close = opened.close
    }, 120_000)
    afterAll(() => close())

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

    describe('casts', () => {
      it('keeps hostile text as it is, as far as it can be held, newest first', async () => {
        const run = newRun()
        const written = HOSTILE.map((text, i) =>
          cast(ART, i, text, { urls: [text, ART], parent: { fid: 1, hash: hash(99) } }),
        )
        await store.ingest.write(run, written)
        await store.ingest.write(run, written)
        const casts = await allPages((cursor) => store.casts.list(run, ART, {}, { limit: 4, cursor }))
        expect(casts.map((c) => c.text)).toEqual(HOSTILE.map(held).reverse())
        expect(casts[0]).toEqual({
          hash: hash(HOSTILE.length - 1),
          fid: HOSTILE.length - 1,
          time: T + (HOSTILE.length - 1) * 1000,
          text: HOSTILE.at(-1),
          removed: false,
          parentHash: hash(99),
          urls: [HOSTILE.at(-1), ART],
        })
        expect(
          (await store.casts.list(run, ART, { from: T + 1000, to: T + 2000 }, { limit: 9 })).items,
        ).toHaveLength(1)
      })

      it.each([
        ['after its cast', [[0], [1]]],
        ['before its cast', [[1], [0]]],
        ['with its cast', [[0, 1]]],
        ['and comes again, as the cast does', [[1, 0], [0], [1], [0, 1]]],
      ])('a removal blanks text and URLs when it comes %s', async (_, batches) => {
        const run = newRun()
        const records = [cast(ART, 7, 'regretted', { urls: ['https://secret.example'] }), removal(ART, 7)]
        for (const batch of batches)
          await store.ingest.write(
            run,
            batch.map((i) => records[i]!),
          )
        const { items } = await store.casts.list(run, ART, {}, { limit: 5 })
        expect(items).toMatchObject([{ hash: hash(7), time: T + 7000, text: null, removed: true, urls: [] }])
      })

      it('only its own author removes a cast, in whatever order and batches all of it comes', async () => {
        const strange = 666
        await fc.assert(
          fc.asyncProperty(
            fc.uniqueArray(fc.constantFrom('cast', 'author', 'stranger'), { minLength: 1 }),
            fc.array(fc.nat(2), { maxLength: 3 }),
            fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
            async (once, again, cuts) => {
              const run = newRun()
              const told = [...once, ...again.map((i) => once[i % once.length]!)]
              const batches: Input[][] = [[]]
              for (const [i, what] of told.entries()) {
                if (cuts[i]) batches.push([])
                batches
                  .at(-1)!
                  .push(
                    what === 'cast'
                      ? cast(ART, 7, 'regretted', { urls: [ART] })
                      : removal(what === 'author' ? ART : 'elsewhere', 7, what === 'author' ? 7 : strange),
                  )
              }
              for (const batch of batches) await store.ingest.write(run, batch)
              const removed = once.includes('author')
              const expected = removed ? { text: null, urls: [] } : { text: 'regretted', urls: [ART] }
              expect((await store.casts.list(run, ART, {}, { limit: 5 })).items).toMatchObject(
                once.includes('cast') ? [{ ...expected, removed, fid: 7, time: T + 7000 }] : [],
              )
            },
          ),
          { numRuns: 60 },
        )
      })

      it('does not list a removal whose cast never came', async () => {
        const run = newRun()
        await store.ingest.write(run, [removal(ART, 8)])
        expect((await store.casts.list(run, ART, {}, { limit: 5 })).items).toEqual([])
      })

      it('blanks texts that were stored long enough ago, and a replay does not bring them back', async () => {
        const run = newRun()
        await store.ingest.write(run, [cast(ART, 1, 'old')])
        await store.runs.expire(1)
        expect((await store.casts.list(run, ART, {}, { limit: 5 })).items[0]!.text).toBe('old')
        expect(await store.runs.expire(0)).toBeGreaterThanOrEqual(1)
        await store.ingest.write(run, [cast(ART, 1, 'old')])
        expect((await store.casts.list(run, ART, {}, { limit: 5 })).items[0]).toMatchObject({
          text: null,
          removed: false,
        })
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

    describe('alerts', () => {
      it('are what their last event says, and why they opened, whatever order or how often the events come', async () => {
        const run = newRun()
        const resolved = alert(ART, 1, 3, { event: 'resolved', severity: 'high' })
        await store.ingest.write(run, [
          alert(ART, 1, 1),
          alert(ART, 1, 2, { severity: 'medium' }),
          alert(ART, 2, 1),
        ])
        expect(await store.alerts.get('alert-1')).toMatchObject({
          state: 'open',
          severity: 'medium',
          resolvedAt: null,
        })
        await store.ingest.write(run, [resolved, alert(ART, 1, 2)])
        await store.ingest.write(run, [alert(ART, 1, 1)])
        const found = await store.alerts.get('alert-1')
        expect(found).toMatchObject({
          id: 'alert-1',
          run,
          channel: ART,
          type: 'early-warning',
          severity: 'high',
          state: 'resolved',
          openedAt: T + HOUR,
          updatedAt: T + HOUR + 3 * BASE,
          resolvedAt: T + HOUR + 3 * BASE,
          series: `casts:${ART}`,
          sequence: 3,
          reason: 'reason 1',
          outcome: 'reason 3',
        })
        expect(found!.events.map((e) => [e.sequence, e.event, e.severity])).toEqual([
          [1, 'opened', 'low'],
          [2, 'updated', 'medium'],
          [3, 'resolved', 'high'],
        ])
        const { measure, ...evidence } = (resolved.record as AlertEvent).evidence[0]!
        expect(found!.evidence).toEqual([{ series: `${measure}:${ART}`, ...evidence }])
        expect(await store.alerts.get("nobody's")).toBeNull()

        const exported = await all(store.alerts.export({ run }))
        expect(exported.map((r) => [r.id, r.sequence])).toEqual([
          ['alert-1', 1],
          ['alert-1', 2],
          ['alert-1', 3],
          ['alert-2', 1],
        ])
        expect(JSON.stringify(exported[2]!.evidence)).toBe(
          JSON.stringify((resolved.record as AlertEvent).evidence),
        )
        await store.runs.delete(run)
      })

      it('are filtered and paged, newest first', async () => {
        const run = newRun()
        await store.ingest.write(
          run,
          Array.from({ length: 600 }, (_, i) =>
            alert(i % 2 ? ART : 'other', i, 1, {
              kind: i % 3 ? 'collapse' : 'onset',
              severity: i % 5 ? 'low' : 'high',
            }),
          ),
        )
        await store.ingest.write(run, [alert(ART, 599, 2, { event: 'resolved', kind: 'collapse' })])
        const list = async (filter: AlertFilter) =>
          (await allPages((cursor) => store.alerts.list(run, filter, { limit: 70, cursor }))).map((a) =>
            Number(a.id.slice(6)),
          )
        const numbers = Array.from({ length: 600 }, (_, i) => 599 - i)
        expect(await list({})).toEqual(numbers)
        expect(await list({ channel: ART, type: 'onset' })).toEqual(
          numbers.filter((i) => i % 2 && i % 3 === 0),
        )
        expect(await list({ severity: 'high' })).toEqual(numbers.filter((i) => i % 5 === 0))
        expect(await list({ state: 'resolved' })).toEqual([599])
        expect(await list({ state: 'open' })).toEqual(numbers.slice(1))
        expect(await list({ from: T + 3 * HOUR, to: T + 5 * HOUR })).toEqual([4, 3])
        expect(await all(store.alerts.export({ run }))).toHaveLength(601)
        expect(await all(store.alerts.export({ run, from: T + 599 * HOUR, channel: ART }))).toHaveLength(2)
        await store.runs.delete(run)
      })
    })

    alertContract(() => store, newRun)

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
      const coverage = (
        key: string,
        status: Coverage['status'],
        from: number,
        to: number,
        { reason = null as string | null, measures = ['posts'] as Measure[] } = {},
      ): Input => ({
        key,
        record: { type: 'Coverage', status, measures, from, to, reason, partitions: 3 },
      })
      const polled = (key: string, at: number, requests: number, failed = 0): Input => ({
        key,
        record: {
          ...{
            type: 'Polled',
            at,
            watched: [],
            complete: failed ? [] : ['posts', 'reactions'],
            owed: [],
            requests,
            failed,
          },
          ...{
            error: failed ? `failed at ${at}: ${HOSTILE[3]}` : null,
            next: key === '*' ? at + BASE : null,
          },
        },
      })

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
        expect(await allPages((cursor) => store.operations.gaps(run, {}, { limit: 1, cursor }))).toEqual(
          items,
        )
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

    it('keeps runs apart and deletes one whole, which may then begin again', async () => {
      const [run, other] = [newRun(), newRun()]
      const records = [
        ...[bin('*', 0, 3), bin(ART, 0, 3), bin(ART, 1, 1), cast(ART, 1, 'text'), removal(ART, 2)],
        ...[signal(ART, 0), alert(ART, 9, 1)],
      ]
      await store.ingest.write(run, records)
      await store.ingest.write(other, [bin(ART, 4, 1), alert(ART, 10, 1)])
      const about = async (name: string) => (await store.runs.list()).find((r) => r.run === name)
      expect(await about(run)).toMatchObject({ channels: 1, firstAt: T, lastAt: T + 2 * BASE, alerts: 1 })
      expect(Math.abs((await about(run))!.createdAt - Date.now())).toBeLessThan(HOUR)
      expect(await store.series.channels(run)).toEqual([
        { id: '*', series: 1, lastAt: T, openAlerts: 0 },
        { id: ART, series: 1, lastAt: T + BASE, openAlerts: 1 },
      ])
      await store.runs.delete(run)
      expect(await about(run)).toBeUndefined()
      expect(await counts(run)).toEqual([])
      expect(await store.alerts.get('alert-9')).toBeNull()
      expect((await store.casts.list(run, ART, {}, { limit: 1 })).items).toEqual([])
      expect(await counts(other)).toHaveLength(1)
      await store.ingest.write(run, records)
      expect(await counts(run)).toHaveLength(3)
      await store.runs.delete('never there')
    })

    it.each(HOSTILE.map((name, i) => [i, name] as const))(
      'takes any channel name (%i)',
      async (_, channel) => {
        const run = newRun()
        await store.ingest.write(run, [bin(channel, 0, 1), bin(channel, 1, 2)])
        const [found] = (await store.series.list(run, {}, { limit: 5 })).items
        expect(found).toMatchObject({ id: `casts:${found!.channel}`, total: 3 })
        if (channel === held(channel)) expect(found!.channel).toBe(channel)
        else expect(found!.channel).toContain(held(channel))
        expect((await store.series.list(run, { channel: found!.channel }, { limit: 5 })).items).toEqual([
          found,
        ])
        expect(await counts(run, { series: found!.id })).toHaveLength(2)
        expect(await counts(run, { series: found!.id, channel: found!.channel })).toHaveLength(2)
        expect(await counts(run, { series: found!.id, channel: 'another' })).toEqual([])
      },
    )

    it('keeps channels apart whose names it can not hold as they are', async () => {
      const run = newRun()
      await store.ingest.write(run, [bin('a\0b', 0, 1), bin('a\ufffdb', 0, 2), bin('a\0b', 1, 4)])
      const { items } = await store.series.list(run, {}, { limit: 5 })
      expect(items.map(({ total }) => total)).toEqual([5, 2])
      expect(items[1]!.channel).toBe('a\ufffdb')
      for (const { id, total } of items) {
        const rows = await counts(run, { series: id })
        expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(total)
      }
    })

    it('knows which channels there are, and of which a name is the end', async () => {
      const [run, other] = [newRun(), newRun()]
      await store.ingest.write(run, [
        bin(ART, 0, 1),
        bin('https://a.xyz/e_%', 0, 1),
        bin('https://b.xyz/new/', 0, 1),
      ])
      await store.ingest.write(run, [bin('https://a.xyz/twice', 0, 1), bin('https://b.xyz/twice', 0, 1)])
      await store.ingest.write(other, [bin('https://other.xyz', 0, 1)])
      const alike = async (name: string) => {
        const found = await store.series.findChannel(run, name)
        return found.known ? 'known' : found.alike
      }
      expect(await alike(ART)).toBe('known')
      expect(await alike('https://b.xyz/new/')).toBe('known')
      for (const name of ['art', '/art', '~/channel/art/', 'warpcast.com/~/channel/art']) {
        expect([name, await alike(name)]).toEqual([name, [ART]])
      }
      expect(await alike('new')).toEqual(['https://b.xyz/new/'])
      expect(await alike('https://b.xyz/new')).toEqual(['https://b.xyz/new/'])
      expect(await alike('e_%')).toEqual(['https://a.xyz/e_%'])
      expect(await alike('twice')).toEqual(['https://a.xyz/twice', 'https://b.xyz/twice'])
      for (const name of ['rt', 'ART', '%', '_', '/', '', 'exx', 'other.xyz', `'; DROP TABLE channels`]) {
        expect([name, await alike(name)]).toEqual([name, []])
      }
      expect(await store.series.findChannel(other, 'other.xyz')).toMatchObject({
        alike: ['https://other.xyz'],
      })
      expect(await store.series.findChannel('no-such-run', ART)).toEqual({ known: false, alike: [] })
    })

    it('knows which runs and series there are', async () => {
      const run = newRun()
      await store.ingest.write(run, [bin(ART, 0, 1), alert('elsewhere', 70, 1)])
      expect(await store.runs.has(run)).toBe(true)
      expect(await store.runs.has(`${run}-`)).toBe(false)
      expect(await store.series.has(run, `casts:${ART}`)).toBe(true)
      // Of an alert whose counts are not stored yet.
      expect(await store.series.has(run, 'casts:elsewhere')).toBe(true)
      for (const none of [`posts:${ART}`, `casts:${ART}/`, ART, '']) {
        expect([none, await store.series.has(run, none)]).toEqual([none, false])
      }
      expect(await store.series.has(`${run}-`, `casts:${ART}`)).toBe(false)
      await store.runs.delete(run)
    })

    it('tells how many events came too late, each once, also for no bin', async () => {
      const run = newRun()
      const late = (measure: 'posts' | 'replies' | 'casts', i: number | null, count: number): Input => ({
        key: 'a',
        record: { type: 'Late', measure, start: i === null ? null : T + i * BASE, count },
      })
      await store.ingest.write(run, [late('posts', 0, 1), late('posts', 0, 3), late('replies', 2, 4)])
      await store.ingest.write(run, [late('casts', 0, 7), late('posts', null, 9), late('posts', null, 10)])
      const about = async (name: string) => (await store.runs.list()).find((r) => r.run === name)
      expect(await about(run)).toMatchObject({ late: 17, lateBefore: 10 })
      const other = newRun()
      await store.ingest.write(other, [bin('a', 0, 1)])
      expect(await about(other)).toMatchObject({ late: 0, lateBefore: 0 })
    })

    it('refuses a cursor that was tampered with, or begins somewhere else', async () => {
      const run = newRun()
      await store.ingest.write(run, [
        ...[0, 1, 2].flatMap((i) => [
          bin('a', i, i),
          signal('a', i),
          cast('a', i, 'text'),
          alert('a', 80 + i, 1),
        ]),
        bin('b', 0, 1),
      ])
      const lists: Record<string, (cursor: string) => Promise<Page<unknown>>> = {
        alerts: (cursor) => store.alerts.list(run, {}, { limit: 1, cursor }),
        series: (cursor) => store.series.list(run, {}, { limit: 1, cursor }),
        counts: (cursor) => store.series.counts(run, 'casts:a', 300, {}, { limit: 1, cursor }),
        signals: (cursor) => store.series.signals(run, 'casts:a', 300, {}, { limit: 1, cursor }),
        casts: (cursor) => store.casts.list(run, 'a', {}, { limit: 1, cursor }),
        gaps: (cursor) => store.operations.gaps(run, {}, { limit: 1, cursor }),
        requests: (cursor) => store.operations.requests(run, {}, { limit: 1, cursor }),
      }
      const edge = fc.constantFrom(
        ...[2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 63, -1, 0, 0.5, 1e300, T],
        ...['', 'a', 'ab', 'abc', '\0', '\ud800', "'", 'alert-80'],
      )
      const part = fc.oneof(edge, edge, fc.integer(), fc.string({ unit: 'binary' }), fc.jsonValue())
      const name = fc.constantFrom(...Object.keys(lists))
      const cursor = fc.tuple(name, fc.array(part, { minLength: 1, maxLength: 3 }))
      await fc.assert(
        fc.asyncProperty(name, cursor, fc.boolean(), async (list, [other, parts], fits) => {
          const forged = encodeCursor([fits ? list : other, ...parts])
          const page = await lists[list]!(forged).catch((error) => error)
          if (page instanceof Error) expect(page).toMatchObject({ code: 'OPTION_INVALID' })
          else expect(page.items.length).toBeLessThanOrEqual(1)
        }),
        {
          numRuns: 200,
          examples: Object.keys(lists).flatMap((list) =>
            [[2 ** 53 - 1], [1, 2 ** 53 - 1], [2 ** 53 - 1, 2 ** 31 - 1], [2 ** 53 - 1, 'ab']].map(
              (parts): [string, [string, unknown[]], boolean] => [list, [list, parts], true],
            ),
          ),
        },
      )
      await store.runs.delete(run)
    })

    it('refuses a cursor that it did not give out', async () => {
      const run = newRun()
      await store.ingest.write(run, [bin('a', 0, 1), bin('b', 0, 1), alert('a', 20, 1), alert('a', 21, 1)])
      const { next } = await store.series.list(run, {}, { limit: 1 })
      for (const cursor of [
        '',
        'x',
        '%%%',
        next!,
        encodeCursor(['alerts', 'a', 1]),
        encodeCursor(['alerts', 1]),
        encodeCursor(['alerts', 1, '\0']),
      ]) {
        await expect(store.alerts.list(run, {}, { limit: 1, cursor })).rejects.toMatchObject({
          code: 'OPTION_INVALID',
        })
      }
      const moved = encodeCursor(['casts', 1, `'; DROP TABLE casts`])
      await expect(store.casts.list(run, 'a', {}, { limit: 1, cursor: moved })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
      })
    })

    it('applies nothing of a batch that fails, and goes on', async () => {
      const run = newRun()
      // No record has this count: the log's are whole numbers.
      await expect(store.ingest.write(run, [bin('a', 0, 1), bin('a', 1, 0.5)])).rejects.toThrow('bigint')
      await store.ingest.write(run, [bin('a', 0, 1), bin('a', 1, 1)])
      expect(await counts(run)).toEqual([row('casts:a', 0, 300, 1, 1), row('casts:a', 1, 300, 1, 1)])
    })

    it('tells which records it can not hold, and applies the others', async () => {
      const run = newRun()
      const misfit = (more: object): Input => {
        const { key, record } = bin('a', 1, 9)
        return { key, record: { ...record, ...more } as FcmRecord }
      }
      const { rejected } = await store.ingest.write(run, [
        misfit({ seconds: 600 }),
        bin('a', 0, 1),
        misfit({ start: T + 1 }),
        misfit({ start: 2 ** 31 * BASE }),
        misfit({ start: -BASE }),
        { key: 'only-here', record: { type: 'Idle', measure: 'casts', from: T + 0.5 } },
        bin('a', 1, 2),
      ])
      expect(rejected).toEqual(
        [
          [0, '600 s'],
          [2, 'off the grid'],
          [3, 'age'],
          [4, 'age'],
          [5, 'off the grid'],
        ].map(([index, why]) => ({
          index,
          why: expect.stringContaining(`${why}`),
        })),
      )
      expect(await counts(run)).toEqual([row('casts:a', 0, 300, 1, 1), row('casts:a', 1, 300, 2, 1)])
      expect(await store.ingest.write(run, [bin('a', 2, 1)])).toEqual({ rejected: [] })
    })

    it('answers a ping', () => store.ping())
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
