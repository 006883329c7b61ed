import { expect, test } from 'vitest'
import { BINS, FEATURES, ROW } from '../cnn-lstm/inputs.ts'
import type { Scorer } from '../cnn-lstm/scorer.ts'
import { evaluate, MEANS, SCORE, SCORE_WITHOUT } from './evaluate.ts'

/** Scores by the last three hours' share of replies: the network's row is what it reads. */
const byReplies: Scorer = {
  backend: 'typescript',
  model: '00000000',
  async score(rows) {
    return Float32Array.from({ length: rows.length / ROW }, (_, i) => {
      let sum = 0
      for (let t = BINS - 36; t < BINS; t++) sum += rows[i * ROW + t * FEATURES + 2]!
      return 1 / (1 + Math.exp(-sum / 20))
    })
  },
  close: async () => {},
}

const shares: number[] = []
const result = evaluate({
  scorer: byReplies,
  seed: 1,
  families: ['hawkes'],
  series: 24,
  onProgress: (share) => shares.push(share),
})

test('areas by family and mean: a score by replies tells much with them, nothing without', async () => {
  const { areas, model } = await result
  expect(model).toBe('00000000')
  expect(areas.map(({ family, mean }) => [family, mean])).toEqual(MEANS.map((mean) => ['hawkes', mean]))
  let sum = 0
  for (const { compared, positives, negatives } of areas) {
    const area = (name: string) => compared.find((c) => c.name === name)!.auc
    expect(area(SCORE_WITHOUT)).toEqual({ value: 0.5, low: 0.5, high: 0.5 })
    expect(area(SCORE).low).toBeLessThan(area(SCORE).value)
    expect(positives).toBeGreaterThan(2)
    expect(negatives).toBeGreaterThan(positives)
    sum += area(SCORE).value
  }
  expect(sum / areas.length).toBeGreaterThan(0.7)
})

test('the score against each kind alone', async () => {
  const { kinds } = await result
  const names = kinds.map(({ kind }) => kind)
  expect(names).toContain('ramp')
  expect(names).not.toContain('tipping')
  for (const { without, kind } of kinds)
    if (!Number.isNaN(without)) expect([kind, without]).toEqual([kind, 0.5])
})

test('warnings at one budget: a value that is always the same never warns', async () => {
  const { warned } = await result
  const of = (name: string) => warned.find((w) => w.name === name)!
  expect(of(SCORE).found).toBeGreaterThan(0.2)
  expect(of(SCORE).leadHours).toBeGreaterThan(0)
  expect(of(SCORE).quiet).toBeLessThan(0.5)
  expect(of(SCORE_WITHOUT).found).toBe(0)
})

test('reliability: every moment of the trained family is in one interval of scores', async () => {
  const { areas, reliability } = await result
  const moments = areas
    .filter(({ family }) => family === 'hawkes')
    .reduce((sum, { positives, negatives }) => sum + positives + negatives, 0)
  expect(reliability.reduce((sum, bin) => sum + bin.moments, 0)).toBe(moments)
  for (const { from, to, score, moments } of reliability) {
    if (moments === 0) continue
    expect(score).toBeGreaterThanOrEqual(from)
    expect(score).toBeLessThanOrEqual(to)
  }
})

test('progress grows to its end', async () => {
  await result
  expect(shares).toEqual([...shares].sort((a, b) => a - b))
  expect(shares.at(-1)).toBeCloseTo(1, 9)
})
