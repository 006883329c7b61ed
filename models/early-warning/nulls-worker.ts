/** The thread of nulls-ahead.ts: cells in, each with its null out, once. */
import { parentPort } from 'node:worker_threads'
import { type Cell, makeNull } from './nulls.ts'
import type { MadeAhead } from './nulls-ahead.ts'

const made = new Set<string>()

parentPort!.on('message', (cells: Cell[]) => {
  for (const cell of cells) {
    const name = Object.values(cell).join('/')
    if (made.has(name)) continue
    made.add(name)
    parentPort!.postMessage({ cell, made: makeNull(cell) } satisfies MadeAhead)
  }
})
