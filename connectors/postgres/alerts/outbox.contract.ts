/** What every store must tell of what happened, in which order, and what people did. */
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import type { AlertEvent, DeskAction, EarlyWarningEvidence } from '../../../schemas/records.ts'
import { ART, alert, bin, HOSTILE, held, type Input } from '../records.fixture.ts'
import type { Store } from '../store.ts'
import { BEGINNING, comparePlaces, type Place, parsePlace, placeOf } from './place.ts'

const [first] = (alert(ART, 0, 1).record as AlertEvent).evidence as EarlyWarningEvidence[]
const said = (p: number | null, score: number | null): EarlyWarningEvidence => ({ ...first!, p, score })

const did = (id: string, of: string, more: Partial<DeskAction> = {}): Input => ({
  key: of,
  record: {
    ...{ type: 'DeskAction', id, alert: of, action: 'acknowledge', by: 'ann', at: 1000, details: '{}' },
    ...more,
  },
})

export function outboxContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  beforeAll(() => {
    store = storeOf()
  })
  /** All places of a run: one epoch, numbered without holes. */
  const whole = async (run: string) => {
    const changes = await store.alerts.changes(run, BEGINNING, 10_000)
    const places = changes.map(({ place }) => parsePlace(run, place))
    expect(places.map(([, n]) => n)).toEqual(changes.map((_, i) => i + 1))
    expect(new Set(places.map(([epoch]) => epoch)).size).toBeLessThanOrEqual(1)
    return changes
  }

  it('what happened comes in the order in which it was written, each as the alert was then', async () => {
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
    const changes = await whole(run)
    expect(changes.map((c) => [c.alert, c.kind === 'event' && c.event, c.now!.sequence])).toEqual([
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
    const { evidence: _, events: __, actions: ___, ...now } = (await store.alerts.get(`${run}-1`))!
    expect(resolved).toEqual(now)

    const places = changes.map(({ place }) => place)
    expect(await store.alerts.changes(run, places[1]!, 2)).toEqual(changes.slice(2, 4))
    expect(await store.alerts.changes(run, places[4]!, 9)).toEqual([])
    expect(await store.alerts.lastPlaces([run, 'no-such-run'])).toEqual(new Map([[run, places[4]!]]))
  })

  it('a place that it has not given out is refused', async () => {
    const [run, other] = [newRun(), newRun()]
    await store.ingest.write(run, [alert(ART, 1, 1, { fingerprint: `${run}-1` })])
    await store.ingest.write(other, [bin(ART, 0, 1)])
    const { place } = (await store.alerts.changes(run, BEGINNING, 1))[0]!
    const [epoch, n] = parsePlace(run, place)
    await store.alerts.checkPlace(run, place)
    await store.alerts.checkPlace(other, BEGINNING)
    for (const [name, wrong] of [
      ...[placeOf(epoch, n + 1), placeOf(epoch, 0), placeOf(epoch + 1, 1), placeOf(epoch - 1, n)].map(
        (unknown) => [run, unknown],
      ),
      ...[
        [other, place],
        ['no-such-run', place],
      ],
      ...['', '1', '1.', '.1', '-1.1', '1.1.1', `${place} `, "1'; DROP TABLE changes", '9'.repeat(400)].map(
        (text) => [run, text],
      ),
    ] as [string, string][]) {
      const refused = { code: 'PLACE_UNKNOWN' }
      await expect(store.alerts.checkPlace(name, wrong), wrong).rejects.toMatchObject(refused)
      await expect(store.alerts.changes(name, wrong, 1), wrong).rejects.toMatchObject(refused)
    }
    // A run that is made anew is another one.
    await store.runs.delete(run)
    await store.ingest.write(run, [bin(ART, 0, 1)])
    await expect(store.alerts.checkPlace(run, place)).rejects.toMatchObject({ code: 'PLACE_UNKNOWN' })
  })

  it('is followed without a hole while several partitions write, whatever they write', async () => {
    const [run, other] = [newRun(), newRun()]
    const batch = fc.array(
      fc.record({ n: fc.nat(9), sequence: fc.integer({ min: 1, max: 3 }), did: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(batch, { minLength: 1, maxLength: 6 }), { minLength: 3, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (partitions, limit) => {
          let writing = true
          const before = (await store.alerts.lastPlaces([run])).get(run) ?? BEGINNING
          const writers = Promise.all(
            partitions.map(async (batches, p) => {
              for (const events of batches) {
                // Partitions 0 and 1 write the same things, as after a rebalance.
                const of = (n: number) => `${run}-${Math.max(1, p)}-${n}`
                const records = events.map(({ n, sequence, did: isAction }) =>
                  isAction
                    ? did(`${of(n)}-${sequence}`, of(n))
                    : alert(`${p}`, n, sequence, { fingerprint: of(n) }),
                )
                await store.ingest.write(run, records)
                await store.ingest.write(
                  other,
                  records.map(({ key, record }) => ({
                    key,
                    record: {
                      ...record,
                      ...('alert' in record
                        ? { alert: `o-${record.alert}` }
                        : { fingerprint: `o-${(record as AlertEvent).fingerprint}` }),
                    } as typeof record,
                  })),
                )
              }
            }),
          ).finally(() => {
            writing = false
          })
          const seen: Place[] = []
          for (let place = before, done = false; !done; ) {
            done = !writing
            const page = await store.alerts.changes(run, place, limit)
            seen.push(...page.map((change) => change.place))
            place = page.at(-1)?.place ?? place
            if (page.length > 0) done = false
          }
          await writers
          const all = await whole(run)
          expect(seen).toEqual(
            all.map(({ place }) => place).filter((place) => comparePlaces(place, before) > 0),
          )
          // Each thing once.
          const things = all.map((c) =>
            c.kind === 'event' ? `${c.alert} ${c.now.sequence}` : `action ${c.action.id}`,
          )
          expect(new Set(things).size).toBe(things.length)
        },
      ),
      { numRuns: 8 },
    )
    await whole(other)
    for (const name of [run, other]) await store.runs.delete(name)
  })

  it('has what people did, once, among what was detected', async () => {
    const run = newRun()
    const id = `${run}-1`
    const label = {
      action: 'label',
      by: HOSTILE[2]!,
      at: 2000,
      details: JSON.stringify({ note: HOSTILE[3] }),
    }
    await store.ingest.write(run, [did(`${run}-early`, id)])
    await store.ingest.write(run, [alert(ART, 1, 1, { fingerprint: id })])
    await store.ingest.write(run, [did(`${run}-b`, id, label), did(`${run}-early`, id)])
    await store.ingest.write(run, [alert(ART, 1, 2, { fingerprint: id, event: 'resolved' })])
    await store.ingest.write(run, [did(`${run}-b`, id, { ...label, action: 'forged' })])
    const changes = await whole(run)
    expect(changes.map((c) => [c.kind, c.now?.sequence, c.now?.state])).toEqual([
      ['action', undefined, undefined],
      ['event', 1, 'open'],
      ['action', 1, 'open'],
      ['event', 2, 'resolved'],
    ])
    const mine = { id: `${run}-b`, alert: id, ...label, details: held(label.details) }
    expect(changes[2]).toMatchObject({ alert: id, action: mine })
    const { actions } = (await store.alerts.get(id))!
    expect(actions.map((action) => [action.id, action.action])).toEqual([
      [`${run}-early`, 'acknowledge'],
      [`${run}-b`, 'label'],
    ])
    expect(actions[1]).toEqual(mine)
    const { rejected } = await store.ingest.write(run, [did('large', id, { details: 'x'.repeat(16_385) })])
    expect(rejected).toEqual([{ index: 0, why: expect.stringContaining('16385 characters') }])
    await store.runs.delete(run)
    await store.ingest.write(run, [bin(ART, 0, 1)])
    expect(await store.alerts.changes(run, BEGINNING, 10)).toEqual([])
  })

  it('forgets what is old, and says so to whom it would have told it', async () => {
    const run = newRun()
    const events = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) =>
        alert(ART, from + i, 1, { fingerprint: `${run}-${from + i}` }),
      )
    await store.ingest.write(run, events(0, 7))
    const places = (await whole(run)).map(({ place }) => place)
    expect(await store.alerts.forget(run, places[3]!)).toBe(4)
    const expired = { code: 'PLACE_EXPIRED', details: { run, place: places[2] } }
    await expect(store.alerts.changes(run, places[2]!, 9)).rejects.toMatchObject(expired)
    // Who has read up to there has missed nothing.
    const left = (await store.alerts.changes(run, places[3]!, 9)).map(({ place }) => place)
    expect(left).toEqual(places.slice(4))
    expect(await store.alerts.forget(run, places[1]!)).toBe(0)
    await store.alerts.checkPlace(run, places[3]!)
    expect(await store.alerts.forget(run, places[6]!)).toBe(3)
    await store.alerts.checkPlace(run, places[6]!)
    expect(await store.alerts.lastPlaces([run])).toEqual(new Map([[run, places[6]]]))
    await store.ingest.write(run, events(7, 8))
    expect((await store.alerts.changes(run, places[6]!, 9)).map((c) => c.alert)).toEqual([`${run}-7`])
  })
}
