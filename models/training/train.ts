/**
 * Trains the network with TensorFlow. Series, their order and the first weights are those of the seed, bit for bit; the
 * sums of TensorFlow's threads are not, so that two trainings agree in their figures, not in their weights' last digits.
 */

import { auc } from '../auc.ts'
import { BINS, CONTEXT, FEATURES, ROW } from '../cnn-lstm/inputs.ts'
import { buildNetwork, type Weights } from '../cnn-lstm/network.ts'
import { openScorer } from '../cnn-lstm/scorer.ts'
import type { LayersModel, Tf } from '../cnn-lstm/tfjs.ts'
import { weightsOf } from '../cnn-lstm/weights.ts'
import { createRandom } from '../random.ts'
import { type Calibration, fitCalibration, foldCalibration, logit } from './calibrate.ts'
import type { Dataset } from './dataset.ts'

/** Of the windows that are looked at, the share that the calibrated score takes to be on their way to a cascade. */
export const BASE_RATE = 0.1

const BATCH = 256
const RATE = { first: 2.5e-3, last: 2e-5 }
/** Epochs without a lower validation loss after which it ends. */
const PATIENCE = 4
const SERIES = BINS * FEATURES

export type Epoch = { epoch: number; loss: number; validationLoss: number; validationAuc: number }

export type TrainOptions = {
  tf: Tf
  seed: number
  epochs: number
  train: Dataset
  /** Chooses the epoch. */
  validation: Dataset
  /** Calibrates the score. */
  calibration: Dataset
  /** `share`: of the training, 0-1. */
  onBatch?: (share: number) => void
  onEpoch?: (epoch: Epoch) => void
}

export type Trained = { weights: Weights; epochs: Epoch[]; best: Epoch; calibration: Calibration }

export async function train(options: TrainOptions): Promise<Trained> {
  const { tf, seed, epochs, validation } = options
  const model = await buildNetwork(tf, seed)
  const optimizer = tf.train.adam(RATE.first)
  model.compile({ optimizer, loss: 'binaryCrossentropy' })
  const random = createRandom(`order ${seed}`)
  const size = options.train.labels.length
  const batches = Math.floor(size / BATCH)
  const done: Epoch[] = []
  let best: { epoch: Epoch; weights: Weights } | null = null

  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = shuffled(size, (n) => random.int(n))
    let loss = 0
    for (let batch = 0; batch < batches; batch++) {
      const share = (epoch - 1 + batch / batches) / epochs
      // From the first to the last rate along a cosine (Loshchilov & Hutter 2017).
      optimizer.learningRate = RATE.last + (RATE.first - RATE.last) * (0.5 + 0.5 * Math.cos(Math.PI * share))
      loss += await trainBatch(tf, model, options.train, order.subarray(batch * BATCH, (batch + 1) * BATCH))
      options.onBatch?.(share)
    }
    const weights = weightsOf(model)
    const scores = await scoreWith(weights, validation.rows)
    const result = {
      epoch,
      loss: loss / batches,
      validationLoss: logLoss(scores, validation.labels),
      validationAuc: auc(scores, validation.labels),
    }
    done.push(result)
    options.onEpoch?.(result)
    if (!best || result.validationLoss < best.epoch.validationLoss) best = { epoch: result, weights }
    if (epoch - best.epoch.epoch >= PATIENCE) break
  }
  model.dispose()
  optimizer.dispose()

  const { epoch, weights } = best!
  const { rows, labels } = options.calibration
  const logits = Float64Array.from(await scoreWith(weights, rows), logit)
  const calibration = fitCalibration(logits, labels, BASE_RATE)
  return { weights: foldCalibration(weights, calibration), epochs: done, best: epoch, calibration }
}

async function trainBatch(
  tf: Tf,
  model: LayersModel,
  { rows, labels }: Dataset,
  chosen: Uint32Array,
): Promise<number> {
  const series = new Float32Array(chosen.length * SERIES)
  const context = new Float32Array(chosen.length * CONTEXT)
  chosen.forEach((row, i) => {
    series.set(rows.subarray(row * ROW, row * ROW + SERIES), i * SERIES)
    context.set(rows.subarray(row * ROW + SERIES, (row + 1) * ROW), i * CONTEXT)
  })
  const inputs = [
    tf.tensor(series, [chosen.length, BINS, FEATURES]),
    tf.tensor(context, [chosen.length, CONTEXT]),
  ]
  const target = tf.tensor(
    Float32Array.from(chosen, (row) => labels[row]!),
    [chosen.length, 1],
  )
  const loss = await model.trainOnBatch(inputs, target)
  for (const tensor of [...inputs, target]) tensor.dispose()
  return loss as number
}

async function scoreWith(weights: Weights, rows: Float32Array): Promise<Float32Array> {
  const scorer = await openScorer('tfjs-node', weights)
  try {
    return await scorer.score(rows)
  } finally {
    await scorer.close()
  }
}

/** Mean negative log-likelihood of the labels. */
export function logLoss(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < labels.length; i++) {
    const p = Math.min(1 - 2 ** -24, Math.max(2 ** -24, probabilities[i]!))
    sum -= Math.log(labels[i] ? p : 1 - p)
  }
  return sum / labels.length
}

function shuffled(size: number, int: (n: number) => number): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, i) => i)
  for (let i = size - 1; i > 0; i--) {
    const j = int(i + 1)
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
  return order
}
