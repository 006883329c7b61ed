import { Worker } from 'node:worker_threads'
import { FcmError } from '../../common/errors.ts'
import type { Engine } from './engine.ts'
import type { Weights } from './network.ts'

type Question = { resolve(scores: Float32Array): void; reject(error: FcmError): void }

/**
 * The kernel in a thread of its own, so that a long batch holds nothing up. It answers in the order of the questions,
 * and keeps the process alive only while one is open.
 */
export async function openWasm(weights: Weights): Promise<Engine> {
  const questions: Question[] = []
  let stopped: FcmError | undefined
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: weights })

  function stop(why: string, cause?: unknown): void {
    stopped ??= new FcmError('SCORER_FAILED', { why }, cause)
    for (const { reject } of questions.splice(0)) reject(stopped)
  }
  worker.on('error', (error) => stop(`its thread failed (${error.message})`, error))
  worker.on('exit', () => stop('its thread has ended'))
  worker.on('message', (scores: Float32Array) => {
    questions.shift()!.resolve(scores)
    if (questions.length === 0) worker.unref()
  })
  let last: Promise<unknown> = Promise.resolve()
  const answer = (): Promise<Float32Array> => {
    worker.ref()
    const answered = new Promise<Float32Array>((resolve, reject) => questions.push({ resolve, reject }))
    last = answered
    return answered
  }

  // The first answer, to no question, says that the kernel is ready.
  await answer()
  return {
    async score(rows) {
      if (stopped) throw stopped
      // Only a buffer that is wholly theirs may go; of a part, all of its buffer would be copied.
      const whole = rows.byteLength === rows.buffer.byteLength && rows.buffer instanceof ArrayBuffer
      const message = whole ? rows : rows.slice()
      worker.postMessage(message, [message.buffer as ArrayBuffer])
      return answer()
    },
    async close() {
      stopped ??= new FcmError('SCORER_FAILED', { why: 'it was closed' })
      await last.catch(() => {})
      await worker.terminate()
    },
  }
}
