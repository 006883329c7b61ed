/**
 * One round of polls: posts of every followed channel, then replies and reactions of the casts that are due, then what
 * may be said of coverage. A round depends on the memory before it, the time and what the server answers; never on how
 * long that took or in which order it came.
 */

import { BASE, DAY, floorTo, LATENESS, MINUTE } from '../../../common/time.ts'
import { PARTS, type Part } from '../../../schemas/measures.js'
import type { CastMessage, ReactionMessage } from '../../../schemas/message.ts'
import { type Coverage, NETWORK, type Polled } from '../../../schemas/records.ts'
import type { Keyed } from '../../sources/source.ts'
import { toRecord } from '../stamp.ts'
import { type Asking, askAll, LANES } from './asking.ts'
import { claim, farewell, isGivenUp, postsSince, toCoverage } from './claims.ts'
import {
  type ChannelMemory,
  decidedTo,
  idOf,
  type KnownCast,
  MEMORY,
  type Memory,
  newOwed,
  type Owed,
  polledTo,
} from './memory.ts'
import type { Answer, Counts, FarcasterServer, PageKey } from './port.ts'
import { isDue, lastDue, WATCHED } from './schedule.ts'

/** On a cast older than this a first count does not tell when the reactions came: it is only a baseline. */
const BASELINE_AGE = 10 * MINUTE
/** Clocks may be wrong by this much; what is signed later is no message. */
const MAX_AHEAD = 15 * MINUTE

export type Round = {
  memory: Memory
  server: FarcasterServer
  asking: Asking
  /** When it is, by the source's clock, ms. */
  at: number
  /** Parent URLs, sorted. */
  followed: readonly string[]
  /** Whether these are all: channels that aren't among them are then taken leave of. */
  isAll: boolean
  /** Requests that may be made. */
  budget: number
  /** Of `activity`. */
  partitions: number
}

/** What a round took. `seconds`: by the clock of a simulated hub, or that the server asks us to wait. */
export type Spent = {
  watched: Part[]
  /** Of what every poll that was due came through, in every channel. */
  complete: Part[]
  requests: number
  failed: number
  error: string | null
  seconds: number
}

type Request = {
  channel: string
  measure: Part
  /** Of replies and reactions. */
  cast?: KnownCast
  since: number
  page?: PageKey
}
type Asked = Answer<CastMessage | ReactionMessage> | Counts

/**
 * What became of the polls of a channel. `failing`: what will be asked again; `unreadable`: what won't be, though
 * something in it could not be read; `reach`: posts are known from here on.
 */
type Tally = {
  requests: number
  failed: number
  error: string | null
  failing: Set<Part>
  unreadable: Set<Part>
  owed: Owed
  reach: number
}

/** So many questions are asked before what they brought is written: it bounds the memory of a round. */
const SLICE = 256

