/** Jobs shared out among threads. What comes out depends on the jobs alone, not on how many threads there are. */
import { availableParallelism } from 'node:os'
import { type MessagePort, parentPort, Worker } from 'node:worker_threads'

/** More threads than this only hold memory. */
const MOST_THREADS = 8

export type Threads<Job, Answer> = {
  /** The answers to jobs, in their order. One call at a time; whoever stops listening closes the threads. */
  answers(jobs: readonly Job[]): AsyncGenerator<Answer>
  close(): Promise<void>
}

/** Threads that run `file` (see `serve`), started when they are first needed. */
export function openThreads<Job, Answer>(file: URL): Threads<Job, Answer> {
  const most = Math.min(availableParallelism(), MOST_THREADS)
  const all: Worker[] = []
  const idle: Worker[] = []
  let wake = (): void => {}
  let failed: unknown = null

  async function takeIdle(): Promise<Worker> {
    if (idle.length === 0 && all.length < most) {
      const worker = new Worker(file)
      all.push(worker)
      return worker
    }
    while (idle.length === 0 && !failed) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    if (failed) throw failed
    return idle.pop()!
  }

  async function begin(job: Job): Promise<{ answer: Promise<Answer> }> {
    const worker = await takeIdle()
    const answer = ask<Answer>(worker, job)
    answer.then(
      () => {
        idle.push(worker)
        wake()
      },
      // Its thread is gone.
      (error) => {
        failed = error
        wake()
      },
    )
    return { answer }
  }

  const close = async (): Promise<void> => {
    await Promise.all(all.splice(0).map((worker) => worker.terminate()))
    idle.length = 0
  }

  return {
    async *answers(jobs) {
      const asked: Promise<Answer>[] = []
      let next = 0
      let done = false
      try {
        for (let taken = 0; taken < jobs.length; taken++) {
          // A few ahead of what was taken: answers that nobody has taken yet hold memory.
          for (; next < jobs.length && next < taken + 2 * most; next++) {
            asked.push((await begin(jobs[next]!)).answer)
          }
          yield await asked.shift()!
        }
        done = true
      } finally {
        if (!done) await close()
      }
    },
    close,
  }
}

function ask<Answer>(worker: Worker, job: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      worker.off('message', answer).off('error', fail)
      act()
    }
    const answer = (value: Answer): void => settle(() => resolve(value))
    const fail = (error: Error): void => settle(() => reject(error))
    worker.on('message', answer).on('error', fail)
    worker.postMessage(job)
  })
}

/** In the thread: answers jobs one at a time. The columns of an answer are handed over, not copied. */
export function serve<Job, Answer extends object>(work: (job: Job) => Answer): void {
  const port = parentPort as MessagePort
  port.on('message', (job: Job) => {
    const answer = work(job)
    port.postMessage(answer, buffersIn(answer))
  })
}

const buffersIn = (columns: object): ArrayBuffer[] =>
  Object.values(columns)
    .filter((column) => ArrayBuffer.isView(column))
    .map((column) => column.buffer as ArrayBuffer)
