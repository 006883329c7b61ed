/**
 * The network as a WebAssembly kernel (AssemblyScript; compile.ts makes kernel.wasm of it). Only IEEE single operations
 * in a fixed order, four lanes wide: no fused multiply-add, no relaxed SIMD, no function of the host. So a row's score
 * has the same bits on every machine, and whatever stands beside it.
 *
 * Memory, in floats from address 0: weights in the order of network.ts, but the columns of the LSTM's matrices and bias
 * regrouped (pack() in kernel.ts): the four gates of units 0-3, then those of units 4-7, and so on.
 */
const FLOAT: usize = 4

const BINS: usize = 128
const FEATURES: usize = 4
const CONTEXT: usize = 8
const ROW: usize = BINS * FEATURES + CONTEXT
const FILTERS: usize = 32
const TAPS: usize = 8
const PAD: usize = 3
const POOL: usize = 4
const STEPS: usize = 32
const UNITS: usize = 24
const GATES: usize = 4 * UNITS
const HIDDEN: usize = 16

/** What every product of matrices here sums over: TAPS * FEATURES, and FILTERS. */
const INNER: usize = 32

const CONV_KERNEL: usize = 0
const CONV_BIAS: usize = CONV_KERNEL + INNER * FILTERS * FLOAT
const LSTM_KERNEL: usize = CONV_BIAS + FILTERS * FLOAT
const RECURRENT: usize = LSTM_KERNEL + INNER * GATES * FLOAT
const LSTM_BIAS: usize = RECURRENT + UNITS * GATES * FLOAT
const HIDDEN_KERNEL: usize = LSTM_BIAS + GATES * FLOAT
const HIDDEN_BIAS: usize = HIDDEN_KERNEL + (UNITS + CONTEXT) * HIDDEN * FLOAT
const OUTPUT_KERNEL: usize = HIDDEN_BIAS + HIDDEN * FLOAT
const OUTPUT_BIAS: usize = OUTPUT_KERNEL + HIDDEN * FLOAT

/** Of one row: the series between zeros, the convolution, its pooled half, the gates' input, states and cells. */
const PADDED: usize = OUTPUT_BIAS + 4 * FLOAT
const CONVOLVED: usize = PADDED + (BINS + TAPS) * FEATURES * FLOAT
const POOLED: usize = CONVOLVED + BINS * FILTERS * FLOAT
const PROJECTED: usize = POOLED + STEPS * FILTERS * FLOAT
/** Two states take turns; the last one is written to the first, where the context follows it. */
const STATE: usize = PROJECTED + STEPS * GATES * FLOAT
const OTHER_STATE: usize = STATE + (UNITS + CONTEXT) * FLOAT
const CELL: usize = OTHER_STATE + UNITS * FLOAT

export const WEIGHTS: usize = 0
export const MOST_ROWS: usize = 64
export const ROWS: usize = CELL + UNITS * FLOAT
export const SCORES: usize = ROWS + MOST_ROWS * ROW * FLOAT

/** Scores the first `count` rows at ROWS, up to MOST_ROWS, into SCORES. */
export function score(count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    f32.store(SCORES + i * FLOAT, scoreRow(ROWS + i * ROW * FLOAT))
  }
}

function scoreRow(row: usize): f32 {
  // The zeros around it are never written to.
  memory.copy(PADDED + PAD * FEATURES * FLOAT, row, BINS * FEATURES * FLOAT)
  // A convolution is a product of matrices, whose rows overlap: each begins one bin after the one before.
  multiply(PADDED, BINS, FEATURES, CONV_KERNEL, CONV_BIAS, FILTERS, CONVOLVED)
  pool()
  multiply(POOLED, STEPS, FILTERS, LSTM_KERNEL, LSTM_BIAS, GATES, PROJECTED)
  memory.fill(STATE, 0, UNITS * FLOAT)
  memory.fill(CELL, 0, UNITS * FLOAT)
  for (let step: usize = 0; step < STEPS; step += 2) {
    advance(PROJECTED + step * GATES * FLOAT, STATE, OTHER_STATE)
    advance(PROJECTED + (step + 1) * GATES * FLOAT, OTHER_STATE, STATE)
  }
  memory.copy(STATE + UNITS * FLOAT, row + BINS * FEATURES * FLOAT, CONTEXT * FLOAT)
  return judge()
}

