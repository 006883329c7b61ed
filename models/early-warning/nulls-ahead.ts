import { Worker } from 'node:worker_threads'
import { type Cell, keepNull, type Null, unmadeAround, watchCells } from './nulls.ts'

/** A cell of the grid, and its null. */
export type MadeAhead = { cell: Cell; made: Null }

/**
 * Makes nulls in a thread of its own before they are needed: those around each one that is. Made where it is needed, a null
 * holds up for tens of milliseconds what is decided by it, and all else in the process. Which thread makes it changes nothing
 * about it; without this thread, nulls are made where they are needed.
 */
export function makeNullsAhead(): { close(): Promise<void> } {
  const worker = new Worker(new URL('nulls-worker.ts', import.meta.url))
  worker.unref()
  worker.on('message', ({ cell, made }: MadeAhead) => keepNull(cell, made))
  const unwatch = watchCells((cell) => worker.postMessage(unmadeAround(cell)))
  worker.on('error', unwatch)
  return {
    async close() {
      unwatch()
      await worker.terminate()
    },
  }
}
