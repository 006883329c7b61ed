import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROW } from './inputs.ts'
import { createKernel } from './kernel/kernel.ts'
import { randomRows, randomWeights } from './testing.ts'
import { openWasm } from './wasm.ts'

const weights = randomWeights(31)
const rows = randomRows(31, 300)
const row = (i: number): Float32Array => rows.slice(i * ROW, (i + 1) * ROW)

test('answers are those of the kernel, in the order of the questions', async () => {
  const score = await createKernel(weights)
  const expected = score(rows)
  const scorer = await openWasm(weights)
  // A long one first: the short ones behind it wait.
  const answers = await Promise.all([
    scorer.score(rows.slice()),
    ...Array.from({ length: 100 }, (_, i) => scorer.score(row(i))),
  ])
  expect(answers[0]).toEqual(expected)
  expect(answers.slice(1)).toEqual(Array.from(expected.subarray(0, 100), (one) => Float32Array.of(one)))
  await scorer.close()
})

test('rows that are part of a larger buffer are copied, and the buffer stays', async () => {
  const scorer = await openWasm(weights)
  const part = rows.subarray(5 * ROW, 6 * ROW)
  const shared = new Float32Array(new SharedArrayBuffer(4 * ROW))
  shared.set(part)
  const [own] = await scorer.score(row(5))
  expect(await scorer.score(part)).toEqual(Float32Array.of(own!))
  expect(await scorer.score(shared)).toEqual(Float32Array.of(own!))
  expect(rows).toHaveLength(300 * ROW)
  expect(shared).toHaveLength(ROW)
  await scorer.close()
})

test('what was asked before it is closed is answered, what is asked later is not', async () => {
  const scorer = await openWasm(weights)
  const asked = [scorer.score(rows.slice()), scorer.score(row(1))]
  const closed = scorer.close()
  await expect(scorer.score(row(2))).rejects.toMatchObject({ code: 'SCORER_FAILED' })
  expect((await Promise.all(asked)).map((scores) => scores.length)).toEqual([300, 1])
  await closed
  await expect(scorer.score(row(2))).rejects.toThrow(/it was closed/)
  await scorer.close()
})

test('a failure of the thread fails every question, also later ones', async () => {
  const scorer = await openWasm(weights)
  // What no caller passes: it reaches the thread, and is no array there.
  const buffer = new ArrayBuffer(8)
  const asked = [scorer.score({ buffer, byteLength: 8, length: ROW } as never), scorer.score(row(1))]
  for (const answer of await Promise.allSettled(asked)) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'SCORER_FAILED' } })
  }
  await expect(scorer.score(row(1))).rejects.toThrow(/Scoring has stopped: its thread failed/)
  await scorer.close()
})

test('weights that do not fit fail its opening', async () => {
  const huge = { ...weights, 'output/bias': new Float32Array(1e6) }
  await expect(openWasm(huge)).rejects.toMatchObject({ code: 'SCORER_FAILED' })
})

test('an idle scorer keeps no process alive, an open question does', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fcm-wasm-'))
  const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url))
  await writeFile(
    join(dir, 'program.mjs'),
    `import { openWasm } from ${url('wasm.ts')}
    import { randomRows, randomWeights } from ${url('testing.ts')}
    const scorer = await openWasm(randomWeights(1))
    scorer.score(randomRows(1, 2000)).then((scores) => console.log('answered', scores.length))`,
  )
  const run = spawnSync(process.execPath, [join(dir, 'program.mjs')], { encoding: 'utf8', timeout: 20_000 })
  await rm(dir, { recursive: true })
  expect(run.stderr).not.toContain('Error')
  expect(run.stdout).toBe('answered 2000\n')
  expect(run.status).toBe(0)
})