/** Yields records in order; goes on when they are in the log and in the memory. */
export async function* pollRound(round: Round): AsyncGenerator<Keyed[], Spent> {
  const { memory, server, asking, at, followed, partitions } = round
  const measures = PARTS.filter((m) => server.measures.includes(m))
  const unwatched = PARTS.filter((m) => !measures.includes(m))
  const under = measures.filter((m) => m !== 'posts')
  const channelOf = (name: string) => memory.channels.get(name)
  const newTally = (name: string): Tally => ({
    requests: 0,
    failed: 0,
    error: null,
    failing: new Set(),
    unreadable: new Set(),
    owed: newOwed(),
    reach: postsSince(memory, channelOf(name), at),
  })
  const tallies = new Map(followed.map((name) => [name, newTally(name)]))
  let { budget } = round
  let slowest = 0
  let slow = 0
  let pause = 0

  /** Makes the requests that the budget allows; returns the casts that were new, and the requests that must follow. */
  async function* make(
    requests: readonly Request[],
  ): AsyncGenerator<Keyed[], { casts: string[]; further: Request[] }> {
    const within = requests.slice(0, budget)
    budget -= within.length
    for (const request of requests.slice(within.length)) miss(request, 'the budget of requests is used up')
    const casts: string[] = []
    const further: Request[] = []
    for (let begin = 0; begin < within.length; begin += SLICE) {
      const slice = within.slice(begin, begin + SLICE)
      const answers = await askAll(slice, ask, asking)
      const found = new Map<string, Keyed>()
      slice.forEach((request, i) => {
        for (const item of take(request, answers[i]!, further)) found.set(identityOf(item, found.size), item)
      })
      for (const [id, { record }] of found) if (record.type === 'Cast') casts.push(id)
      yield [...found.values()]
    }
    return { casts, further }
  }

  /** A message found twice is one. */
  const identityOf = ({ record }: Keyed, n: number): string =>
    record.type === 'Cast' || record.type === 'Reaction' ? idOf(record.hash) : String(n)

  /** What an answer brings; puts the request for the page behind it to `further`. */
  function take(request: Request, answer: Exclude<Asked, { outcome: 'away' }>, further: Request[]): Keyed[] {
    const tally = tallies.get(request.channel)!
    tally.requests++
    slowest = Math.max(slowest, answer.seconds)
    slow += answer.seconds
    if (answer.outcome === 'failed') {
      tally.failed++
      pause = Math.max(pause, answer.retryAfter)
      miss(request, answer.why)
      return []
    }
    if (answer.outcome === 'page' && answer.next) further.push({ ...request, page: answer.next })
    return read(request, answer, tally)
  }

  async function ask({ channel, measure, cast, since, page }: Request): Promise<Asked> {
    if (measure === 'posts') return server.posts(channel, since, page)
    return measure === 'replies'
      ? server.replies(cast!.id, since, page)
      : server.reactions(cast!.id, since, page)
  }

  /** The records that an answer gives, without those that are known. */
  function read(
    request: Request,
    answer: Exclude<Asked, { outcome: 'failed' | 'away' }>,
    tally: Tally,
  ): Keyed[] {
    const { channel: key, measure, cast, since } = request
    if (answer.outcome === 'counts') return cast ? counted(key, cast, answer) : []
    let { invalid } = answer
    const found: Keyed[] = []
    // A server may show more than was asked for. What is forgotten by now would be new in every round.
    const oldest = Math.min(since, at - MEMORY)
    for (const message of answer.items) {
      if (message.time < oldest) continue
      if (message.time > at + MAX_AHEAD) invalid++
      else if (!isKnown(message, cast)) found.push({ key, record: toRecord(message) })
    }
    if (invalid > 0) miss(request, `${invalid} of its messages can't be read`, true)
    if (!answer.next && answer.from > since) {
      if (measure === 'posts') tally.reach = Math.max(tally.reach, answer.from)
      else miss(request, 'the pages of the server do not reach back')
    }
    return found
  }

  const isKnown = (message: CastMessage | ReactionMessage, cast: KnownCast | undefined): boolean =>
    message.type === 'cast'
      ? memory.channelOf.has(idOf(message.hash))
      : // Of one that is saturated no more is remembered: each would be new in every round.
        cast?.saturated === true || cast?.reactions.has(idOf(message.hash)) === true

  function counted(key: string, cast: KnownCast, { counts }: Counts): Keyed[] {
    return counts.flatMap(({ kind, count, saturated }) => {
      const before = cast.counts[kind]
      const baseline = at - cast.time > BASELINE_AGE ? count : 0
      const rise = Math.max(0, count - (before ?? baseline))
      if (before !== undefined && rise === 0) return []
      const record = { kind, target: cast.id, count, saturated, rise, time: at } as const
      return [{ key, record: { type: 'ReactionCount', ...record, clock: 'observed', verified: false } }]
    })
  }

  /** What has to be asked about a cast now. */
  function due(channel: string, id: string): Request[] {
    const known = channelOf(channel)!
    const cast = known.casts.get(id)!
    const requests: Request[] = []
    for (const measure of under) {
      const since = dueSince(known, id, cast, measure)
      if (since !== null) requests.push({ channel, measure, cast, since })
    }
    return requests
  }

  /** From when on what is under a cast has to be looked at now; null: it hasn't. */
  function dueSince(known: ChannelMemory, id: string, cast: KnownCast, measure: keyof Owed): number | null {
    const done = polledTo(memory, known, measure)
    const owed = known.owed[measure].get(id)
    if (owed !== undefined && cast.time + WATCHED > decidedTo(memory, known, measure)) return owed
    if (cast.learnedAfter >= done) return lastDue(cast.time, at) === null ? null : cast.time
    if (!isDue(cast.time, done, at)) return null
    return Math.max(cast.time, (lastDue(cast.time, done) ?? 0) - LATENESS)
  }

  /** A request did not come through. `isUnreadable`: it did, but for something that nobody may ever be able to read. */
  function miss({ channel, measure, cast, since }: Request, why: string, isUnreadable = false): void {
    const tally = tallies.get(channel)!
    tally.error = why
    if (
      isUnreadable &&
      isGivenUp(cast ? since : decidedTo(memory, channelOf(channel), 'posts'), at, measure)
    ) {
      tally.unreadable.add(measure)
      return
    }
    tally.failing.add(measure)
    if (cast && measure !== 'posts') tally.owed[measure].set(idOf(cast.id.hash), since)
  }

  // Whoever has waited longest comes first, for when the budget is too small.
  const inOrder = (requests: Request[]) => requests.toSorted((a, b) => a.since - b.since)

  let requests = inOrder(
    followed.map((channel) => ({
      channel,
      measure: 'posts',
      since: tallies.get(channel)!.reach,
    })),
  )
  // Once a day somewhat further back, for what came later than L.
  for (const request of requests) {
    const last = channelOf(request.channel)?.at.posts ?? Number.NEGATIVE_INFINITY
    if (Number.isFinite(last) && floorTo(last, DAY) < floorTo(at, DAY)) request.since -= DAY
  }
  while (requests.length > 0) requests = (yield* make(requests)).further

  requests = inOrder(
    followed.flatMap((channel) =>
      [...(channelOf(channel)?.casts.keys() ?? [])].flatMap((id) => due(channel, id)),
    ),
  )
  while (requests.length > 0) {
    const { casts, further } = yield* make(requests)
    // A reply that is learned late may have been answered already.
    const late = casts.flatMap((id) => due(memory.channelOf.get(id)!, id))
    requests = [...further, ...late]
  }

  const spent: Spent = {
    watched: measures,
    complete: measures,
    requests: 0,
    failed: 0,
    error: null,
    seconds: 0,
  }
  const said: Keyed[] = []
  for (const [key, { requests, failed, error, failing, unreadable, owed, reach }] of tallies) {
    const seen = { posts: !failing.has('posts'), reach, owed, unreadable, error }
    const claims = [
      ...claim(memory, channelOf(key), at, measures, seen),
      ...farewell(memory, channelOf(key), at, unwatched),
    ]
    for (const record of toCoverage(claims, partitions)) said.push({ key, record })
    const complete = measures.filter((m) => !failing.has(m))
    const told = { watched: measures, complete, owed: listed(owed), requests, failed, error, next: null }
    said.push({ key, record: { type: 'Polled', at, ...told } })
    spent.complete = spent.complete.filter((m) => !failing.has(m))
    spent.requests += requests
    spent.failed += failed
    spent.error = error ?? spent.error
  }
  for (const [key, channel] of memory.channels) {
    if (tallies.has(key) || !round.isAll) continue
    for (const record of toCoverage(farewell(memory, channel, at, PARTS), partitions))
      said.push({ key, record })
  }
  yield said

  // Channels of which nothing could be said yet hold up none; the network counts them as not covered.
  const decided = measures.flatMap((measure): Coverage[] => {
    const tos = followed.map((name) => decidedTo(memory, channelOf(name), measure)).filter(Number.isFinite)
    const to = Math.min(...tos)
    const before = Math.max(memory.decided[measure], memory.whole)
    const from = Number.isFinite(before) ? before : to - BASE
    return from < to && Number.isFinite(to)
      ? [{ type: 'Coverage', status: 'decided', measures: [measure], from, to, reason: null, partitions }]
      : []
  })
  yield decided.map((record) => ({ key: NETWORK, record }))
  spent.seconds = Math.max(slowest, slow / LANES, pause)
  return spent
}

const listed = (owed: Owed): Polled['owed'] =>
  (['replies', 'reactions'] as const).flatMap((measure) =>
    [...owed[measure]].map(([id, since]) => ({ hash: Buffer.from(id, 'latin1'), measure, since })),
  )
