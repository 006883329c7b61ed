import { expect, test } from 'vitest'
import { ROW } from '../cnn-lstm/inputs.ts'
import { sizeOf, WEIGHT_NAMES, type Weights } from '../cnn-lstm/network.ts'
import { createReference } from '../cnn-lstm/reference.ts'
import { createRandom } from '../random.ts'
import { baseRateWeights, fitCalibration, foldCalibration, logit, sigmoid } from './calibrate.ts'

/** Logits and labels for which sigmoid(slope z + shift) is the probability. */
function labelled(slope: number, shift: number) {
  const random = createRandom('calibrate')
  const logits = Float64Array.from({ length: 40_000 }, () => 2 * random.normal())
  return { logits, labels: Array.from(logits, (z) => Number(random.next() < sigmoid(slope * z + shift))) }
}

const rate = (labels: number[]): number => labels.reduce((sum, x) => sum + x, 0) / labels.length

test('finds the slope and the shift by which labels were drawn', () => {
  const { logits, labels } = labelled(0.6, -1)
  const { slope, shift } = fitCalibration(logits, labels, rate(labels))
  expect(slope).toBeCloseTo(0.6, 1)
  expect(shift).toBeCloseTo(-1, 1)
})

test('another base rate shifts the logit by the ratio of the odds', () => {
  const { logits, labels } = labelled(1, 0)
  const { slope, shift } = fitCalibration(logits, labels, 0.1)
  const half = rate(labels)
  expect(slope).toBeCloseTo(1, 1)
  expect(shift).toBeCloseTo(Math.log(0.1 / 0.9) - Math.log(half / (1 - half)), 1)
})

test('weights of a base rate: positives weigh it, all weigh their number', () => {
  const labels = [1, 0, 0, 0]
  const weight = baseRateWeights(labels, 0.1)
  expect(weight(1)).toBeCloseTo(0.4, 12)
  expect(3 * weight(0)).toBeCloseTo(3.6, 12)
})

test('folded into the last layer, the network gives the calibrated probability', () => {
  const random = createRandom('weights')
  const weights = Object.fromEntries(
    WEIGHT_NAMES.map((name) => [
      name,
      Float32Array.from({ length: sizeOf(name) }, () => 0.2 * random.normal()),
    ]),
  ) as Weights
  const rows = Float32Array.from({ length: 5 * ROW }, () => random.normal())
  const plain = createReference(weights)(rows)
  const calibrated = createReference(foldCalibration(weights, { slope: 2.5, shift: -0.75 }))(rows)
  expect(new Set(plain).size).toBe(5)
  for (const [i, p] of plain.entries()) expect(calibrated[i]).toBeCloseTo(sigmoid(2.5 * logit(p) - 0.75), 4)
})

test('the logit of what a float32 rounds to 0 or 1 is finite', () => {
  expect(logit(0)).toBeLessThan(-16)
  expect(logit(1)).toBeGreaterThan(16)
  expect(logit(sigmoid(1.25))).toBeCloseTo(1.25, 9)
})