/**
 * out[rows, columns] = bias + x[rows, INNER] * w[INNER, columns]; the rows of x begin `stride` floats apart. Rows are
 * taken by 4 and columns by 8: the eight sums, two weights and one number of x stay in registers.
 */
function multiply(
  x: usize,
  rows: usize,
  stride: usize,
  w: usize,
  bias: usize,
  columns: usize,
  out: usize,
): void {
  const below = stride * FLOAT
  const wide = columns * FLOAT
  for (let column: usize = 0; column < wide; column += 8 * FLOAT) {
    const leftBias = v128.load(bias + column)
    const rightBias = v128.load(bias + column, 16)
    for (let row: usize = 0; row < rows; row += 4) {
      let left0 = leftBias
      let left1 = leftBias
      let left2 = leftBias
      let left3 = leftBias
      let right0 = rightBias
      let right1 = rightBias
      let right2 = rightBias
      let right3 = rightBias
      let x0 = x + row * below
      let x1 = x0 + below
      let x2 = x1 + below
      let x3 = x2 + below
      let weights = w + column
      const end = weights + INNER * wide
      while (weights < end) {
        const left = v128.load(weights)
        const right = v128.load(weights, 16)
        const y0 = v128.load_splat<f32>(x0)
        left0 = f32x4.add(left0, f32x4.mul(y0, left))
        right0 = f32x4.add(right0, f32x4.mul(y0, right))
        const y1 = v128.load_splat<f32>(x1)
        left1 = f32x4.add(left1, f32x4.mul(y1, left))
        right1 = f32x4.add(right1, f32x4.mul(y1, right))
        const y2 = v128.load_splat<f32>(x2)
        left2 = f32x4.add(left2, f32x4.mul(y2, left))
        right2 = f32x4.add(right2, f32x4.mul(y2, right))
        const y3 = v128.load_splat<f32>(x3)
        left3 = f32x4.add(left3, f32x4.mul(y3, left))
        right3 = f32x4.add(right3, f32x4.mul(y3, right))
        x0 += FLOAT
        x1 += FLOAT
        x2 += FLOAT
        x3 += FLOAT
        weights += wide
      }
      let to = out + row * wide + column
      v128.store(to, left0)
      v128.store(to, right0, 16)
      to += wide
      v128.store(to, left1)
      v128.store(to, right1, 16)
      to += wide
      v128.store(to, left2)
      v128.store(to, right2, 16)
      to += wide
      v128.store(to, left3)
      v128.store(to, right3, 16)
    }
  }
}

/** The greatest of every POOL bins, and of 0: pooling and the rectifier may change places. */
function pool(): void {
  const wide = FILTERS * FLOAT
  for (let step: usize = 0; step < STEPS; step++) {
    for (let at: usize = 0; at < wide; at += 16) {
      const from = CONVOLVED + step * POOL * wide + at
      let most = f32x4.splat(0)
      for (let bin: usize = 0; bin < POOL; bin++) most = f32x4.pmax(most, v128.load(from + bin * wide))
      v128.store(POOLED + step * wide + at, most)
    }
  }
}

