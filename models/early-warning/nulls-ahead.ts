import { Worker } from 'node:worker_threads'
import { type Cell, keepNull, type Null, unmadeAround, watchCells } from './nulls.ts'

/** A cell of the grid, and its null. */
export type MadeAhead = { cell: Cell; made: Null }

/**
 * Makes nulls in a thread of its own before they are needed: those around each one that is. Made where it is needed, a null
 * holds up for tens of milliseconds what is decided by it, and all else in the process. Which thread makes it changes nothing
 * about it; without this thread, nulls are made where they are needed.
 *
 * `isHurried` is asked as a cell is used for the first time. History is in no hurry: it would pay for six times as many nulls
 * as it needs. What is around its cells is made as soon as it is over and one more is used.
 */
export function makeNullsAhead(isHurried: () => boolean): { close(): Promise<void> } {
  let worker: Worker | undefined
  let waiting: Cell[] = []
  const unwatch = watchCells((cell) => {
    waiting.push(cell)
    if (!isHurried()) return
    worker ??= startWorker(unwatch)
    worker.postMessage(waiting.flatMap(unmadeAround))
    waiting = []
  })
  return {
    async close() {
      unwatch()
      await worker?.terminate()
    },
  }
}

function startWorker(onError: () => void): Worker {
  const worker = new Worker(new URL('nulls-worker.ts', import.meta.url))
  worker.unref()
  worker.on('message', ({ cell, made }: MadeAhead) => keepNull(cell, made))
  worker.on('error', onError)
  return worker
}
