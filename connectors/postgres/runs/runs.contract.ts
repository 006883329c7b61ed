/** What every store must do with runs. */
import { beforeAll, expect, it } from 'vitest'
import { BASE, HOUR } from '../../../common/time.ts'
import type { Page, Paging } from '../database/questions.ts'
import { ART, alert, bin, cast, countsOf, type Input, removal, signal, T } from '../records.fixture.ts'
import type { Store } from '../store.ts'

export function runsContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  const counts: ReturnType<typeof countsOf> = (...asked) => countsOf(store)(...asked)
  beforeAll(() => {
    store = storeOf()
  })

  it('keeps runs apart and deletes one whole, which may then begin again', async () => {
    const [run, other] = [newRun(), newRun()]
    const records = [
      ...[bin('*', 0, 3), bin(ART, 0, 3), bin(ART, 1, 1), cast(ART, 1, 'text'), removal(ART, 2)],
      ...[signal(ART, 0), alert(ART, 9, 1)],
    ]
    await store.ingest.write(run, records)
    await store.ingest.write(other, [bin(ART, 4, 1), alert(ART, 10, 1)])
    const about = async (name: string) =>
      (await store.runs.list({ limit: 1000 })).items.find((r) => r.run === name)
    expect(await about(run)).toMatchObject({ channels: 1, firstAt: T, lastAt: T + 2 * BASE, alerts: 1 })
    expect(Math.abs((await about(run))!.createdAt - Date.now())).toBeLessThan(HOUR)
    expect((await store.series.channels(run, { limit: 10 })).items).toEqual([
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
    const about = async (name: string) =>
      (await store.runs.list({ limit: 1000 })).items.find((r) => r.run === name)
    expect(await about(run)).toMatchObject({ late: 17, lateBefore: 10 })
    const other = newRun()
    await store.ingest.write(other, [bin('a', 0, 1)])
    expect(await about(other)).toMatchObject({ late: 0, lateBefore: 0 })
  })

  it('tells runs, and channels of one, page by page, each once and by name', async () => {
    const runs = [newRun(), newRun(), newRun()]
    for (const run of runs)
      await store.ingest.write(run, [bin('b', 0, 1), bin('a', 0, 1), bin('*', 0, 1), bin('c', 0, 1)])
    async function all<T>(list: (paging: Paging) => Promise<Page<T>>): Promise<T[]> {
      const found: T[] = []
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page: Page<T> = await list({ limit: 1, ...(cursor && { cursor }) })
        expect(page.items.length).toBeLessThanOrEqual(1)
        found.push(...page.items)
        cursor = page.next
      }
      return found
    }
    const names = (await all(store.runs.list)).map(({ run }) => run)
    expect(names.filter((name) => runs.includes(name)).sort()).toEqual(runs.toSorted())
    expect(new Set(names).size).toBe(names.length)
    const channels = await all((paging) => store.series.channels(runs[0]!, paging))
    expect(channels.map(({ id }) => id)).toEqual(['*', 'a', 'b', 'c'])
    for (const run of runs) await store.runs.delete(run)
  })
}
