/**
 * Platt's calibration: the probability is sigmoid(slope z + shift) for the network's logit z (Platt 1999), fitted by
 * Newton's method on series that it was neither trained nor chosen on, and folded into its last layer.
 */
import type { Weights } from '../cnn-lstm/network.ts'

export type Calibration = { slope: number; shift: number }

const STEPS = 50

/**
 * The maximum of the likelihood, where positives are weighted to be `baseRate` of all. `logits` must not separate the
 * labels wholly: then there is no maximum, and the last step is returned.
 */
export function fitCalibration(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  baseRate: number,
): Calibration {
  const weightOf = baseRateWeights(labels, baseRate)
  let slope = 1
  let shift = 0
  for (let step = 0; step < STEPS; step++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 1e-9, 0, 1e-9]
    for (let i = 0; i < labels.length; i++) {
      const z = logits[i]!
      const p = sigmoid(slope * z + shift)
      const weight = weightOf(labels[i]!)
      const error = weight * (labels[i]! - p)
      const curve = weight * p * (1 - p)
      ga += error * z
      gb += error
      haa += curve * z * z
      hab += curve * z
      hbb += curve
    }
    const determinant = haa * hbb - hab * hab
    const a = (ga * hbb - gb * hab) / determinant
    const b = (gb * haa - ga * hab) / determinant
    slope += a
    shift += b
    if (Math.abs(a) + Math.abs(b) < 1e-9) break
  }
  return { slope, shift }
}

/** The weight of a label with which positives are `baseRate` of all; the weights sum to the number of labels. */
export function baseRateWeights(labels: ArrayLike<number>, baseRate: number): (label: number) => number {
  let positives = 0
  for (let i = 0; i < labels.length; i++) positives += labels[i]!
  const positive = (baseRate * labels.length) / positives
  const negative = ((1 - baseRate) * labels.length) / (labels.length - positives)
  return (label) => (label ? positive : negative)
}

export const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z))

/** The logit of a probability that a float32 holds: those next to 0 and 1 stay finite. */
export function logit(p: number): number {
  const q = Math.min(1 - 2 ** -24, Math.max(2 ** -24, p))
  return Math.log(q / (1 - q))
}

/** The same network with the calibration in its last layer. */
export const foldCalibration = (weights: Weights, { slope, shift }: Calibration): Weights => ({
  ...weights,
  'output/kernel': weights['output/kernel'].map((w) => slope * w),
  'output/bias': weights['output/bias'].map((b) => slope * b + shift),
})
