/** What may be said of a channel's coverage after a round (DESIGN, rules 1, 2). */
import { HOUR, LATENESS, SECOND } from '../../../common/time.ts'
import type { Coverage } from '../../../schemas/records.ts'
import {
  type ChannelMemory,
  coveredTo,
  decidedTo,
  type Memory,
  type Owed,
  type PolledMeasure,
} from './memory.ts'
import { LONGEST_WAIT, seenTo, WATCHED } from './schedule.ts'

/** A channel that no poll has reached for so long is a gap; so bins close in bounded time. */
const PATIENCE = 2 * HOUR
/** A channel that is new is read back so far, so that all casts that are watched are known. */
const HISTORY = WATCHED + HOUR
/** What is not watched any more is told to be a gap for so long: open episodes end by it. */
const FAREWELL = 25 * HOUR

export type Seen = {
  /** Whether the poll of posts came through, with all its pages. */
  posts: boolean
  /** Polls of casts that did not come through. */
  owed: Owed
  /** Posts were seen from here on: later than asked for where the server's pages don't reach back. */
  reach: number
  error: string | null
}

/**
 * Whether coverage of the channel goes on from where it ended: it was polled in the last round, or a whole source had
 * seen it until lately. Otherwise casts of its recent past are unknown, and it begins anew.
 */
function goesOn(memory: Memory, channel: ChannelMemory | undefined, at: number): boolean {
  if (decidedTo(memory, channel, 'posts') === Number.NEGATIVE_INFINITY) return false
  if (channel && channel.at === memory.mark?.at) return true
  const own = channel ? Math.max(channel.at, channel.to.posts) : Number.NEGATIVE_INFINITY
  return own === Number.NEGATIVE_INFINITY && memory.whole >= at - HISTORY
}

/**
 * The posts of a channel are to be read from here on: also through a gap, since what is under its posts is watched, and
 * for a new channel far enough back.
 */
export function postsSince(memory: Memory, channel: ChannelMemory | undefined, at: number): number {
  const seen = goesOn(memory, channel, at) ? coveredTo(memory, channel, 'posts') : Number.NEGATIVE_INFINITY
  return Math.max(seen, at - HISTORY)
}

type Claim = { measure: PolledMeasure; status: 'covered' | 'gap'; from: number; to: number; reason?: string }

/**
 * Coverage of a followed channel after the round at `at`, of `measures`. Posts are covered up to `at` - L when the pages
 * reached back; replies and reactions up to the earliest last poll among the watched casts, less L.
 */
export function claim(
  memory: Memory,
  channel: ChannelMemory | undefined,
  at: number,
  measures: readonly PolledMeasure[],
  seen: Seen,
): Claim[] {
  const now = at - LATENESS
  const why = seen.error ?? 'no poll came through'
  const isNew = !goesOn(memory, channel, at)
  // Nothing is known of it: nothing is said.
  if (isNew && !seen.posts) return []

  const claims: Claim[] = []
  const say = (
    measure: PolledMeasure,
    status: Claim['status'],
    from: number,
    to: number,
    reason?: string,
  ) => {
    if (from < to) claims.push({ measure, status, from, to, ...(reason === undefined ? {} : { reason }) })
    return Math.max(from, to)
  }

  let to = decidedTo(memory, channel, 'posts')
  if (seen.posts) {
    if (isNew) to = Math.max(to, postsSince(memory, channel, at), Math.min(seen.reach, now))
    else to = say('posts', 'gap', to, Math.min(seen.reach, now), 'the pages of the server do not reach back')
    say('posts', 'covered', to, now)
  } else {
    say('posts', 'gap', to, now - PATIENCE, why)
  }

  // Nobody sees what is under a cast that isn't known: posts are up to here, replies where their own polls came through.
  let under = seen.posts ? now : coveredTo(memory, channel, 'posts')
  for (const m of ['replies', 'reactions'] as const) {
    if (!measures.includes(m)) continue
    const from = decidedTo(memory, channel, m)
    // From here on: what is under older casts has not been seen. A moment tells it, and is a bin's gap, no more.
    if (isNew) say(m, 'gap', Math.max(from, now - SECOND), now, 'the channel was not followed before')
    if (isNew) continue
    let saturated = false
    for (const [id, cast] of channel?.casts ?? []) {
      const seenUnder = seenTo(cast.time, at)
      under = Math.min(under, seen.owed[m].get(id) ?? seenUnder)
      saturated ||= m === 'reactions' && cast.saturated && seenUnder < Number.POSITIVE_INFINITY
    }
    const to = saturated
      ? say(m, 'gap', from, under, 'a cast has more reactions than the server counts')
      : say(m, 'covered', from, under)
    say(m, 'gap', to, now - PATIENCE - LONGEST_WAIT, why)
  }
  return claims
}

/** Coverage of what was seen once and isn't watched any more: a gap, for a day, and then nothing more. */
export function farewell(
  memory: Memory,
  channel: ChannelMemory | undefined,
  at: number,
  measures: readonly PolledMeasure[],
): Claim[] {
  const claims: Claim[] = []
  for (const measure of measures) {
    const end = coveredTo(memory, channel, measure) + FAREWELL
    const from = decidedTo(memory, channel, measure)
    const to = Math.min(at - LATENESS, end)
    if (from > Number.NEGATIVE_INFINITY && from < to)
      claims.push({ measure, status: 'gap', from, to, reason: 'it is not watched any more' })
  }
  return claims
}

/** Claims of the same span in one record. `partitions`: of `activity`. */
export function toCoverage(claims: readonly Claim[], partitions: number): Coverage[] {
  const records: Coverage[] = []
  for (const { measure, status, from, to, reason = null } of claims) {
    const same = records.find(
      (r) => r.status === status && r.from === from && r.to === to && r.reason === reason,
    )
    if (same) same.measures.push(measure)
    else records.push({ type: 'Coverage', status, measures: [measure], from, to, reason, partitions })
  }
  return records
}
