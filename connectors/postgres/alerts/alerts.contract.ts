/** What every store must do for whoever watches: alerts ranked by day, their events in order, channels by risk. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE, DAY, HOUR } from '../../../common/time.ts'
import {
  ALERT_KINDS,
  type AlertEvent,
  type Coverage,
  type Evidence,
  SEVERITIES,
  type Severity,
} from '../../../schemas/records.ts'
import { ART, alert, allPages, bin, HOSTILE, type Input, idle, signal, T } from '../records.fixture.ts'
import type { ChannelState } from '../series/series.ts'
import type { Store } from '../store.ts'
import type { Alert, AlertFilter } from './alerts.ts'

const [first] = (alert(ART, 0, 1).record as AlertEvent).evidence
const said = (p: number | null, score: number | null): Evidence => ({ ...first!, p, score })

export function alertContract(storeOf: () => Store, newRun: () => string): void {
  describe('alerts of a day', () => {
    type Drawn = {
      hour: number
      kind: (typeof ALERT_KINDS)[number]
      severity: Severity
      p: number | null
      score: number | null
      channel: string
      isOpen: boolean
    }
    const drawn = fc.record<Drawn>({
      hour: fc.nat(71),
      kind: fc.constantFrom(...ALERT_KINDS),
      severity: fc.constantFrom(...SEVERITIES),
      // Few values, so that there are equal ones.
      p: fc.option(fc.constantFrom(0, 1e-9, 0.001, 0.02, 0.5, 1)),
      score: fc.option(fc.constantFrom(0, 0.25, 0.5, 1)),
      channel: fc.constantFrom('a', 'b'),
      isOpen: fc.boolean(),
    })
    const recordsOf = (run: string, all: Drawn[]): Input[] =>
      all.flatMap(({ hour, kind, severity, p, score, channel, isOpen }, i) => {
        const of = { fingerprint: `${run}-${i}`, kind, openedAt: T + hour * HOUR }
        return [
          alert(channel, 0, 1, { ...of, evidence: [said(p, null)] }),
          alert(channel, 0, 2, {
            ...{ ...of, severity, event: isOpen ? 'updated' : 'resolved' },
            // What it was opened on stands, whatever came later.
            evidence: [said(1e-12, null), said(null, score)],
          }),
        ]
      })

    /** Straight from the definitions. */
    function expected(all: Drawn[], perDay: number): { rank: number; q: number | null }[] {
      const groups = all.map((one, i) => ({ ...one, i, group: `${one.kind} ${Math.floor(one.hour / 24)}` }))
      return groups.map(({ i, group }) => {
        const peers = groups.filter((one) => one.group === group)
        const worse = (a: (typeof peers)[number], b: (typeof peers)[number]) =>
          SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) ||
          (b.score ?? -1) - (a.score ?? -1) ||
          (a.p ?? 2) - (b.p ?? 2) ||
          a.hour - b.hour
        const me = groups[i]!
        const rank = peers.filter((one) => worse(one, me) < 0).length + 1
        const known = peers.flatMap((one) => one.p ?? [])
        const qOf = (p: number) => (p * known.length) / known.filter((other) => other <= p).length
        const q = me.p === null ? null : Math.min(...known.filter((p) => p >= me.p!).map(qOf))
        return { rank: perDay === 0 ? 1 : rank, q }
      })
    }

    it('are ranked, have a q-value, and are listed up to the cap, each once, on whatever pages', async () => {
      const store = storeOf()
      await fc.assert(
        fc.asyncProperty(
          fc.array(drawn, { maxLength: 80 }),
          fc.nat(12),
          fc.integer({ min: 1, max: 9 }),
          fc.record<AlertFilter>({
            type: fc.option(fc.constantFrom(...ALERT_KINDS), { nil: undefined }),
            severity: fc.option(fc.constantFrom(...SEVERITIES), { nil: undefined }),
            state: fc.option(fc.constantFrom('open', 'resolved'), { nil: undefined }),
            channel: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
            from: fc.option(
              fc.nat(70).map((hour) => T + hour * HOUR),
              { nil: undefined },
            ),
            to: fc.option(
              fc.nat(70).map((hour) => T + hour * HOUR + 1),
              { nil: undefined },
            ),
          }),
          async (all, perDay, limit, filter) => {
            const run = newRun()
            await store.ingest.write(run, recordsOf(run, all))
            const wanted = expected(all, perDay)
            const passes = ({ kind, severity, isOpen, channel, hour }: Drawn) =>
              (filter.type === undefined || kind === filter.type) &&
              (filter.severity === undefined || severity === filter.severity) &&
              (filter.state === undefined || isOpen === (filter.state === 'open')) &&
              (filter.channel === undefined || channel === filter.channel) &&
              (filter.from === undefined || T + hour * HOUR >= filter.from) &&
              (filter.to === undefined || T + hour * HOUR < filter.to)
            const passing = all.flatMap((one, i) => (passes(one) ? [i] : []))
            const numberOf = ({ id }: Alert) => Number(id.slice(run.length + 1))

            const whole = await allPages((cursor) =>
              store.alerts.list(run, { ...filter, perDay, all: true }, { limit, cursor }),
            )
            expect(whole.map(numberOf).sort((a, b) => a - b)).toEqual(passing)
            for (const found of whole) {
              const { rank, q } = wanted[numberOf(found)]!
              const { score } = all[numberOf(found)]!
              if (q === null) expect(found.q).toBe(null)
              else expect(found.q).toBeCloseTo(q, 12)
              expect(found.score).toBe(score)
              // Of equals, who opened last and what it is called decides.
              if (perDay === 0 || rank > perDay) expect(found.listed).toBe(perDay === 0)
            }

            const counts = new Set<number>()
            const listed = await allPages(async (cursor) => {
              const page = await store.alerts.list(run, { ...filter, perDay }, { limit, cursor })
              counts.add(page.beyondCap)
              return page
            })
            expect(listed).toEqual(whole.filter((one) => one.listed))
            expect([...counts]).toEqual([whole.length - listed.length])
            // Each day of each type is full, or has all there are.
            const ofDay = (type: string, time: number) => `${type} ${Math.floor(time / DAY)}`
            const sizes = Map.groupBy(all, ({ kind, hour }) => ofDay(kind, T + hour * HOUR))
            const { items } = await store.alerts.list(run, { perDay }, { limit: 100 })
            const shown = Map.groupBy(items, ({ type, openedAt }) => ofDay(type, openedAt))
            for (const [day, { length }] of sizes) {
              expect(shown.get(day)).toHaveLength(perDay === 0 ? length : Math.min(perDay, length))
            }
            if (whole[0]) {
              const { evidence: _, events: __, ...one } = (await store.alerts.get(whole[0].id, perDay))!
              expect(one).toEqual(whole[0])
            }
          },
        ),
        { numRuns: 25 },
      )
    })

    it('fill their cap with the worst, also when a filter shows few of them', async () => {
      const store = storeOf()
      const run = newRun()
      await store.ingest.write(
        run,
        Array.from({ length: 30 }, (_, i) =>
          alert(i % 2 ? 'a' : 'b', 0, 1, {
            fingerprint: `${run}-${i}`,
            severity: i < 5 ? 'high' : 'low',
            evidence: [said(0.01, i / 100)],
          }),
        ),
      )
      const list = async (filter: AlertFilter) => {
        const { items, beyondCap } = await store.alerts.list(run, { ...filter, perDay: 7 }, { limit: 50 })
        return [items.map(({ id }) => Number(id.slice(run.length + 1))).sort((a, b) => a - b), beyondCap]
      }
      // The five of high severity, then those of the greatest score.
      expect(await list({})).toEqual([[0, 1, 2, 3, 4, 28, 29], 23])
      expect(await list({ channel: 'a' })).toEqual([[1, 3, 29], 12])
      expect(await list({ severity: 'low' })).toEqual([[28, 29], 23])
      expect(await list({ type: 'onset' })).toEqual([[], 0])
      // All that pass may be beyond: the list is empty then, and says so.
      expect(await list({ channel: 'c' })).toEqual([[], 0])
      await store.ingest.write(run, [
        alert('c', 0, 1, { fingerprint: `${run}-99`, evidence: [said(0.5, 0)] }),
      ])
      expect(await list({ channel: 'c' })).toEqual([[], 1])
    })

    it('of one run do not count in another', async () => {
      const store = storeOf()
      const [run, other] = [newRun(), newRun()]
      for (const name of [run, other]) {
        await store.ingest.write(
          name,
          [0, 1].map((i) => alert(ART, 0, 1, { fingerprint: `${name}-${i}`, evidence: [said(0.03, null)] })),
        )
      }
      const { items, beyondCap } = await store.alerts.list(run, { perDay: 2 }, { limit: 9 })
      expect([items.length, beyondCap, items[0]!.q]).toEqual([2, 0, 0.03])
      await store.runs.delete(other)
    })
  })

  describe('events of alerts', () => {
    it('come in the order in which they were written, each as the alert was then', async () => {
      const store = storeOf()
      const run = newRun()
      const own = (n: number, sequence: number, more: Partial<AlertEvent> = {}) =>
        alert(ART, n, sequence, { fingerprint: `${run}-${n}`, ...more })
      const written = [
        own(1, 1, { evidence: [said(0.01, 0.5)] }),
        own(2, 1),
        own(1, 2, { severity: 'high', evidence: [said(0.01, 0.5), said(null, 0.75)] }),
        own(1, 3, { severity: 'high', event: 'resolved' }),
      ]
      await store.ingest.write(run, written.slice(0, 2))
      await store.ingest.write(run, written.slice(1, 3))
      await store.ingest.write(run, [...written, own(3, 1)])
      const changes = await store.alerts.changes(run, 0, 100)
      expect(changes.map((c) => [c.alert, c.event, c.now.sequence])).toEqual([
        [`${run}-1`, 'opened', 1],
        [`${run}-2`, 'opened', 1],
        [`${run}-1`, 'updated', 2],
        [`${run}-1`, 'resolved', 3],
        [`${run}-3`, 'opened', 1],
      ])
      const [opened, , updated, resolved] = changes.map(({ now }) => now)
      expect(opened).toMatchObject({ state: 'open', severity: 'low', score: 0.5, resolvedAt: null })
      expect(updated).toMatchObject({ severity: 'high', score: 0.75, reason: 'reason 1', outcome: null })
      expect(resolved).toMatchObject({ state: 'resolved', reason: 'reason 1', outcome: 'reason 3' })
      const { evidence: _, events: __, ...now } = (await store.alerts.get(`${run}-1`))!
      expect(resolved).toEqual(now)

      const places = changes.map(({ place }) => place)
      expect(places).toEqual([...places].sort((a, b) => a - b))
      expect(new Set(places).size).toBe(5)
      expect(await store.alerts.changes(run, places[1]!, 2)).toEqual(changes.slice(2, 4))
      expect(await store.alerts.changes(run, places[4]!, 9)).toEqual([])
      const last = { place: places[4]!, alert: `${run}-3` }
      expect(await store.alerts.lastEvents([run, 'no-such-run'])).toEqual(new Map([[run, last]]))
      expect(await store.alerts.hasEvent(run, last)).toBe(true)
      for (const other of [
        { ...last, alert: 'x' },
        { ...last, place: last.place + 1 },
      ]) {
        expect(await store.alerts.hasEvent(run, other)).toBe(false)
      }
      expect(await store.alerts.hasEvent('another', last)).toBe(false)
    })

    it('are followed without a hole while several partitions write', async () => {
      const store = storeOf()
      const [run, other] = [newRun(), newRun()]
      const [PARTITIONS, BATCHES] = [6, 12]
      let writing = true
      const writers = Promise.all(
        Array.from({ length: PARTITIONS }, async (_, p) => {
          for (let i = 0; i < BATCHES; i++) {
            const events = Array.from({ length: 1 + ((i * 7 + p) % 5) }, (_, n) =>
              alert(`${p}`, 0, 1, { fingerprint: `${run}-${p}-${i}-${n}` }),
            )
            await store.ingest.write(run, [bin(`${p}`, i, 1), ...events])
            await store.ingest.write(other, [alert(`${p}`, 0, 1, { fingerprint: `${other}-${p}-${i}` })])
          }
        }),
      ).finally(() => {
        writing = false
      })
      const seen: string[] = []
      for (let place = 0, done = false; !done; ) {
        done = !writing
        const page = await store.alerts.changes(run, place, 7)
        seen.push(...page.map((c) => c.alert))
        place = page.at(-1)?.place ?? place
        if (page.length > 0) done = false
      }
      await writers
      const whole = await store.alerts.changes(run, 0, 10_000)
      expect(seen).toEqual(whole.map((c) => c.alert))
      expect(new Set(seen).size).toBe(seen.length)
      expect(seen.length).toBeGreaterThan(PARTITIONS * BATCHES)
      for (const name of [run, other]) await store.runs.delete(name)
    })

    it('are counted while their alerts are open', async () => {
      const store = storeOf()
      const run = newRun()
      await store.ingest.write(run, [
        ...[1, 2, 3].map((n) => alert(ART, n, 1, { fingerprint: `${run}-${n}`, kind: 'onset' })),
        alert(ART, 3, 2, { fingerprint: `${run}-3`, kind: 'onset', event: 'resolved' }),
        alert(ART, 4, 1, { fingerprint: `${run}-4`, severity: 'high' }),
      ])
      expect((await store.alerts.open()).filter((one) => one.run === run)).toEqual([
        { run, type: 'early-warning', severity: 'high', count: 1 },
        { run, type: 'onset', severity: 'low', count: 2 },
      ])
    })
  })

  describe('the overview', () => {
    const END = 200
    const open = (key: string, n: number, more: Partial<AlertEvent> = {}) =>
      alert(key, n, 1, { openedAt: T + n * BASE, ...more })
    const overview = async (run: string, limit = 50) => {
      const { now, items } = await storeOf().series.overview(run, limit)
      return { now, items, of: new Map(items.map((item) => [item.channel, item])) }
    }
    const channelsOf = (items: ChannelState[]) => items.map(({ channel }) => channel)

    it('has the channels by risk: what is open, then score, p-value, and events', async () => {
      const run = newRun()
      const judged = (key: string, score: number | null, p: number | null) => [
        bin(key, END - 1, 5),
        signal(key, END - 1, { score, p }),
      ]
      const own = (n: number) => ({ fingerprint: `${run}-${n}` })
      await storeOf().ingest.write(run, [
        ...[...judged('quiet', 0.1, 0.5), ...judged('*', 0.9, 0.5), ...judged('ready', 0.9, 0.1)],
        ...judged('unknown', null, 0.01),
        ...[bin('slow', END - 1, 2), bin('busy', END - 1, 9), bin('also slow', END - 1, 2)],
        ...[...judged('falls', 0.99, 0), open('falls', 3, { ...own(1), kind: 'collapse' })],
        ...[...judged('jumps', null, null), open('jumps', 5, { ...own(2), kind: 'onset', severity: 'high' })],
        ...[
          ...judged('warned', 0.2, 0.2),
          open('warned', 4, { ...own(3), kind: 'collapse', severity: 'low' }),
          open('warned', 2, { ...own(4), severity: 'medium' }),
          open('warned', 6, { ...own(5), kind: 'onset', severity: 'high' }),
        ],
        // What has ended is no risk.
        open('quiet', 1, own(6)),
        alert('quiet', 1, 2, { ...own(6), event: 'resolved' }),
      ])
      const { items, of } = await overview(run)
      expect(channelsOf(items)).toEqual([
        ...['warned', 'jumps', 'falls', 'ready', '*', 'quiet', 'unknown'],
        ...['busy', 'also slow', 'slow'],
      ])
      expect(of.get('warned')!.alerts).toEqual([
        { id: `${run}-5`, type: 'onset', severity: 'high', openedAt: T + 6 * BASE },
        { id: `${run}-4`, type: 'early-warning', severity: 'medium', openedAt: T + 2 * BASE },
        { id: `${run}-3`, type: 'collapse', severity: 'low', openedAt: T + 4 * BASE },
      ])
      expect(of.get('quiet')).toMatchObject({ alerts: [], score: 0.1, at: T + (END - 1) * BASE })
      for (let limit = 1; limit < items.length; limit++) {
        expect((await overview(run, limit)).items).toEqual(items.slice(0, limit))
      }
    })

    it('shows the last base bin that was judged, and figures of none that is long past', async () => {
      const run = newRun()
      await storeOf().ingest.write(run, [
        ...[100, 150, 199].map((i) => bin('a', i, i)),
        ...[
          signal('a', 150, { score: 0.25 }),
          signal('a', 196, { score: 0.5, count: 7, decision: 'masked' }),
        ],
        signal('a', 192, { resolution: 3600, score: 1 }),
        ...[bin('old', 127, 1), signal('old', 127, { score: 0.9, decision: 'insufficient' })],
        bin('never', END - 1, 1),
      ])
      const { now, of } = await overview(run)
      expect(now).toBe(T + END * BASE)
      expect(await storeOf().series.now(run)).toBe(now)
      expect(of.get('a')).toMatchObject({
        ...{ score: 0.5, p: 0.25, count: 7, expected: 1 / 3, at: T + 196 * BASE, decision: 'masked' },
        series: 'casts:a',
      })
      const none = { score: null, p: null, count: null, expected: null }
      expect(of.get('old')).toMatchObject({ ...none, at: T + 127 * BASE, decision: 'insufficient' })
      expect(of.get('never')).toMatchObject({ ...none, at: null, decision: null })
      const { scores } = of.get('a')!
      expect(scores).toHaveLength(72)
      expect(scores.flatMap((score, i) => (score === null ? [] : [[i, score]]))).toEqual([
        [22, 0.25],
        [68, 0.5],
      ])
    })

    it('has the counts of the last 72 base bins: zeros of idle time filled, gaps not', async () => {
      const run = newRun()
      const unknown: Input = {
        key: 'idle',
        record: {
          ...{ type: 'Unknown', measure: 'casts', reason: 'away' },
          ...{ from: T + 150.5 * BASE, to: T + 152 * BASE },
        },
      }
      const stretch = (from: number, to: number, count: number) =>
        Array.from({ length: to - from }, (_, i) => bin('zeros', from + i, count))
      await storeOf().ingest.write(run, [
        ...[bin('*', END - 1, 1), ...stretch(100, 190, 0), ...stretch(190, 192, 4)],
        ...[bin('gaps', 140, 3), bin('gaps', 141, 2, 0.5, true), bin('gaps', 142, 5), bin('gaps', 145, 6)],
        ...[bin('*', END, 7, 0.95), bin('*', END + 1, 8, 0.5, true)],
        ...[bin('idle', 120, 1), idle('idle', 121), unknown],
        ...[bin('woke', 110, 1), idle('woke', 111), bin('woke', 180, 2), bin('woke', 181, 0)],
        ...[bin('said', 130, 1), idle('said', 131)],
        {
          key: 'said',
          record: {
            ...{ type: 'Coverage', status: 'covered', measures: ['posts', 'replies'], reason: null },
            ...{ from: T, to: T + 170 * BASE, partitions: 1 },
          } satisfies Coverage,
        },
      ])
      const end = END + 2
      const from = end - 72
      const { now, of } = await overview(run)
      expect(now).toBe(T + end * BASE)
      const counts = (channel: string, [a, b]: [number, number]) =>
        of.get(channel)!.recent.slice(a - from, b - from)
      const known = (channel: string) => {
        const { recent } = of.get(channel)!
        expect(recent).toHaveLength(72)
        return recent.flatMap((n, i) => (n === null ? [] : [from + i]))
      }
      expect(counts('*', [END - 2, end])).toEqual([null, 1, 7, null])
      expect(counts('gaps', [139, 147])).toEqual([null, 3, null, 5, null, null, 6, null])
      expect(counts('zeros', [130, 193])).toEqual([...Array(60).fill(0), 4, 4, null])
      const range = (a: number, b: number) => Array.from({ length: b - a }, (_, i) => a + i)
      // It was idle before what is shown began.
      expect(known('idle')).toEqual([...range(from, 150), ...range(152, end)])
      expect(known('woke')).toEqual(range(from, 182))
      expect(counts('woke', [179, 182])).toEqual([0, 2, 0])
      // The source has not spoken of it since.
      expect(known('said')).toEqual(range(130, 170))
    })

    it('shows posts where there are no casts, and whatever there is else', async () => {
      const run = newRun()
      const bins = (key: string, measures: string[]): Input => {
        const { record } = bin(key, END, 1)
        if (record.type !== 'BinClosed') throw new Error('no bin')
        const kinds = measures.map((measure) => ({ ...record.bins[0]!, measure }))
        return { key, record: { ...record, bins: kinds } as typeof record }
      }
      await storeOf().ingest.write(run, [
        bins('all', ['participants', 'reactions', 'posts', 'casts', 'replies']),
        ...[bins('polled', ['reactions', 'posts']), bins('liked', ['reactions'])],
        // An alert may be stored before the counts that it is of.
        open('only alerted', 1, { fingerprint: `${run}-1`, measure: 'posts' }),
        ...[
          bins(HOSTILE[0]!, ['posts']),
          open(HOSTILE[0]!, 1, { fingerprint: `${run}-2`, measure: 'casts' }),
        ],
      ])
      const { items } = await overview(run)
      expect(Object.fromEntries(items.map(({ channel, series }) => [channel, series]))).toEqual({
        ...{ all: 'casts:all', polled: 'posts:polled', liked: 'reactions:liked' },
        ...{ 'only alerted': 'posts:only alerted', [HOSTILE[0]!]: `posts:${HOSTILE[0]}` },
      })
    })

    it('is empty for a run that is not there, or has no bins', async () => {
      expect(await storeOf().series.overview('no-such-run', 5)).toEqual({ now: null, items: [] })
      expect(await storeOf().series.now('no-such-run')).toBe(null)
      const run = newRun()
      await storeOf().ingest.write(run, [open(ART, 1, { fingerprint: `${run}-1` })])
      const { now, items } = await overview(run)
      expect([now, items.length]).toEqual([null, 1])
      expect(new Set([...items[0]!.recent, ...items[0]!.scores])).toEqual(new Set([null]))
    })
  })
}
