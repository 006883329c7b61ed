import { readFile } from 'node:fs/promises'
import { ROW } from '../inputs.ts'
import { UNITS, WEIGHT_NAMES, type Weights } from '../network.ts'

/** Scores rows of ROW floats one after another: the probability of each, the same bits for the same row everywhere. */
export type Kernel = (rows: Float32Array) => Float32Array<ArrayBuffer>

type Exports = Record<'WEIGHTS' | 'ROWS' | 'SCORES' | 'MOST_ROWS', { value: number }> & {
  memory: { buffer: ArrayBuffer }
  score(count: number): void
}

/** As far as it is used here: the types of Node and of ECMAScript leave it to the browser's. */
declare const WebAssembly: {
  instantiate(wasm: Uint8Array): Promise<{ instance: { exports: Exports } }>
}

export async function createKernel(weights: Weights): Promise<Kernel> {
  const wasm = await readFile(new URL('kernel.wasm', import.meta.url))
  const { instance } = await WebAssembly.instantiate(wasm)
  const { memory, WEIGHTS, ROWS, SCORES, MOST_ROWS, score } = instance.exports
  const most = MOST_ROWS.value
  new Float32Array(memory.buffer, WEIGHTS.value).set(pack(weights))
  const input = new Float32Array(memory.buffer, ROWS.value, most * ROW)
  const output = new Float32Array(memory.buffer, SCORES.value, most)

  return (rows) => {
    const scores = new Float32Array(rows.length / ROW)
    for (let done = 0; done < scores.length; done += most) {
      const chunk = rows.subarray(done * ROW, (done + most) * ROW)
      input.set(chunk)
      score(chunk.length / ROW)
      scores.set(output.subarray(0, chunk.length / ROW), done)
    }
    return scores
  }
}

/** As the kernel wants them: all in a row, the columns of the LSTM regrouped so that four units' gates stand together. */
function pack(weights: Weights): Float32Array {
  return Float32Array.from(
    WEIGHT_NAMES.flatMap((name) => {
      const values = weights[name]
      return Array.from(name.startsWith('lstm/') ? values.map((_, at) => values[source(at)]!) : values)
    }),
  )
}

/** Where the float comes from that goes to `at` in a matrix of the LSTM. */
function source(at: number): number {
  const column = at % (4 * UNITS)
  const gate = (column >> 2) & 3
  const unit = (column >> 4) * 4 + (column & 3)
  return at - column + gate * UNITS + unit
}
