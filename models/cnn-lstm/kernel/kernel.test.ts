import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ROW } from '../inputs.ts'
import { randomRows, randomWeights, sparseWeights } from '../testing.ts'
import { compileKernel, KERNEL } from './compile.ts'
import { createKernel } from './kernel.ts'

const bits = (scores: Float32Array): number[] => Array.from(new Uint32Array(scores.slice().buffer))

test('kernel.wasm is what its source compiles to, within a few kilobytes', async () => {
  const compiled = Buffer.from(await compileKernel())
  const committed = await readFile(KERNEL)
  expect(compiled.equals(committed), 'run node models/cnn-lstm/kernel/compile.ts').toBe(true)
  expect(committed.length).toBeLessThan(8192)
})

test('the same bits on every machine', async () => {
  const score = await createKernel(randomWeights(11))
  const scores = score(randomRows(11, 256))
  // x86-64 with and without AVX, and ARM64, give these. Weights and rows are made by integer arithmetic and products alone.
  expect(createHash('sha256').update(new Uint8Array(scores.buffer)).digest('hex').slice(0, 16)).toBe(
    '76aa05b6aa1e6913',
  )
})

test('the same bits whatever the batch, the place in it, and the neighbours', async () => {
  const score = await createKernel(randomWeights(12))
  const rows = randomRows(12, 1000)
  const all = bits(score(rows))
  for (const size of [1, 7, 64, 65, 1000]) {
    const parts: number[] = []
    for (let at = 0; at < 1000; at += size)
      parts.push(...bits(score(rows.subarray(at * ROW, (at + size) * ROW))))
    expect(parts, `in batches of ${size}`).toEqual(all)
  }
  const wild = randomRows(13, 1, 1e6)
  fc.assert(
    fc.property(fc.array(fc.nat(999), { minLength: 1, maxLength: 150 }), (picked) => {
      // Every other row is a wild one, which leaves nothing behind.
      const mixed = picked.flatMap((i) => [rows.subarray(i * ROW, (i + 1) * ROW), wild])
      const batch = new Float32Array(mixed.length * ROW)
      mixed.forEach((row, i) => {
        batch.set(row, i * ROW)
      })
      expect(bits(score(batch)).filter((_, i) => i % 2 === 0)).toEqual(picked.map((i) => all[i]))
    }),
    { numRuns: 20 },
  )
})

test('two kernels of different weights keep apart', async () => {
  const [one, other] = [await createKernel(randomWeights(1)), await createKernel(randomWeights(2))]
  const rows = randomRows(1, 3)
  const before = bits(one(rows))
  expect(bits(other(rows))).not.toEqual(before)
  expect(bits(one(rows))).toEqual(before)
})

test('leaves the rows as they are', async () => {
  const score = await createKernel(randomWeights(1))
  const rows = randomRows(1, 70)
  const before = rows.slice()
  score(rows)
  expect(rows).toEqual(before)
})

/** Rows whose one context number is `x`, made to pass through the network as it is. */
const through = (xs: number[]): Float32Array => {
  const rows = new Float32Array(xs.length * ROW)
  xs.forEach((x, i) => {
    rows[i * ROW + ROW - 8] = x
  })
  return rows
}

test('sigmoid is right to 2e-7, and small ones to as many parts of themselves', async () => {
  // Two hidden units carry the positive and the negative part.
  const score = await createKernel(
    sparseWeights(
      ['hidden/kernel', 24 * 16, 1],
      ['hidden/kernel', 24 * 16 + 1, -1],
      ['output/kernel', 0, 1],
      ['output/kernel', 1, -1],
    ),
  )
  const xs = Array.from({ length: 8001 }, (_, i) => Math.fround((i - 4000) / 46))
  const scores = score(through(xs))
  let absolute = 0
  let relative = 0
  xs.forEach((x, i) => {
    const truth = 1 / (1 + Math.exp(-x))
    const error = Math.abs(scores[i]! - truth)
    absolute = Math.max(absolute, error)
    if (x > -86) relative = Math.max(relative, error / truth)
  })
  expect(absolute).toBeLessThan(2e-7)
  expect(relative).toBeLessThan(1e-6)
  // A greater logit never has a smaller score, as far as floats can tell.
  const steps = Array.from(scores.subarray(1), (score, i) => score - scores[i]!)
  expect(Math.min(...steps)).toBeGreaterThan(-2e-7)
  // Beyond the reach of e^x in floats there are neither infinities nor what is no number.
  const [likely, unlikely] = score(through([3e38, -3e38]))
  expect(likely).toBe(1)
  expect(unlikely).toBeCloseTo(Math.exp(-87), 44)
})
