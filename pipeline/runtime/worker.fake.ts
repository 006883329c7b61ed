/** An outbox and a worker in memory, for tests. */
import type { Outbox, Worker } from './run-worker.ts'

export type Happened = { place: number; what: string }

/** `happen` adds to it. */
export function fakeOutbox(): Outbox<Happened, number> & { happen(...what: string[]): void } {
  const all: Happened[] = []
  return {
    happen(...what) {
      for (const one of what) all.push({ place: all.length + 1, what: one })
    },
    last: async () => all.length,
    changes: async (behind, limit) => all.slice(behind, behind + limit),
  }
}

/** Keeps its place with what it does. `fail`: thrown, once each, before a change of that name is acted on. */
export function fakeWorker(
  kept: { place?: number; done: string[] } = { done: [] },
  fail = new Map<string, unknown>(),
): Worker<Happened, number> {
  return {
    name: 'fake',
    place: async () => kept.place ?? 0,
    async work(changes) {
      for (const { place, what } of changes) {
        const error = fail.get(what)
        fail.delete(what)
        if (error) throw error
        if (place <= (kept.place ?? 0)) continue
        kept.done.push(what)
        kept.place = place
      }
    },
  }
}
