/**
 * The network in plain loops and double precision: what it computes, to be read, and what the other backends are
 * tested against.
 */
import { BINS, FEATURES, ROW } from './inputs.ts'
import { FILTERS, PAD, POOL, STEPS, TAPS, UNITS, WEIGHT_NAMES, type Weights } from './network.ts'

type Doubles = Record<keyof Weights, Float64Array>

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const relu = (x: number): number => Math.max(0, x)

/** Scores rows of ROW numbers one after another: the probability of each. */
export function createReference(weights: Weights): (rows: Float32Array) => Float32Array {
  const w = Object.fromEntries(
    WEIGHT_NAMES.map((name) => [name, Float64Array.from(weights[name])]),
  ) as Doubles

  return (rows) => {
    const scores = new Float32Array(rows.length / ROW)
    for (let i = 0; i < scores.length; i++) {
      const row = Float64Array.from(rows.subarray(i * ROW, (i + 1) * ROW))
      const series = row.subarray(0, BINS * FEATURES)
      const context = row.subarray(BINS * FEATURES)
      scores[i] = judge(w, lstm(w, pool(convolve(w, series))), context)
    }
    return scores
  }
}

/** [BINS, FEATURES] to [BINS, FILTERS]: each bin with those around it, and zeros beyond the ends. */
function convolve(w: Doubles, series: Float64Array): Float64Array {
  const padded = new Float64Array((BINS + TAPS - 1) * FEATURES)
  padded.set(series, PAD * FEATURES)
  const out = new Float64Array(BINS * FILTERS)
  for (let bin = 0; bin < BINS; bin++) {
    const around = padded.subarray(bin * FEATURES, (bin + TAPS) * FEATURES)
    const sums = w['conv/bias'].slice()
    addProduct(sums, around, w['conv/kernel'])
    out.set(sums.map(relu), bin * FILTERS)
  }
  return out
}

/** [BINS, FILTERS] to [STEPS, FILTERS]: the greatest of every POOL bins. */
function pool(input: Float64Array): Float64Array {
  const out = new Float64Array(STEPS * FILTERS).fill(-Infinity)
  for (let bin = 0; bin < BINS; bin++) {
    for (let filter = 0; filter < FILTERS; filter++) {
      const at = Math.floor(bin / POOL) * FILTERS + filter
      out[at] = Math.max(out[at]!, input[bin * FILTERS + filter]!)
    }
  }
  return out
}

/** [STEPS, FILTERS] to the last state, [UNITS]. Hochreiter & Schmidhuber 1997, with forget gates (Gers et al. 2000). */
function lstm(w: Doubles, input: Float64Array): Float64Array {
  const state = new Float64Array(UNITS)
  const cell = new Float64Array(UNITS)
  for (let step = 0; step < STEPS; step++) {
    const gates = w['lstm/bias'].slice()
    addProduct(gates, input.subarray(step * FILTERS, (step + 1) * FILTERS), w['lstm/kernel'])
    addProduct(gates, state, w['lstm/recurrent_kernel'])
    for (let unit = 0; unit < UNITS; unit++) {
      const admit = sigmoid(gates[unit]!)
      const forget = sigmoid(gates[UNITS + unit]!)
      const candidate = Math.tanh(gates[2 * UNITS + unit]!)
      const show = sigmoid(gates[3 * UNITS + unit]!)
      const held = forget * cell[unit]! + admit * candidate
      cell[unit] = held
      state[unit] = show * Math.tanh(held)
    }
  }
  return state
}

/** The last state and the context to one probability. */
function judge(w: Doubles, state: Float64Array, context: Float64Array): number {
  const hidden = w['hidden/bias'].slice()
  addProduct(hidden, Float64Array.of(...state, ...context), w['hidden/kernel'])
  const logit = w['output/bias'].slice()
  addProduct(logit, hidden.map(relu), w['output/kernel'])
  return sigmoid(logit[0]!)
}

/** sums += x * matrix; the matrix is row-major, [x.length, sums.length]. */
function addProduct(sums: Float64Array, x: Float64Array, matrix: Float64Array): void {
  const columns = sums.length
  for (let column = 0; column < columns; column++) {
    let sum = sums[column]!
    for (let k = 0; k < x.length; k++) sum += x[k]! * matrix[k * columns + column]!
    sums[column] = sum
  }
}
