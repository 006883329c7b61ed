/** Takes a simulated series through the runtime's own preprocessing: what the network is trained on is what it will see. */
import { BASE, BASE_SECONDS } from '../../common/time.ts'
import { isScorable, writeRow } from '../cnn-lstm/inputs.ts'
import {
  createProfile,
  expected,
  learnProfile,
  meanOf,
  type Profile,
  shape,
} from '../early-warning/expected.ts'
import { createReplyShare, observeReplyShare, usualShare } from '../early-warning/reply-share.ts'
import {
  createTracker,
  observe,
  openWindow,
  PREPROCESSING,
  type Reading,
  type Tracker,
  WARM,
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
  /** Residual of the share of replies, as in the row; NaN where it is not known. */
  shareResidual: number
  /** Whether the stream would score here. */
  scorable: boolean
  /** Writes the network's row. */
  write(rows: Float32Array, at: number): void
}

/** Bins of history, covered bins and expected events from which on the stream judges a series. */
const LEAST = { bins: 2 * PREPROCESSING.window, covered: 288, expected: 2 }

/** Every covered bin of the series for which a window is kept, as the stream reads it, in order. */
export function* follow(series: Series, view: View): Generator<Seen> {
  const { posts, replies, masked, start } = series
  const { measure, repliesKnown } = view
  const memory = PREPROCESSING.memory[BASE_SECONDS]
  const counted = createCounted()
  // The share of replies is followed from the bin on after which a window of the channel's casts is kept.
  const casts = measure === 'casts' ? counted : createCounted()
  const share = createReplyShare()
  let covered = 0
  for (let bin = 0; bin < posts.length; bin++) {
    const time = start + bin * BASE
    const post = masked[bin] === 1 ? Number.NaN : posts[bin]!
    const reply = masked[bin] === 0 ? replies[bin]! : Number.NaN
    const isShareKnown = repliesKnown && casts.tracker.window !== null
    const residual = isShareKnown ? observeReplyShare(share, reply, post + reply, memory) : Number.NaN
    if (casts !== counted && !casts.tracker.window) count(casts, time, post + reply, Number.NaN)
    const value = measure === 'casts' ? post + reply : measure === 'replies' ? reply : post
    const reading = count(counted, time, value, residual)
    if (Number.isNaN(value)) continue
    covered++
    if (!reading) continue
    const { inputs, residuals } = counted.tracker.window!
    const usualReplies = isShareKnown ? usualShare(share) : Number.NaN
    yield {
      bin,
      reading,
      shareResidual: residual,
      scorable:
        isScorable(inputs) &&
        reading.expected >= LEAST.expected &&
        covered >= LEAST.covered &&
        residuals.pushed >= LEAST.bins,
      write: (rows, at) => writeRow(inputs, { ...reading, usualReplies }, rows, at),
    }
  }
}

type Counted = { profile: Profile; tracker: Tracker }

const createCounted = (): Counted => ({ profile: createProfile(), tracker: createTracker() })

/** Moves a count on by a bin of `value` events, NaN where it is masked. */
function count({ profile, tracker }: Counted, time: number, value: number, replies: number): Reading | null {
  const form = shape(profile, time, BASE_SECONDS)
  if (!tracker.window && expected(tracker.level, form) >= WARM) openWindow(tracker, PREPROCESSING.window)
  const bin = { count: value, shape: form, usual: meanOf(profile) * form, replies }
  const reading = observe(tracker, bin, PREPROCESSING.memory[BASE_SECONDS])
  if (!Number.isNaN(value)) learnProfile(profile, time, value)
  return reading
}
