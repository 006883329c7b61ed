/** What every store must do with run `live`, whose rows stand in the month in which they were stored. */
import { describe, expect, it } from 'vitest'
import { BASE, HOUR } from '../../../common/time.ts'
import { LIVE } from '../../../pipeline/topology.ts'
import { BEGINNING } from '../alerts/place.ts'
import {
  ART,
  alert,
  all,
  allPages,
  bin,
  cast,
  coverage,
  type Input,
  polled,
  removal,
  signal,
  T,
} from '../records.fixture.ts'
import type { Store } from '../store.ts'
import { KEPT_MONTHS, monthOf } from './months.ts'

/** `at`: sets the wall clock of the store. */
export function monthsContract(storeOf: () => Store, newRun: () => string, at: (time: number) => void): void {
  /** A channel of its own for every test, since there is one run `live`. */
  let channels = 0
  const newChannel = () => `${ART}/${++channels}`
  const monthLater = (n: number): number => Date.UTC(2026, 10 + n, 15)
  const textsOf = async (channel: string) =>
    (await allPages((cursor) => storeOf().casts.list(LIVE, channel, {}, { limit: 3, cursor }))).map(
      ({ text }) => text,
    )
  const rowsOf = async (run: string, channel: string) => {
    const { series } = storeOf()
    const filter = { run, channel }
    const counts = await all(series.exportCounts({ ...filter, resolution: 300, fill: false }))
    const signals = await all(series.exportSignals(filter))
    const page = await allPages((cursor) =>
      series.signals(run, `casts:${channel}`, 300, {}, { limit: 2, cursor }),
    )
    expect(signals.map(({ series: _, ...signal }) => signal)).toEqual(page)
    return { counts, signals }
  }
  const stretch = (channel: string, from: number, to: number): Input[] =>
    Array.from({ length: to - from }, (_, i) => [
      bin(channel, from + i, (from + i) % 3),
      signal(channel, from + i),
      cast(channel, channels * 1000 + from + i, `cast ${from + i}`),
    ]).flat()

  it('tells the month of a time', () => {
    expect([monthOf(Date.UTC(2026, 0, 1)), monthOf(Date.UTC(2026, 11, 31, 23))]).toEqual([24312, 24323])
  })

  describe('months', () => {
    it('make no difference to what is read, and a stretch that comes again in a later one none to what is stored', async () => {
      const [run, channel] = [newRun(), newChannel()]
      for (const [month, [from, to]] of [
        [0, 9],
        [3, 14],
        [5, 20],
        [0, 20],
      ].entries()) {
        at(monthLater(month))
        await storeOf().ingest.write(LIVE, stretch(channel, from!, to!))
      }
      await storeOf().ingest.write(run, stretch(channel, 0, 20))
      const found = await rowsOf(LIVE, channel)
      expect(found.signals).toHaveLength(20)
      expect(found).toEqual(await rowsOf(run, channel))
      expect(await textsOf(channel)).toEqual(Array.from({ length: 20 }, (_, i) => `cast ${19 - i}`))
      const { items } = await storeOf().series.overview(LIVE, 500)
      expect(items.find((one) => one.channel === channel)?.at).toBe(T + 19 * BASE)
    })

    it('a removal blanks a cast of an earlier one', async () => {
      const channel = newChannel()
      at(monthLater(0))
      await storeOf().ingest.write(LIVE, [cast(channel, 501, 'regretted')])
      at(monthLater(1))
      await storeOf().ingest.write(LIVE, [removal(channel, 501), cast(channel, 501, 'regretted')])
      expect(await textsOf(channel)).toEqual([null])
    })

    it('are dropped when they are over for a year; named runs keep theirs', async () => {
      const [run, channel] = [newRun(), newChannel()]
      at(monthLater(20))
      await storeOf().ingest.write(run, stretch(channel, 0, 5))
      await storeOf().ingest.write(LIVE, stretch(channel, 0, 5))
      at(monthLater(21))
      await storeOf().ingest.write(LIVE, stretch(channel, 5, 8))
      at(monthLater(20 + KEPT_MONTHS))
      await storeOf().runs.expire(1000)
      expect((await rowsOf(LIVE, channel)).signals).toHaveLength(8)
      at(monthLater(21 + KEPT_MONTHS))
      expect(await storeOf().runs.expire(1000)).toBeGreaterThanOrEqual(3)
      expect((await rowsOf(LIVE, channel)).signals.map(({ start }) => start)).toEqual(
        [5, 6, 7].map((i) => T + i * BASE),
      )
      expect(await textsOf(channel)).toEqual([7, 6, 5].map((i) => `cast ${i}`))
      expect((await rowsOf(run, channel)).signals).toHaveLength(5)
      // What was dropped is no reason to refuse what comes now.
      await storeOf().ingest.write(LIVE, [cast(channel, channels * 1000, 'cast 0')])
      expect(await textsOf(channel)).toContain('cast 0')
    })

    it('what was told of alerts is forgotten thirteen months later; the alerts stay', async () => {
      const fingerprint = `${newRun()}-1`
      await storeOf().ingest.write(
        LIVE,
        [1, 2].map((n) => alert(newChannel(), 0, n, { fingerprint })),
      )
      const told = async () => (await storeOf().alerts.changes(LIVE, BEGINNING, 1000)).map((c) => c.alert)
      expect(await told()).toContain(fingerprint)
      const [first, last] = (await storeOf().alerts.changes(LIVE, BEGINNING, 1000)).slice(-2)
      // The change bears the database's own time, which is today.
      const today = monthOf(Date.now()) - monthOf(monthLater(0))
      at(monthLater(today + KEPT_MONTHS - 1))
      await storeOf().runs.expire(1000)
      expect(await told()).toContain(fingerprint)
      at(monthLater(today + KEPT_MONTHS + 3))
      await storeOf().runs.expire(1000)
      expect(await told()).toEqual([])
      const expired = { code: 'PLACE_EXPIRED' }
      await expect(storeOf().alerts.checkPlace(LIVE, first!.place)).rejects.toMatchObject(expired)
      await storeOf().alerts.checkPlace(LIVE, last!.place)
      expect(await storeOf().alerts.get(fingerprint)).not.toBeNull()
    })

    it('a channel of which nothing is left goes with its series, and comes anew when it is spoken in again', async () => {
      const [run, gone, quiet, alerted, missed, later] = [newRun(), ...Array.from({ length: 5 }, newChannel)]
      const known = async (of: string) => {
        const { series } = storeOf()
        const found = [gone, quiet, alerted, missed, later].map((name) => series.findChannel(of, name!))
        return (await Promise.all(found)).map(({ known }) => known)
      }
      const late: Input = { key: missed!, record: { type: 'Late', measure: 'casts', start: T, count: 1 } }
      const said = (key: string, to: number) => coverage(key, 'covered', T, to)
      const channels = [
        ...stretch(gone!, 0, 5),
        ...[said(gone!, T + HOUR), polled(gone!, T, 1), bin(quiet!, 0, 1), said('*', T)],
        ...[alert(alerted!, 0, 1, { fingerprint: `${run}-1` }), late, said(later!, monthLater(41))],
      ]
      at(monthLater(40))
      await storeOf().ingest.write(LIVE, channels)
      await storeOf().ingest.write(run, stretch(gone!, 0, 5))
      at(monthLater(40 + KEPT_MONTHS))
      await storeOf().runs.expire(1000)
      expect(await known(LIVE)).toEqual([true, false, true, true, true])
      at(monthLater(41 + KEPT_MONTHS))
      await storeOf().runs.expire(1000)
      expect(await known(LIVE)).toEqual([false, false, true, true, true])
      expect((await storeOf().series.findChannel(LIVE, '*')).known).toBe(true)
      expect(await known(run)).toEqual([true, false, false, false, false])
      expect((await rowsOf(run, gone!)).signals).toHaveLength(5)
      // The store remembers what was there.
      await storeOf().ingest.write(LIVE, [
        cast(gone!, 1e5, 'again'),
        said(gone!, monthLater(41 + KEPT_MONTHS)),
      ])
      expect(await textsOf(gone!)).toEqual(['again'])
      await storeOf().ingest.write(LIVE, stretch(gone!, 3, 5))
      expect((await rowsOf(LIVE, gone!)).counts.map(({ start }) => start)).toEqual(
        [3, 4].map((i) => T + i * BASE),
      )
      await storeOf().runs.expire(1000)
      expect(await known(LIVE)).toEqual([true, false, true, true, true])
      at(monthLater(43 + KEPT_MONTHS))
      await storeOf().runs.expire(1000)
      expect(await known(LIVE)).toEqual([true, false, true, true, false])
    })
  })
}
