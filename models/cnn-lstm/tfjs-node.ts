import type { Engine } from './engine.ts'
import { BINS, CONTEXT, FEATURES, ROW } from './inputs.ts'
import { topology, type Weights } from './network.ts'
import { loadTfjs } from './tfjs.ts'
import { weightBytes, weightSpecs } from './weights.ts'

/** Larger batches gain nothing more. */
const BATCH = 256

/**
 * TensorFlow as a backend. Equal to the reference within 1e-5, and no more: it chooses its arithmetic by the machine
 * and by the size of the batch. Computes on the thread that asks. Throws `TFJS_NODE_MISSING`.
 */
export async function openTfjs(weights: Weights): Promise<Engine> {
  const tf = await loadTfjs()
  const weightData = weightBytes(weights).buffer
  const model = await tf.loadLayersModel(
    tf.io.fromMemory({ modelTopology: topology(), weightSpecs, weightData }),
  )
  const series = BINS * FEATURES

  function scoreBatch(rows: Float32Array): Float32Array {
    const n = rows.length / ROW
    const ofSeries = new Float32Array(n * series)
    const ofContext = new Float32Array(n * CONTEXT)
    for (let i = 0; i < n; i++) {
      ofSeries.set(rows.subarray(i * ROW, i * ROW + series), i * series)
      ofContext.set(rows.subarray(i * ROW + series, (i + 1) * ROW), i * CONTEXT)
    }
    return tf.tidy(() => {
      const inputs = [tf.tensor(ofSeries, [n, BINS, FEATURES]), tf.tensor(ofContext, [n, CONTEXT])]
      return model.predictOnBatch(inputs).dataSync()
    })
  }

  return {
    async score(rows) {
      const scores = new Float32Array(rows.length / ROW)
      for (let done = 0; done < scores.length; done += BATCH) {
        scores.set(scoreBatch(rows.subarray(done * ROW, (done + BATCH) * ROW)), done)
      }
      return scores
    },
    close: async () => model.dispose(),
  }
}
