/**
 * What the CNN-LSTM sees of a series: the last 128 bins as four features each, and eight numbers about the series as a
 * whole. One row holds both, as the scorers take it. All of it is causal, and made by the stream and by training alike.
 */
export const BINS = 128
export const FEATURES = 4
export const CONTEXT = 8
export const ROW = BINS * FEATURES + CONTEXT

/** One bin. Counts are those of the series; `replies` of the channel it belongs to. */
export type BinInput = {
  /** Against the tracked level; NaN where the bin is masked or too little was expected. */
  residual: number
  /** Events expected by the level, and by what is usual over weeks. */
  expected: number
  usual: number
  /** Residual of the share of replies among the channel's casts, about N(0, 1); NaN where it is not known. */
  replies: number
}

/** The series as a whole, at its last bin. */
export type ContextInput = {
  expected: number
  dispersion: number
  usualAutocorrelation: number
  usualVariance: number
  /** Standard deviation of a window's residuals summed, over the square root of its bins. */
  usualExcess: number
  /** Usual share of replies, 0-1; NaN where it is not known. */
  usualReplies: number
}

export type Inputs = {
  /** The last BINS bins, by position modulo BINS: FEATURES values each. */
  ring: Float32Array
  pushed: number
  /** Bins in the ring whose own residual, and whose share of replies, is known. */
  known: number
  repliesKnown: number
}

export const createInputs = (): Inputs => ({
  ring: new Float32Array(BINS * FEATURES),
  pushed: 0,
  known: 0,
  repliesKnown: 0,
})

/** Beyond this many standard deviations a residual says no more. */
const MOST = 12
const SCALE = 4

export function pushInputs(inputs: Inputs, bin: BinInput): void {
  const { ring, pushed } = inputs
  const at = (pushed % BINS) * FEATURES
  const isKnown = !Number.isNaN(bin.residual)
  const repliesAreKnown = !Number.isNaN(bin.replies)
  inputs.known += Number(isKnown) - (ring[at + 3]! >= 1 ? 1 : 0)
  inputs.repliesKnown += Number(repliesAreKnown) - (ring[at + 3]! % 1 > 0 ? 1 : 0)
  ring[at] = isKnown ? clamp(bin.residual) : 0
  ring[at + 1] = Math.log2((bin.expected + 0.5) / (bin.usual + 0.5)) / 2
  ring[at + 2] = repliesAreKnown ? clamp(bin.replies) : 0
  // Both masks in one feature: 1 for the bin, half of it more for its replies.
  ring[at + 3] = Number(isKnown) + Number(repliesAreKnown) / 2
  inputs.pushed++
}

const clamp = (x: number): number => Math.max(-MOST, Math.min(MOST, x)) / SCALE

/** A series is scored once at least half of the bins are known. */
export const isScorable = (inputs: Inputs): boolean => inputs.known >= BINS / 2

/** Writes the row of a series into `rows` at `at`: BINS x FEATURES from the oldest bin on, then the context. */
export function writeRow(inputs: Inputs, context: ContextInput, rows: Float32Array, at: number): void {
  const { ring, pushed } = inputs
  const oldest = (pushed % BINS) * FEATURES
  rows.set(ring.subarray(oldest), at)
  rows.set(ring.subarray(0, oldest), at + ring.length - oldest)
  const of = at + BINS * FEATURES
  rows[of] = Math.log2(context.expected + 0.5) / 4
  rows[of + 1] = Math.log2(1 + context.dispersion * context.expected) / 2
  rows[of + 2] = context.usualAutocorrelation
  rows[of + 3] = Math.log(context.usualVariance)
  rows[of + 4] = Math.log(context.usualExcess)
  rows[of + 5] = Number.isNaN(context.usualReplies) ? 0 : context.usualReplies
  rows[of + 6] = inputs.known / BINS
  rows[of + 7] = inputs.repliesKnown / BINS
}
