import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openThreads } from './threads.ts'

let directory: string
let file: URL

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fcm-threads-'))
  const threads = new URL('threads.ts', import.meta.url).href
  file = pathToFileURL(join(directory, 'worker.mjs'))
  await writeFile(
    file,
    `import { serve } from '${threads}'
     import { threadId } from 'node:worker_threads'
     serve(({ n, wait, pulse }) => {
       if (n < 0) throw new RangeError('no such job')
       if (pulse) Atomics.add(pulse, 0, 1), setInterval(() => Atomics.add(pulse, 0, 1), 1)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, wait)
       return { n, square: Float64Array.of(n * n), id: threadId }
     })`,
  )
})
afterAll(() => rm(directory, { recursive: true }))

type Answer = { n: number; square: Float64Array; id: number }
const all = async (jobs: { n: number; wait: number }[]): Promise<Answer[]> => {
  const threads = openThreads<(typeof jobs)[number], Answer>(file)
  const answers: Answer[] = []
  for await (const answer of threads.answers(jobs)) answers.push(answer)
  await threads.close()
  return answers
}

test('answers come in the order of the jobs, however long each takes', async () => {
  const jobs = Array.from({ length: 20 }, (_, n) => ({ n, wait: n % 3 === 0 ? 20 : 0 }))
  const answers = await all(jobs)
  expect(answers.map(({ n }) => n)).toEqual(jobs.map(({ n }) => n))
  expect(answers[7]!.square).toEqual(Float64Array.of(49))
  expect(await all([])).toEqual([])
})

test('a job that fails ends it with its error', async () => {
  const jobs = Array.from({ length: 12 }, (_, n) => ({ n: n === 3 ? -1 : n, wait: 1 }))
  await expect(all(jobs)).rejects.toThrow('no such job')
  await expect(all([{ n: -1, wait: 0 }])).rejects.toThrow('no such job')
  await expect(all(Array(8).fill({ n: -1, wait: 0 }))).rejects.toThrow('no such job')
})

/** Of threads that are alive it counts on. */
const alive = async (pulse: Int32Array): Promise<boolean> => {
  const before = Atomics.load(pulse, 0)
  for (let i = 0; i < 40; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (Atomics.load(pulse, 0) !== before) return true
  }
  return false
}

test('the same threads answer again, and are gone when closed', async () => {
  const pulse = new Int32Array(new SharedArrayBuffer(4))
  const threads = openThreads<object, Answer>(file)
  const ids = new Set<number>()
  for (const n of [2, 3, 4]) {
    for await (const { square, id } of threads.answers([{ n, wait: 0, pulse }])) {
      expect(square).toEqual(Float64Array.of(n * n))
      ids.add(id)
    }
  }
  expect(ids.size).toBe(1)
  expect(await alive(pulse)).toBe(true)
  await threads.close()
  expect(await alive(pulse)).toBe(false)
})

test('whoever stops listening stops the threads', async () => {
  const pulse = new Int32Array(new SharedArrayBuffer(4))
  const jobs = Array.from({ length: 50 }, (_, n) => ({ n, wait: 1, pulse }))
  for await (const { n } of openThreads<object, Answer>(file).answers(jobs)) if (n === 2) break
  expect(Atomics.load(pulse, 0)).toBeGreaterThan(0)
  expect(await alive(pulse)).toBe(false)
})
