/** The share of replies among a channel's casts, bin by bin, which every series of the channel is read with. */
import { BASE, BASE_SECONDS, RESOLUTIONS } from '../../../common/time.ts'
import { createReplyShare, observeReplyShare, usualShare } from '../../../models/early-warning/reply-share.ts'
import { PREPROCESSING } from '../../../models/early-warning/tracker.ts'
import { type BinClosed, MEASURES } from '../../../schemas/records.ts'
import type { Channel } from './channel.ts'
import { addToSum, createSum } from './series.ts'

const CASTS = MEASURES.indexOf('casts')
const REPLIES = MEASURES.indexOf('replies')
const UNKNOWN = RESOLUTIONS.map(() => Number.NaN)

/**
 * Residuals of the share of replies in the bins that close with a record, by resolution; NaN where not known. Only a record
 * that closes a bin of casts speaks of it, once: other measures may close in records of their own.
 */
export function observeReplies(channel: Channel, { start, bins }: BinClosed): number[] {
  const casts = bins.find(({ measure }) => measure === 'casts')
  const series = channel.series[CASTS]
  if (!casts || (series && start < series.next)) return UNKNOWN
  const replies = bins.find(({ measure }) => measure === 'replies')
  // Casts are covered where replies are: a series of these that has not begun, or is idle, stands for zeros.
  const none = !channel.series[REPLIES] || channel.series[REPLIES].idle
  const masked = casts.masked || (replies ? replies.masked : !none)
  return RESOLUTIONS.map((seconds, i) => {
    if (!series?.scales[i]?.tracker.window) {
      channel.replies[i] = null
      return Number.NaN
    }
    channel.replies[i] ??= { share: createReplyShare(), casts: createSum(), replies: createSum() }
    const of = channel.replies[i]
    addToSum(of.casts, seconds, start, 1, casts.count, masked)
    addToSum(of.replies, seconds, start, 1, replies?.count ?? 0, masked)
    if ((start + BASE) % (seconds * 1000) !== 0) return Number.NaN
    const isWhole = !of.casts.masked && of.casts.bins === seconds / BASE_SECONDS
    const unknown = isWhole ? 0 : Number.NaN
    const residual = observeReplyShare(
      of.share,
      of.replies.count + unknown,
      of.casts.count + unknown,
      PREPROCESSING.memory[seconds],
    )
    of.casts.bins = 0
    of.replies.bins = 0
    return residual
  })
}

/**
 * The usual share, by resolution, for the series that close with a record; NaN where it is not known. What closes without
 * casts, as posts do where a source polls, knows nothing of replies: the network was trained to be told nothing then, and a
 * share beside a window without one is what it has never seen.
 */
export const usualReplies = (channel: Channel, { bins }: BinClosed): number[] =>
  bins.some(({ measure }) => measure === 'casts')
    ? channel.replies.map((of) => (of ? usualShare(of.share) : Number.NaN))
    : UNKNOWN
