/** The thread of wasm.ts: rows in, scores out, in order. What it throws ends it, and is the error of who waits. */
import { parentPort, workerData } from 'node:worker_threads'
import { createKernel } from './kernel/kernel.ts'
import type { Weights } from './network.ts'

const score = await createKernel(workerData as Weights)
const answer = (scores: Float32Array<ArrayBuffer>): void => parentPort!.postMessage(scores, [scores.buffer])

parentPort!.on('message', (rows: Float32Array) => answer(score(rows)))
answer(new Float32Array())
