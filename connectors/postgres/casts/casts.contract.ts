/** What every store must do with casts, hostile and removed ones. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { ART, allPages, cast, HOSTILE, hash, held, type Input, removal, T } from '../records.fixture.ts'
import type { Store } from '../store.ts'

export function castsContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  beforeAll(() => {
    store = storeOf()
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
}
