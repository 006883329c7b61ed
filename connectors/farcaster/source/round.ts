/**
 * One round of polls: posts of every followed channel, then replies and reactions of the casts that are due, then what
 * may be said of coverage. A round depends on the memory before it, the time and what the server answers; never on how
 * long that took or in which order it came.
 */
import { DAY, floorTo, LATENESS, MINUTE } from '../../../common/time.ts'
import type { CastMessage, ReactionMessage } from '../../../schemas/message.ts'
import { NETWORK, type Polled } from '../../../schemas/records.ts'
import { toRecord } from '../stamp.ts'
import type { Keyed } from '../tail.ts'
import { askAll, LANES } from './asking.ts'
import { claim, farewell, postsSince, toCoverage } from './claims.ts'
import type { Clock } from './clock.ts'
import {
  decidedTo,
  idOf,
  type KnownCast,
  type Memory,
  newOwed,
  type Owed,
  POLLED,
  type PolledMeasure,
  polledTo,
} from './memory.ts'
import { isDue, lastDue } from './schedule.ts'
import type { Answer, Counts, FarcasterServer, PageKey } from './server.ts'

/** On a cast older than this a first count does not tell when the reactions came: it is only a baseline. */
const BASELINE_AGE = 10 * MINUTE
/** Clocks may be wrong by this much; what is signed later is no message. */
const MAX_AHEAD = 15 * MINUTE

export type Round = {
  memory: Memory
  server: FarcasterServer
  clock: Clock
  /** When it is, by the source's clock, ms; and until when a question that nobody answers is asked again. */
  at: number
  deadline: number
  /** Parent URLs, sorted. */
  followed: readonly string[]
  /** Whether these are all: channels that aren't among them are then taken leave of. */
  isAll: boolean
  /** Requests that may be made. */
  budget: number
  /** Of `activity`. */
  partitions: number
  /** Resolves when the records are in the log and in the memory. */
  publish(records: Keyed[]): Promise<void>
}

/** What a round took. `seconds`: by the clock of a simulated hub, or that the server asks us to wait. */
export type Spent = {
  /** Of what every poll that was due came through, in every channel. */
  complete: PolledMeasure[]
  requests: number
  failed: number
  error: string | null
  seconds: number
}

type Request = {
  channel: string
  measure: PolledMeasure
  /** Of replies and reactions. */
  cast?: KnownCast
  since: number
  page?: PageKey
}
type Asked = Answer<CastMessage | ReactionMessage> | Counts

type Tally = {
  requests: number
  failed: number
  error: string | null
  incomplete: Set<PolledMeasure>
  owed: Owed
  reach: number
}

