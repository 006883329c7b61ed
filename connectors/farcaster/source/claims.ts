/** What may be said of a channel's coverage after a round (DESIGN, rules 1, 2). */

import { HOUR, LATENESS, SECOND } from '../../../common/time.ts'
import type { Part } from '../../../schemas/measures.js'
import type { Coverage } from '../../../schemas/records.ts'
import { type ChannelMemory, coveredTo, decidedTo, type Memory, type Owed, readTo } from './memory.ts'
import { LONGEST_WAIT, seenTo, WATCHED } from './schedule.ts'

/** A channel that no poll has reached for so long is a gap; so bins close in bounded time. */
const PATIENCE = 2 * HOUR
/** A channel that is new is read back so far, so that all casts that are watched are known. */
const HISTORY = WATCHED + HOUR
/** What is not watched any more is told to be a gap for so long: open episodes end by it. */
const FAREWELL = 25 * HOUR

export type Seen = {
  /** Whether the poll of posts came through, with all its pages; they were read from `reach` on. */
  posts: boolean
  reach: number
  /** Polls of casts that did not come through. */
  owed: Owed
  /** Of what something was found that can't be read, again and again: it will not be asked for any more. */
  unreadable: ReadonlySet<Part>
  error: string | null
}

/**
 * Whether coverage of a measure goes on from where it ended: the last round polled it too, or a whole source had seen it
 * until lately. Otherwise it begins anew: casts that are watched may be unknown, or were not polled.
 */
function goesOn(memory: Memory, channel: ChannelMemory | undefined, m: Part, at: number): boolean {
  if (decidedTo(memory, channel, m) === Number.NEGATIVE_INFINITY) return false
  const last = channel?.at[m] ?? Number.NEGATIVE_INFINITY
  return last > Number.NEGATIVE_INFINITY ? last === memory.mark?.at : memory.whole >= at - HISTORY
}

/**
 * The posts of a channel are to be read from here on: where it was read last, since what is under posts in a gap is
 * watched too; and for a new channel far enough back to know all casts that are watched.
 */
export function postsSince(memory: Memory, channel: ChannelMemory | undefined, at: number): number {
  if (!goesOn(memory, channel, 'posts', at)) return at - HISTORY
  return Math.max(readTo(memory, channel), Math.min(decidedTo(memory, channel, 'posts'), at - HISTORY))
}

/** What stands here is given up after so long: it held coverage back, which is a gap by now. */
export const isGivenUp = (decided: number, at: number, m: Part): boolean =>
  decided < at - LATENESS - (m === 'posts' ? PATIENCE : PATIENCE + LONGEST_WAIT)

type Claim = { measure: Part; status: 'covered' | 'gap'; from: number; to: number; reason?: string }

const MORE_CASTS = 'it has more casts than are watched'
const UNREADABLE = 'some of it cannot be read'

/**
 * Coverage of a followed channel after the round at `at`, of `measures`. Posts are covered up to `at` - L when the pages
 * reached back; replies and reactions up to the earliest last poll among the watched casts, less L.
 */
export function claim(
  memory: Memory,
  channel: ChannelMemory | undefined,
  at: number,
  measures: readonly Part[],
  seen: Seen,
): Claim[] {
  const now = at - LATENESS
  const why = seen.error ?? 'no poll came through'
  const goes = (m: Part) => goesOn(memory, channel, m, at)
  // Nothing is known of it: nothing is said.
  if (!goes('posts') && !seen.posts) return []

  const claims: Claim[] = []
  const say = (measure: Part, status: Claim['status'], from: number, to: number, reason?: string) => {
    if (from < to) claims.push({ measure, status, from, to, ...(reason === undefined ? {} : { reason }) })
    return Math.max(from, to)
  }
  const show = (measure: Part, from: number, to: number) =>
    seen.unreadable.has(measure)
      ? say(measure, 'gap', from, to, UNREADABLE)
      : say(measure, 'covered', from, to)

  const from = decidedTo(memory, channel, 'posts')
  const reach = Math.min(seen.reach, now)
  if (!seen.posts) say('posts', 'gap', from, now - PATIENCE, why)
  else if (!goes('posts')) show('posts', Math.max(from, reach), now)
  else show('posts', say('posts', 'gap', from, reach, 'the pages of the server do not reach back'), now)

  // Nobody sees what is under a cast that isn't known: posts are up to here, replies where their own polls came through.
  let under = seen.posts ? now : readTo(memory, channel)
  for (const m of ['replies', 'reactions'] as const) {
    if (!measures.includes(m)) continue
    const from = decidedTo(memory, channel, m)
    if (!goes(m)) {
      // From here on: what is under older casts has not been seen. A moment tells it, and is a bin's gap, no more.
      say(m, 'gap', Math.max(from, now - SECOND), now, 'it was not watched before')
      continue
    }
    let saturated = false
    for (const [id, cast] of channel?.casts ?? []) {
      const seenUnder = seenTo(cast.time, at)
      under = Math.min(under, seen.owed[m].get(id) ?? seenUnder)
      saturated ||= m === 'reactions' && cast.saturated && seenUnder < Number.POSITIVE_INFINITY
    }
    const shownFrom = say(m, 'gap', from, Math.min(under, channel?.unwatchedTo ?? from), MORE_CASTS)
    const to = saturated
      ? say(m, 'gap', shownFrom, under, 'a cast has more reactions than are told, or remembered')
      : show(m, shownFrom, under)
    say(m, 'gap', to, now - PATIENCE - LONGEST_WAIT, why)
  }
  return claims
}

/** Coverage of what was seen once and isn't watched any more: a gap, for a day, and then nothing more. */
export function farewell(
  memory: Memory,
  channel: ChannelMemory | undefined,
  at: number,
  measures: readonly Part[],
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