/** One step of the LSTM, eight units at a time. `gates` holds their bias and the step's input already. */
function advance(gates: usize, state: usize, next: usize): void {
  for (let unit: usize = 0; unit < UNITS; unit += 8) {
    const column = unit * 4 * FLOAT
    const from = gates + column
    let admit0 = v128.load(from)
    let forget0 = v128.load(from, 16)
    let candidate0 = v128.load(from, 32)
    let show0 = v128.load(from, 48)
    let admit1 = v128.load(from, 64)
    let forget1 = v128.load(from, 80)
    let candidate1 = v128.load(from, 96)
    let show1 = v128.load(from, 112)
    let weights = RECURRENT + column
    for (let k: usize = 0; k < UNITS; k++) {
      const h = v128.load_splat<f32>(state + k * FLOAT)
      admit0 = f32x4.add(admit0, f32x4.mul(h, v128.load(weights)))
      forget0 = f32x4.add(forget0, f32x4.mul(h, v128.load(weights, 16)))
      candidate0 = f32x4.add(candidate0, f32x4.mul(h, v128.load(weights, 32)))
      show0 = f32x4.add(show0, f32x4.mul(h, v128.load(weights, 48)))
      admit1 = f32x4.add(admit1, f32x4.mul(h, v128.load(weights, 64)))
      forget1 = f32x4.add(forget1, f32x4.mul(h, v128.load(weights, 80)))
      candidate1 = f32x4.add(candidate1, f32x4.mul(h, v128.load(weights, 96)))
      show1 = f32x4.add(show1, f32x4.mul(h, v128.load(weights, 112)))
      weights += GATES * FLOAT
    }
    open(admit0, forget0, candidate0, show0, unit * FLOAT, next)
    open(admit1, forget1, candidate1, show1, (unit + 4) * FLOAT, next)
  }
}

/** The gates of four units at work on their cells. */
function open(admit: v128, forget: v128, candidate: v128, show: v128, at: usize, next: usize): void {
  const kept = f32x4.mul(sigmoid(forget), v128.load(CELL + at))
  const cell = f32x4.add(kept, f32x4.mul(sigmoid(admit), tanh(candidate)))
  v128.store(CELL + at, cell)
  v128.store(next + at, f32x4.mul(sigmoid(show), tanh(cell)))
}

/** The last state and the context, which follows it, to one probability. */
function judge(): f32 {
  let sum = f32x4.splat(0)
  for (let column: usize = 0; column < HIDDEN * FLOAT; column += 16) {
    let hidden = v128.load(HIDDEN_BIAS + column)
    for (let k: usize = 0; k < UNITS + CONTEXT; k++) {
      const x = v128.load_splat<f32>(STATE + k * FLOAT)
      hidden = f32x4.add(hidden, f32x4.mul(x, v128.load(HIDDEN_KERNEL + k * HIDDEN * FLOAT + column)))
    }
    hidden = f32x4.pmax(f32x4.splat(0), hidden)
    sum = f32x4.add(sum, f32x4.mul(hidden, v128.load(OUTPUT_KERNEL + column)))
  }
  const first = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1)
  const second = f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3)
  const logit = f32.load(OUTPUT_BIAS) + (first + second)
  return f32x4.extract_lane(sigmoid(f32x4.splat(logit)), 0)
}

/** 1 / (1 + e^-x): within 2e-7 of the truth, by a ratio also where it is small, down to e^-87. */
function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1)
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))))
}

/** 1 - 2 / (1 + e^2x): within 3e-7 of the truth. */
function tanh(x: v128): v128 {
  const one = f32x4.splat(1)
  return f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(one, exp(f32x4.add(x, x)))))
}

/**
 * e^x as 2^n e^r, n whole and |r| up to ln 2 / 2, by the series of e^r up to r^6 (what is left out: 1.2e-7). ln 2 is
 * taken off in two parts (Cody & Waite 1980), the first so short that its product with n is exact.
 */
function exp(x: v128): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87)), f32x4.splat(87))
  const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(f32(Math.LOG2E))))
  const rough = f32x4.sub(bounded, f32x4.mul(n, f32x4.splat(0.693359375)))
  const r = f32x4.sub(rough, f32x4.mul(n, f32x4.splat(-2.1219444005469057e-4)))
  let sum = f32x4.splat(1 / 720)
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1 / 120))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1 / 24))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1 / 6))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1 / 2))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1))
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return f32x4.mul(sum, power)
}