export async function pollRound(round: Round): Promise<Spent> {
  const { memory, server, clock, at, followed, partitions, publish } = round
  const measures = POLLED.filter((m) => server.measures.includes(m))
  const unwatched = POLLED.filter((m) => !measures.includes(m))
  const under = measures.filter((m) => m !== 'posts')
  const channelOf = (name: string) => memory.channels.get(name)
  const tallies = new Map<string, Tally>(
    followed.map((name) => [
      name,
      { requests: 0, failed: 0, error: null, incomplete: new Set(), owed: newOwed(), reach: 0 },
    ]),
  )
  let { budget } = round
  let slowest = 0
  let slow = 0
  let pause = 0

  /** Makes the requests that the budget allows; returns the casts that were new, and the requests that must follow. */
  async function make(requests: readonly Request[]): Promise<{ casts: string[]; further: Request[] }> {
    const within = requests.slice(0, budget)
    budget -= within.length
    for (const request of requests.slice(within.length)) miss(request, 'the budget of requests is used up')

    const answers = await askAll(within, ask, clock, round.deadline)
    const found: Keyed[] = []
    const casts: string[] = []
    const further: Request[] = []
    const published = new Set<string>()
    within.forEach((request, i) => {
      const answer = answers[i]!
      const tally = tallies.get(request.channel)!
      tally.requests++
      slowest = Math.max(slowest, answer.seconds)
      slow += answer.seconds
      if (answer.outcome === 'failed') {
        tally.failed++
        pause = Math.max(pause, answer.retryAfter)
        if (answer.retryAfter > 0) clock.pause(answer.retryAfter)
        miss(request, answer.why)
        return
      }
      for (const item of read(request, answer, tally)) {
        if (item.record.type === 'Cast' || item.record.type === 'Reaction') {
          const id = idOf(item.record.hash)
          if (published.has(id)) continue
          published.add(id)
          if (item.record.type === 'Cast') casts.push(id)
        }
        found.push(item)
      }
      if (answer.outcome === 'page' && answer.next) further.push({ ...request, page: answer.next })
    })
    await publish(found)
    return { casts, further }
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
    for (const message of answer.items) {
      if (message.time > at + MAX_AHEAD) invalid++
      else if (!isKnown(message, cast)) found.push({ key, record: toRecord(message) })
    }
    if (invalid > 0) miss(request, `${invalid} of its messages can't be read`)
    if (!answer.next && answer.from > since) {
      if (measure === 'posts') tally.reach = answer.from
      else miss(request, 'the pages of the server do not reach back')
    }
    return found
  }

  const isKnown = (message: CastMessage | ReactionMessage, cast: KnownCast | undefined): boolean =>
    message.type === 'cast'
      ? memory.channelOf.has(idOf(message.hash))
      : cast?.reactions.has(idOf(message.hash)) === true

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
    const done = polledTo(memory, known)
    return under.flatMap((measure) => {
      const request = (since: number) => [{ channel, measure, cast, since }]
      const owed = known.owed[measure].get(id)
      if (owed !== undefined) return request(owed)
      if (cast.learnedAfter >= done) return lastDue(cast.time, at) === null ? [] : request(cast.time)
      if (!isDue(cast.time, done, at)) return []
      return request(Math.max(cast.time, (lastDue(cast.time, done) ?? 0) - LATENESS))
    })
  }

  function miss({ channel, measure, cast, since }: Request, why: string): void {
    const tally = tallies.get(channel)!
    tally.incomplete.add(measure)
    tally.error = why
    if (cast && measure !== 'posts') tally.owed[measure].set(idOf(cast.id.hash), since)
  }

  // Whoever has waited longest comes first, for when the budget is too small.
  const inOrder = (requests: Request[]) => requests.toSorted((a, b) => a.since - b.since)

  let requests = inOrder(
    followed.map((channel) => ({
      channel,
      measure: 'posts',
      since: postsSince(memory, channelOf(channel), at),
    })),
  )
  // Once a day somewhat further back, for what came later than L.
  for (const request of requests) {
    const last = channelOf(request.channel)?.at ?? Number.NEGATIVE_INFINITY
    if (Number.isFinite(last) && floorTo(last, DAY) < floorTo(at, DAY)) request.since -= DAY
  }
  while (requests.length > 0) requests = (await make(requests)).further

  requests = inOrder(
    followed.flatMap((channel) =>
      [...(channelOf(channel)?.casts.keys() ?? [])].flatMap((id) => due(channel, id)),
    ),
  )
  while (requests.length > 0) {
    const { casts, further } = await make(requests)
    // A reply that is learned late may have been answered already.
    const late = casts.flatMap((id) => due(memory.channelOf.get(id)!, id))
    requests = [...further, ...late]
  }

  const spent: Spent = { complete: measures, requests: 0, failed: 0, error: null, seconds: 0 }
  const said: Keyed[] = []
  for (const [key, { requests, failed, error, incomplete, owed, reach }] of tallies) {
    const seen = { posts: !incomplete.has('posts'), owed, reach, error }
    const claims = [
      ...claim(memory, channelOf(key), at, measures, seen),
      ...farewell(memory, channelOf(key), at, unwatched),
    ]
    for (const record of toCoverage(claims, partitions)) said.push({ key, record })
    const complete = measures.filter((m) => !incomplete.has(m))
    const counts = { requests, failed, error, next: null }
    said.push({ key, record: { type: 'Polled', at, complete, owed: listed(owed), ...counts } })
    spent.complete = spent.complete.filter((m) => !incomplete.has(m))
    spent.requests += requests
    spent.failed += failed
    spent.error = error ?? spent.error
  }
  for (const [key, channel] of memory.channels) {
    if (tallies.has(key) || !round.isAll) continue
    for (const record of toCoverage(farewell(memory, channel, at, POLLED), partitions))
      said.push({ key, record })
  }
  await publish(said)

  const decided = measures.flatMap((measure) => {
    const to = Math.min(...followed.map((name) => decidedTo(memory, channelOf(name), measure)))
    const from = Math.max(memory.decided[measure], memory.whole)
    return Number.isFinite(to) && from < to ? [{ measure, from, to }] : []
  })
  await publish(
    decided.map(({ measure, from, to }) => ({
      key: NETWORK,
      record: {
        type: 'Coverage',
        status: 'decided',
        measures: [measure],
        // Nobody has spoken before: a bin's length is enough to begin with.
        from: Number.isFinite(from) ? from : to - 1,
        to,
        reason: null,
        partitions,
      },
    })),
  )
  spent.seconds = Math.max(slowest, slow / LANES, pause)
  return spent
}

const listed = (owed: Owed): Polled['owed'] =>
  (['replies', 'reactions'] as const).flatMap((measure) =>
    [...owed[measure]].map(([id, since]) => ({ hash: Buffer.from(id, 'latin1'), measure, since })),
  )
