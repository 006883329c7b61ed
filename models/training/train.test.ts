import { expect, test } from 'vitest'
import { auc } from '../auc.ts'
import { createReference } from '../cnn-lstm/reference.ts'
import { loadTfjs, type Tf } from '../cnn-lstm/tfjs.ts'
import { baseRateWeights } from './calibrate.ts'
import { makeDataset } from './dataset.ts'
import { BASE_RATE, logLoss, train } from './train.ts'

const tf: Tf | null = await loadTfjs().catch(() => null)

test('the log-loss of a coin is log 2, of what is sure and right 0', () => {
  expect(logLoss([0.5, 0.5], [1, 0])).toBeCloseTo(Math.log(2), 12)
  expect(logLoss([1, 0], [1, 0])).toBeLessThan(1e-6)
  expect(logLoss([0], [1])).toBeLessThan(17)
})

test('TensorFlow is there to train with, where it must be', () => {
  if (process.env.CI) expect(tf).not.toBeNull()
})

test.skipIf(!tf)('a short training tells more than chance, and is calibrated', async () => {
  const data = (seed: string, series: number) => makeDataset({ seed, family: 'hawkes', from: 0, to: series })
  const sets = { train: data('t', 450), validation: data('v', 60), calibration: data('c', 60) }
  const shares: number[] = []
  const onBatch = (share: number): void => void shares.push(share)
  const { epochs, best, weights } = await train({ tf: tf!, seed: 1, epochs: 4, ...sets, onBatch })
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4])
  expect(best.validationLoss).toBe(Math.min(...epochs.map((e) => e.validationLoss)))
  expect(Math.max(...shares)).toBeLessThan(1)
  expect(shares).toEqual([...shares].sort((a, b) => a - b))

  const { rows, labels } = sets.calibration
  const scores = createReference(weights)(rows)
  expect(auc(scores, labels)).toBeGreaterThan(0.6)
  // In the mean it is the base rate that was asked for, where the windows are weighted to have it.
  const weight = baseRateWeights(labels, BASE_RATE)
  const mean = scores.reduce((sum, p, i) => sum + weight(labels[i]!) * p, 0) / scores.length
  expect(mean).toBeCloseTo(BASE_RATE, 3)
})
