/** The polling source: follows channels through the tools of an MCP server, round after round. */
import { FcmError } from '../../../common/errors.ts'
import { ceilTo, floorTo, HOUR, iso, SECOND } from '../../../common/time.ts'
import { NETWORK, type Polled } from '../../../schemas/records.ts'
import type { Keyed, OpenSource } from '../../sources/source.ts'
import { type Asking, askAll } from './asking.ts'
import { type Clock, type ClockState, CORRECTION } from './clock.ts'
import { type Follow, followedOf, isListable, MAX_FOLLOWED, MAX_LISTED, unknownOf } from './follow.ts'
import { close, type Limits, learn } from './memory.ts'
import type { ChannelInfo, FarcasterServer, PageKey } from './port.ts'
import { rebuild } from './rebuild.ts'
import { pollRound } from './round.ts'

export type PollOptions = {
  /** Closed with the source. */
  server: FarcasterServer
  clock: Clock
  follow: Follow
  /** Between rounds, ms; rounds begin at its multiples. */
  interval: number
  /** Tool calls in a round, at most. Of them `LIST_PAGES` are kept for the list of channels. */
  budget: number
  limits?: Limits
  /** No round begins later, ms. */
  until?: number
  onRound?: (round: Polled & { followed: number; seconds: number; remembered: Remembered }) => void
  /** Something is in the way that a person should know of; each thing once, until it has passed. */
  onWarning?: (error: FcmError) => void
  /** After SOURCE_AWAITS, CLOCK_JUMPED or CLOCK_BEHIND: what was waited for has come. */
  onGoingOn?: (() => void) | undefined
}

/** What grows with what strangers write: see `LIMITS`. */
export type Remembered = { casts: number; reactions: number }

/** Channels come and go slowly: how old the list of them may become. */
const LIST_AGE = 6 * HOUR
export const LIST_PAGES = 20

/**
 * Polls until `until`, from where the run's activity log ends. A round that is cut off, by a stop or by a crash, is made
 * again: it finds the same while its clock stands there.
 */
export const pollingSource =
  (options: PollOptions): OpenSource =>
  async (written) => {
    const { server, clock, follow, interval, budget, onRound } = options
    const until = options.until ?? Number.POSITIVE_INFINITY
    const memory = await rebuild(written, options.limits)
    const warn = createWarnings(options.onWarning)
    const heard: Asking['heard'] = (answer) => {
      const trouble = answer.outcome === 'away' && new FcmError('SOURCE_AWAITS', { why: answer.why })
      if (warn('away', trouble)) options.onGoingOn?.()
    }
    const lastAt = () => memory.mark?.at ?? Number.NEGATIVE_INFINITY

    let listed: ChannelInfo[] | null = null
    /** When the next round begins, ms. */
    let begin = memory.mark?.next ?? clock.now()
    let round: AsyncGenerator<Keyed[], void> | null = null
    let stands = memory.mark?.at ?? null
    /** Of the round, what will be in the log when more is asked for. */
    let given: readonly Keyed[] = []

    async function* makeRound(): AsyncGenerator<Keyed[], void> {
      const last = lastAt()
      const at = floorTo(clock.now(), SECOND)
      const asking = { clock, deadline: at + interval, heard }

      let listing: Listing = { requests: 0, failed: 0, error: null, channels: listed }
      const isOld = floorTo(last, LIST_AGE) !== floorTo(at, LIST_AGE)
      if (follow.patterns.length > 0 && (listed === null || isOld))
        listing = await listChannels(server, asking)
      listed = listing.channels ?? listed
      const before = [...memory.channels].flatMap(([url, channel]) =>
        channel.at.posts === last ? [url] : [],
      )
      const followed = followedOf(follow, listed, before)

      const { seconds, ...spent } = yield* pollRound({
        ...{ memory, server, asking, at, followed },
        isAll: listed !== null || follow.patterns.length === 0,
        budget: follow.patterns.length > 0 ? budget - LIST_PAGES : budget,
        partitions: written.partitions,
      })
      const mark: Polled & { next: number } = {
        ...{ type: 'Polled', at, ...spent, owed: [] },
        requests: spent.requests + listing.requests,
        failed: spent.failed + listing.failed,
        error: spent.error ?? listing.error,
        next: Math.max(floorTo(at, interval) + interval, ceilTo(at + seconds * SECOND, interval)),
      }
      stands = at
      yield [{ key: NETWORK, record: mark }]
      close(memory, mark)
      begin = mark.next

      const { requests, failed, error } = mark
      const unknown = listed ? unknownOf(follow, listed) : []
      const nothing = spent.complete.includes('posts') && followed.length > 0 && memory.channelOf.size === 0
      warn(
        'failing',
        failed > 0 && failed === requests && new FcmError('SOURCE_FAILS', { requests, why: error ?? '' }),
      )
      warn(
        'unknown',
        unknown.length > 0 &&
          new FcmError('FOLLOW_UNKNOWN', { unknown: unknown.join(', '), followed: followed.length }),
      )
      warn('many', followed.length === MAX_FOLLOWED && new FcmError('FOLLOW_FULL', { most: MAX_FOLLOWED }))
      warn('nothing', nothing && new FcmError('SOURCE_SILENT', { channels: followed.length, at: iso(at) }))
      const remembered = { casts: memory.channelOf.size, reactions: memory.reactions }
      onRound?.({ ...mark, seconds, followed: followed.length, remembered })
    }

    return {
      async awake() {
        if (round || begin > until) return
        await clock.until(begin, (state) => {
          if (warn('clock', clock.isWall && wrong(lastAt(), state))) options.onGoingOn?.()
        })
      },
      async next() {
        for (const { key, record } of given) learn(memory, key, record, lastAt())
        given = []
        if (!round && begin > until) return null
        round ??= makeRound()
        const step = await round.next()
        if (step.done) round = null
        else given = step.value
        return { refused: [], records: given }
      },
      snapshot: () => stands,
      close: () => server.close(),
    }
  }

/** What is wrong with a clock when the last round was at `last`, ms. */
function wrong(last: number, { now, wall }: ClockState): FcmError | false {
  if (wall !== null) return new FcmError('CLOCK_JUMPED', { wall: iso(wall), now: iso(now) })
  return last > now + CORRECTION && new FcmError('CLOCK_BEHIND', { now: iso(now), last: iso(last) })
}

/** Tells each kind of trouble once, until it has passed; returns whether it has just now. */
function createWarnings(tell: ((error: FcmError) => void) | undefined) {
  const told = new Set<string>()
  return (kind: string, trouble: FcmError | false): boolean => {
    if (!trouble) return told.delete(kind)
    if (!told.has(kind)) {
      told.add(kind)
      tell?.(trouble)
    }
    return false
  }
}

type Listing = { requests: number; failed: number; error: string | null; channels: ChannelInfo[] | null }

/** All channels of the server; `channels` null when that failed. */
async function listChannels(server: FarcasterServer, asking: Asking): Promise<Listing> {
  const channels: ChannelInfo[] = []
  let page: PageKey | undefined
  for (let requests = 1; ; requests++) {
    const [answer] = await askAll([page], (key) => server.channels(key), asking)
    if (answer!.outcome === 'failed') return { requests, failed: 1, error: answer!.why, channels: null }
    channels.push(...answer!.items.filter(isListable).slice(0, MAX_LISTED - channels.length))
    page = answer!.next ?? undefined
    if (!page || requests === LIST_PAGES) return { requests, failed: 0, error: null, channels }
  }
}
