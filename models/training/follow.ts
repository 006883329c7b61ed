/** Takes a simulated series through the runtime's own preprocessing: what the network is trained on is what it will see. */
import { BASE, BASE_SECONDS } from '../../common/time.ts'
import { isScorable, writeRow } from '../cnn-lstm/inputs.ts'
import { createProfile, expected, learnProfile, meanOf, shape } from '../early-warning/expected.ts'
import { createReplyShare, observeReplyShare, usualShare } from '../early-warning/reply-share.ts'
import {
  createTracker,
  observe,
  openWindow,
  PREPROCESSING,
  type Reading,
  type Tracker,
} from '../early-warning/tracker.ts'
import type { Series } from '../simulation/series/series.ts'

export type View = {
  /** What is counted. */
  measure: 'casts' | 'replies' | 'posts'
  /** Whether the source tells which casts are replies. */
  repliesKnown: boolean
}

export type Seen = {
  bin: number
  reading: Reading
  tracker: Tracker
  /** Whether the stream would score here. */
  scorable: boolean
  /** Writes the network's row. */
  write(rows: Float32Array, at: number): void
}

/** A window is kept from this many expected events on, as in the stream. */
const WARM = 1
/** Bins of history, covered bins and expected events from which on the stream judges a series. */
const LEAST = { bins: 2 * PREPROCESSING.window, covered: 288, expected: 2 }

/** Every covered bin of the series from `from` on, as the stream reads it, in order. */
export function* follow(series: Series, view: View, from = 0): Generator<Seen> {
  const { posts, replies, masked, start } = series
  const { measure, repliesKnown } = view
  const memory = PREPROCESSING.memory[BASE_SECONDS]
  const profile = createProfile()
  const tracker = createTracker()
  const share = createReplyShare()
  let covered = 0
  for (let bin = 0; bin < posts.length; bin++) {
    const time = start + bin * BASE
    const post = masked[bin] === 1 ? Number.NaN : posts[bin]!
    const reply = masked[bin] === 0 ? replies[bin]! : Number.NaN
    const count = measure === 'casts' ? post + reply : measure === 'replies' ? reply : post
    const residual = repliesKnown ? observeReplyShare(share, reply, post + reply, memory) : Number.NaN
    const form = shape(profile, time, BASE_SECONDS)
    const mean = expected(tracker.level, form)
    if (!tracker.window && mean >= WARM) openWindow(tracker, PREPROCESSING.window)
    const bins = { count, shape: form, usual: meanOf(profile) * form, replies: residual }
    const reading = observe(tracker, bins, memory)
    if (Number.isNaN(count)) continue
    learnProfile(profile, time, count)
    covered++
    if (!reading || bin < from) continue
    const { inputs, residuals } = tracker.window!
    const usualReplies = repliesKnown ? usualShare(share) : Number.NaN
    yield {
      bin,
      reading,
      tracker,
      scorable:
        isScorable(inputs) &&
        mean >= LEAST.expected &&
        covered >= LEAST.covered &&
        residuals.pushed >= LEAST.bins,
      write: (rows, at) => writeRow(inputs, { ...reading, usualReplies }, rows, at),
    }
  }
}
