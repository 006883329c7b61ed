/** What every store must say of alerts: what each is, how it ranks among those of its day, and what happened in which order. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { BASE, DAY, HOUR } from '../../../common/time.ts'
import {
  ALERT_KINDS,
  type AlertEvent,
  type EarlyWarningEvidence,
  type Evidence,
  SEVERITIES,
  type Severity,
  type Subject,
} from '../../../schemas/records.ts'
import { ART, alert, all, allPages, HOSTILE, held, type Input, T } from '../records.fixture.ts'
import type { Store } from '../store.ts'
import type { Alert, AlertFilter } from './alerts.ts'

const [first] = (alert(ART, 0, 1).record as AlertEvent).evidence as EarlyWarningEvidence[]
const said = (p: number | null, score: number | null): EarlyWarningEvidence => ({ ...first!, p, score })

export function alertsContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  beforeAll(() => {
    store = storeOf()
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
      const { evidence } = resolved.record as AlertEvent
      expect(found!.evidence).toEqual(evidence)
      expect(await store.alerts.get("nobody's")).toBeNull()

      const exported = await all(store.alerts.export({ run }))
      expect(exported.map((r) => [r.id, r.sequence])).toEqual([
        ['alert-1', 1],
        ['alert-1', 2],
        ['alert-1', 3],
        ['alert-2', 1],
      ])
      expect(JSON.stringify(exported[2]!.evidence)).toBe(JSON.stringify(evidence))
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
      expect(await list({ channel: ART, type: 'onset' })).toEqual(numbers.filter((i) => i % 2 && i % 3 === 0))
      expect(await list({ severity: 'high' })).toEqual(numbers.filter((i) => i % 5 === 0))
      expect(await list({ state: 'resolved' })).toEqual([599])
      expect(await list({ state: 'open' })).toEqual(numbers.slice(1))
      expect(await list({ from: T + 3 * HOUR, to: T + 5 * HOUR })).toEqual([4, 3])
      expect(await all(store.alerts.export({ run }))).toHaveLength(601)
      expect(await all(store.alerts.export({ run, from: T + 599 * HOUR, channel: ART }))).toHaveLength(2)
      await store.runs.delete(run)
    })
  })

  it('are about anything, with the evidence of any detector', async () => {
    const run = newRun()
    const subjects: Subject[] = [
      { type: 'channel' },
      { type: 'cluster', id: HOSTILE[2]!, accounts: [3, 5, 8], size: 300 },
      { type: 'community', id: 'c1', size: 12 },
    ]
    const plain = (score: number, reason = HOSTILE[3]!): Evidence => ({
      detector: 'in step',
      figures: [
        { name: 'score', value: score },
        { name: 'p', value: 1e-9 },
      ],
      reason,
    })
    await store.ingest.write(
      run,
      subjects.map((subject, i) =>
        alert(ART, i, 1, {
          ...{ fingerprint: `${run}-${i}`, kind: 'in step', subject, severity: 'high' },
          evidence: [plain(i / 10), said(0.5, null)],
        }),
      ),
    )
    const { items } = await store.alerts.list(run, { type: 'in step', perDay: 2 }, { limit: 9 })
    expect(items.map(({ id, subject }) => [id, subject])).toEqual([
      [`${run}-2`, subjects[2]],
      [`${run}-1`, subjects[1]],
    ])
    expect(items[0]).toMatchObject({ series: null, resolution: null, start: null, score: 0.2 })
    const { evidence } = (await store.alerts.get(`${run}-2`))!
    const kept = plain(0.2, held(HOSTILE[3]!))
    expect(JSON.stringify(evidence)).toBe(JSON.stringify([kept, said(0.5, null)]))
    const exported = await all(store.alerts.export({ run }))
    expect(exported.map(({ subject }) => subject)).toEqual(subjects)
    expect(await all(store.alerts.export({ run, series: `casts:${ART}` }))).toEqual([])
    await store.runs.delete(run)
  })

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
    function ranksOf(all: Drawn[], perDay: number): number[] {
      const groups = all.map((one, i) => ({ ...one, i, group: `${one.kind} ${Math.floor(one.hour / 24)}` }))
      return groups.map(({ i, group }) => {
        const peers = groups.filter((one) => one.group === group)
        const worse = (a: (typeof peers)[number], b: (typeof peers)[number]) =>
          SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) ||
          (b.score ?? -1) - (a.score ?? -1) ||
          (a.p ?? 2) - (b.p ?? 2) ||
          a.hour - b.hour
        const me = groups[i]!
        return perDay === 0 ? 1 : peers.filter((one) => worse(one, me) < 0).length + 1
      })
    }

    it('are ranked, and are listed up to the cap, each once, on whatever pages', async () => {
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
              fc.nat(70).map((hour) => T + (hour % 3 ? hour : 24 * (hour % 4)) * HOUR),
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
            const wanted = ranksOf(all, perDay)
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
              const rank = wanted[numberOf(found)]!
              const { score } = all[numberOf(found)]!
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
              const {
                evidence: _,
                events: __,
                actions: ___,
                ...one
              } = (await store.alerts.get(whole[0].id, perDay))!
              expect(one).toEqual(whole[0])
            }
          },
        ),
        { numRuns: 25 },
      )
    })

    it('fill their cap with the worst, also when a filter shows few of them', async () => {
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
      const [run, other] = [newRun(), newRun()]
      for (const name of [run, other]) {
        await store.ingest.write(
          name,
          [0, 1].map((i) => alert(ART, 0, 1, { fingerprint: `${name}-${i}`, evidence: [said(0.03, null)] })),
        )
      }
      const { items, beyondCap } = await store.alerts.list(run, { perDay: 2 }, { limit: 9 })
      expect([items.length, beyondCap]).toEqual([2, 0])
      await store.runs.delete(other)
    })
  })

  it('are counted while they are open', async () => {
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
}
