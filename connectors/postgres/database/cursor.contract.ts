/** What every list must do with a cursor. */
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { alert, bin, cast, encodeCursor, signal, T } from '../records.fixture.ts'
import type { Store } from '../store.ts'
import type { Page } from './questions.ts'

export function cursorContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  beforeAll(() => {
    store = storeOf()
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
      channels: (cursor) => store.series.channels(run, { limit: 1, cursor }),
      runs: (cursor) => store.runs.list({ limit: 1, cursor }),
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
}
