/** What every worker must keep, whatever it does with what happened. */
import { describe, expect, test } from 'vitest'
import type { Worker } from './run-worker.ts'

export type Bench<Change extends { place: Place }, Place extends string | number> = {
  /** A worker that has done nothing yet; `again`: the same, after a restart of its process. */
  worker: Worker<Change, Place>
  again?: () => Worker<Change, Place>
  /** Some changes that it acts on, two or more, each in a way of its own. */
  changes: readonly Change[]
  /** What it has done so far, in order. */
  done(): Promise<readonly string[]>
}

export function workerContract<Change extends { place: Place }, Place extends string | number>(
  name: string,
  make: () => Promise<Bench<Change, Place>>,
): void {
  describe(name, () => {
    test('acts on changes in their order, however they are cut', async () => {
      const [whole, single] = [await make(), await make()]
      await whole.worker.work(whole.changes)
      for (const change of single.changes) await single.worker.work([change])
      const done = await whole.done()
      expect(done.length).toBeGreaterThanOrEqual(2)
      expect(new Set(done).size).toBe(done.length)
      expect(await single.done()).toEqual(done)
    })

    test('does what comes again once', async () => {
      const { worker, changes, done } = await make()
      await worker.work(changes)
      const before = await done()
      await worker.work(changes)
      for (let i = 0; i < changes.length; i++) await worker.work(changes.slice(i))
      expect(await done()).toEqual(before)
    })

    test('goes on behind what it has done, or with what is to come', async () => {
      const { worker, again = () => worker, changes } = await make()
      const begun = await worker.place()
      await worker.work(changes.slice(0, 2))
      expect(await again().place()).toEqual(begun === undefined ? undefined : changes[1]!.place)
    })
  })
}
