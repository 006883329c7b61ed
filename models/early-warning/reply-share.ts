/**
 * The share of replies among a channel's casts, against what is usual for it. Spontaneous casts are posts and begotten
 * ones mostly replies, so that the share rises with the branching ratio, whatever the rate does: a burst from outside
 * lowers it, a cascade raises it.
 */

/** Bins that are judged before they are learned: twice the window, so that what is judged is not its own baseline. */
const LAG = 96
/** Casts that must have been learned before anything is said, and what they are mixed with. */
const LEAST_CASTS = 30
const PRIOR = { casts: 20, share: 0.5, bins: 48 }
/** A bin further than 4 standard deviations from the usual counts as 4. */
const OUTLIER = 4

export type ReplyShare = {
  /** The last LAG bins, by position modulo LAG; NaN where unknown. */
  casts: Float64Array
  replies: Float64Array
  residuals: Float64Array
  pushed: number
  /** Weighted sums over the bins that were learned. */
  sumCasts: number
  sumReplies: number
  n: number
  squares: number
}

export const createReplyShare = (): ReplyShare => ({
  casts: new Float64Array(LAG).fill(Number.NaN),
  replies: new Float64Array(LAG).fill(Number.NaN),
  residuals: new Float64Array(LAG).fill(Number.NaN),
  pushed: 0,
  sumCasts: 0,
  sumReplies: 0,
  n: 0,
  squares: 0,
})

/** The usual share of replies, 0-1; NaN while too little is known. */
export const usualShare = (s: ReplyShare): number =>
  s.sumCasts < LEAST_CASTS
    ? Number.NaN
    : (s.sumReplies + PRIOR.casts * PRIOR.share) / (s.sumCasts + PRIOR.casts)

/**
 * Observes the next bin: `replies` of `casts` (NaN: not known); `memory` is the time constant of what is usual, in bins.
 * Returns the residual (replies - share x casts) over its usual standard deviation; NaN where it can't be said.
 */
export function observeReplyShare(s: ReplyShare, replies: number, casts: number, memory: number): number {
  const at = s.pushed % LAG
  learn(s, at, memory)
  const share = usualShare(s)
  let residual = Number.NaN
  if (!Number.isNaN(share) && !Number.isNaN(casts) && casts >= replies) {
    residual = casts === 0 ? 0 : (replies - share * casts) / Math.sqrt(share * (1 - share) * casts)
  }
  s.casts[at] = casts
  s.replies[at] = replies
  s.residuals[at] = residual
  s.pushed++
  return residual / Math.sqrt((s.squares + PRIOR.bins) / (s.n + PRIOR.bins))
}

/** Learns the bin that is about to be driven out of the ring. */
function learn(s: ReplyShare, at: number, memory: number): void {
  const casts = s.casts[at]!
  if (Number.isNaN(casts)) return
  const decay = 1 - 1 / memory
  s.sumCasts = s.sumCasts * decay + casts
  s.sumReplies = s.sumReplies * decay + s.replies[at]!
  const residual = s.residuals[at]!
  if (casts === 0 || Number.isNaN(residual)) return
  s.n = s.n * decay + 1
  s.squares = s.squares * decay + Math.min(Math.abs(residual), OUTLIER) ** 2
}
