/** What every backend has to compute, against formulas and against one another. */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { BINS, FEATURES, ROW } from './inputs.ts'
import { HIDDEN, STEPS, UNITS, type Weights } from './network.ts'
import { BACKENDS, openScorer, type Scorer } from './scorer.ts'
import { NOT_INSTALLED, randomRows, randomWeights, skipsTfjs, sparseWeights } from './testing.ts'

const withoutTfjs = await skipsTfjs()
const open: Scorer[] = []
afterAll(() => Promise.all(open.map((scorer) => scorer.close())))

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const context = BINS * FEATURES
const row = (...values: [number, number][]): Float32Array => {
  const made = new Float32Array(ROW)
  for (const [at, value] of values) made[at] = value
  return made
}

/** Weights and rows from small to far beyond what there can be, with what the reference makes of them. */
const cases = memo(() =>
  Promise.all(
    [
      { seed: 1, scale: 1, reach: 1 },
      { seed: 2, scale: 1, reach: 3 },
      { seed: 3, scale: 3, reach: 3 },
      { seed: 4, scale: 0.3, reach: 100 },
      { seed: 5, scale: 10, reach: 1e4 },
      { seed: 6, scale: 1, reach: 0 },
    ].map(async ({ seed, scale, reach }) => {
      const weights = randomWeights(seed, scale)
      const rows = randomRows(seed, 70, reach)
      const expected = await (await openScorer('typescript', weights)).score(rows.slice())
      return { weights, rows, expected }
    }),
  ),
)

function memo<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

test('the reference tells its cases apart', async () => {
  const [first, second, third] = await cases()
  for (const { expected } of [first!, second!, third!]) expect(new Set(expected).size).toBeGreaterThan(60)
})

describe.each(BACKENDS)('%s', (backend) => {
  const isMissing = backend === 'tfjs-node' && withoutTfjs
  const name = (what: string): string => (isMissing ? `${what} (${NOT_INSTALLED})` : what)
  const check = test.skipIf(isMissing)
  const opened = async (weights: Weights): Promise<Scorer> => {
    const scorer = await openScorer(backend, weights)
    open.push(scorer)
    return scorer
  }
  const score = async (weights: Weights, ...rows: Float32Array[]): Promise<number[]> =>
    Array.from(await (await opened(weights)).score(Float32Array.from(rows.flatMap((floats) => [...floats]))))

  check(name('an empty network says what its last bias says'), async () => {
    const [even] = await score(sparseWeights(), randomRows(1, 1))
    expect(even).toBe(0.5)
    const [likely] = await score(sparseWeights(['output/bias', 0, 1.5]), randomRows(1, 1))
    expect(likely).toBeCloseTo(sigmoid(1.5), 6)
  })

  check(name('a bin is seen at the taps before and after it: three bins back, four ahead'), async () => {
    // Filter 2 reads tap 7 of feature 1, which is four bins ahead; so bin 4 is seen by bin 0, bin 3 by none.
    const weights = sparseWeights(
      ['conv/kernel', (7 * FEATURES + 1) * 32 + 2, 1],
      // Unit 0 takes in all, forgets nothing, shows all: its cell is the sum of tanh over the steps.
      ['lstm/bias', 0, 40],
      ['lstm/bias', UNITS, 40],
      ['lstm/bias', 3 * UNITS, 40],
      ['lstm/kernel', 2 * 4 * UNITS + 2 * UNITS, 1],
      ['hidden/kernel', 0, 1],
      ['output/kernel', 0, 1],
    )
    const scores = await score(
      weights,
      row([3 * FEATURES + 1, 0.5]),
      row([4 * FEATURES + 1, 0.5]),
      // The greatest of a step's four bins counts, once; a negative one not at all; another feature neither.
      row([8 * FEATURES + 1, 0.25], [9 * FEATURES + 1, 0.75], [10 * FEATURES + 1, -3], [11 * FEATURES, 2]),
      // Two steps add up, the last bin too.
      row([4 * FEATURES + 1, 0.5], [127 * FEATURES + 1, 0.25]),
    )
    const expected = [0, Math.tanh(0.5), Math.tanh(0.75), Math.tanh(0.5) + Math.tanh(0.25)]
    scores.forEach((found, i) => {
      expect(found).toBeCloseTo(sigmoid(Math.tanh(expected[i]!)), 6)
    })
  })

  check(name('the first tap reads three bins back'), async () => {
    const weights = sparseWeights(
      ['conv/kernel', 0, 1],
      ['lstm/bias', 0, 40],
      ['lstm/bias', UNITS, 40],
      ['lstm/bias', 3 * UNITS, 40],
      ['lstm/kernel', 2 * UNITS, 1],
      ['hidden/kernel', 0, 1],
      ['output/kernel', 0, 1],
    )
    const [seen, unseen] = await score(weights, row([124 * FEATURES, 0.5]), row([125 * FEATURES, 0.5]))
    expect(seen).toBeCloseTo(sigmoid(Math.tanh(Math.tanh(0.5))), 6)
    expect(unseen).toBeCloseTo(0.5, 6)
  })

  check(name('gates are input, forget, cell, output'), async () => {
    // With nothing coming in, a cell is a geometric sum.
    const [input, forget, cell, output] = [0.3, 0.9, -0.7, 1.4]
    const unit = 5
    const weights = sparseWeights(
      ['lstm/bias', unit, input],
      ['lstm/bias', UNITS + unit, forget],
      ['lstm/bias', 2 * UNITS + unit, cell],
      ['lstm/bias', 3 * UNITS + unit, output],
      ['hidden/kernel', unit * HIDDEN + 3, -1],
      ['output/kernel', 3, 2],
    )
    const keeps = sigmoid(forget)
    const sum = (sigmoid(input) * Math.tanh(cell) * (1 - keeps ** STEPS)) / (1 - keeps)
    const [found] = await score(weights, randomRows(2, 1))
    expect(found).toBeCloseTo(sigmoid(-2 * sigmoid(output) * Math.tanh(sum)), 6)
  })

  check(name('a state feeds back to the gates of other units'), async () => {
    // Unit 1 holds tanh(0.5) from the first step on; unit 9 takes it in a step later, and sums it.
    const weights = sparseWeights(
      ['lstm/bias', 1, 40],
      ['lstm/bias', UNITS + 1, -40],
      ['lstm/bias', 2 * UNITS + 1, 0.5],
      ['lstm/bias', 3 * UNITS + 1, 40],
      ['lstm/bias', 9, 40],
      ['lstm/bias', UNITS + 9, 40],
      ['lstm/bias', 3 * UNITS + 9, 40],
      ['lstm/recurrent_kernel', 4 * UNITS + 2 * UNITS + 9, 0.01],
      ['hidden/kernel', 9 * HIDDEN, 1],
      ['output/kernel', 0, 1],
    )
    const each = Math.tanh(0.01 * Math.tanh(Math.tanh(0.5)))
    const [found] = await score(weights, randomRows(2, 1))
    expect(found).toBeCloseTo(sigmoid(Math.tanh((STEPS - 1) * each)), 6)
  })

  check(name('the context follows the state'), async () => {
    const weights = sparseWeights(
      ['hidden/kernel', (UNITS + 3) * HIDDEN + 15, 2],
      ['hidden/bias', 15, 0.25],
      ['output/kernel', 15, -0.5],
    )
    const scores = await score(weights, row([context + 3, 1]), row([context + 4, 1]), row([context + 3, -1]))
    expect(scores[0]).toBeCloseTo(sigmoid(-0.5 * 2.25), 6)
    expect(scores[1]).toBeCloseTo(sigmoid(-0.5 * 0.25), 6)
    expect(scores[2]).toBeCloseTo(0.5, 6)
  })

  check(name('equals the reference'), async () => {
    for (const { weights, rows, expected } of await cases()) {
      const found = await (await opened(weights)).score(rows.slice())
      expect(found).toHaveLength(expected.length)
      const apart = found.map((score, i) => Math.abs(score - expected[i]!))
      expect(Math.max(...apart)).toBeLessThan(1e-5)
    }
  })

  check(name('equals the reference whatever the numbers are'), async () => {
    const weights = randomWeights(7)
    const [one, other] = [await opened(weights), await openScorer('typescript', weights)]
    const number = fc.oneof(
      fc.float({ min: -4, max: 4, noNaN: true }),
      fc.constantFrom(0, -0, 1e-40, -1e-40, 1e6, -1e6),
    )
    const floats = fc.array(number, { minLength: ROW, maxLength: ROW, size: 'max' })
    await fc.assert(
      fc.asyncProperty(floats, async (values) => {
        const [a] = await one.score(Float32Array.from(values))
        const [b] = await other.score(Float32Array.from(values))
        expect(Math.abs(a! - b!)).toBeLessThan(1e-5)
      }),
      { numRuns: 50 },
    )
  })

  check(name('none, one and many rows'), async () => {
    const scorer = await opened(randomWeights(8))
    expect(await scorer.score(new Float32Array())).toHaveLength(0)
    const rows = randomRows(8, 300)
    const all = await scorer.score(rows.slice())
    for (const i of [0, 64, 255, 256, 299]) {
      const [alone] = await scorer.score(rows.slice(i * ROW, (i + 1) * ROW))
      expect(Math.abs(alone! - all[i]!)).toBeLessThan(1e-6)
    }
  })

  check(name('refuses what is no row, and what is no number'), async () => {
    const scorer = await opened(randomWeights(9))
    await expect(scorer.score(new Float32Array(ROW + 1))).rejects.toThrow(RangeError)
    const rows = randomRows(9, 2)
    rows[ROW + context + 2] = Number.NaN
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      rows[ROW + context + 2] = value
      await expect(scorer.score(rows.slice())).rejects.toMatchObject({ code: 'SCORER_FAILED' })
    }
    // It goes on with the next question.
    expect(await scorer.score(randomRows(9, 2))).toHaveLength(2)
  })
})

test('all say which model scored', async () => {
  const [one, other] = [
    await openScorer('typescript', randomWeights(1)),
    await openScorer('typescript', randomWeights(2)),
  ]
  expect(one.model).toMatch(/^[0-9a-f]{8}$/)
  expect(one.model).not.toBe(other.model)
  const wasm = await openScorer('wasm', randomWeights(1))
  open.push(wasm)
  expect(wasm.model).toBe(one.model)
})
