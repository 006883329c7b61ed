/** The polling source: follows channels through the tools of an MCP server, round after round. */
import { FcmError } from '../../../common/errors.ts'
import { onFirst, untilItPasses } from '../../../common/retry.ts'
import { ceilTo, floorTo, HOUR, iso, MINUTE, SECOND } from '../../../common/time.ts'
import type { EventLog, NewRec } from '../../../pipeline/log/port.ts'
import { topicOf } from '../../../pipeline/topology.ts'
import type { Codec } from '../../../schemas/codec.ts'
import { NETWORK, type Polled } from '../../../schemas/records.ts'
import { channelOfUrl } from '../stamp.ts'
import type { Keyed } from '../tail.ts'
import { type Asking, askAll } from './asking.ts'
import type { Clock } from './clock.ts'
import { type Follow, followedOf, unknownOf } from './follow.ts'
import { close, learn } from './memory.ts'
import type { ChannelInfo, FarcasterServer, PageKey } from './port.ts'
import { rebuild } from './rebuild.ts'
import { pollRound } from './round.ts'

export type PollOptions = {
  log: EventLog
  codec: Codec
  run: string
  server: FarcasterServer
  clock: Clock
  follow: Follow
  /** Between rounds, ms; rounds begin at its multiples. */
  interval: number
  /** Tool calls in a round, at most. Of them `LIST_PAGES` are kept for the list of channels. */
  budget: number
  /** No round begins later, ms. */
  until?: number
  signal: AbortSignal
  onRound?: (round: Polled & { followed: number; seconds: number }) => void
  /** Something is in the way that a person should know of; each thing once, until it has passed. */
  onWarning?: (error: FcmError) => void
}

/** Channels come and go slowly: how old the list of them may become. */
const LIST_AGE = 6 * HOUR
export const LIST_PAGES = 20

/**
 * Polls until `until` or the signal, from where the run's activity log ends. Resolves with whether `until` was reached.
 * A round that is cut off, by the signal or by a crash, is made again: it finds the same while its clock stands there.
 */
export async function poll(options: PollOptions): Promise<{ finished: boolean }> {
  const { log, codec, run, server, clock, follow, interval, budget, signal, onRound, onWarning } = options
  const until = options.until ?? Number.POSITIVE_INFINITY
  const topic = topicOf(run, 'activity')
  const partitions = (await log.ends(topic)).map(({ partition }) => partition)
  const memory = await rebuild(log, codec, run)
  const warn = createWarnings(onWarning)

  async function publish(items: Keyed[]): Promise<void> {
    const after = memory.mark?.at ?? Number.NEGATIVE_INFINITY
    const records = items.flatMap(({ key, record }): NewRec[] => {
      const value = codec.encode(record)
      return key === NETWORK
        ? partitions.map((partition) => ({ topic, partition, key, value }))
        : [{ topic, key, value }]
    })
    if (records.length > 0) await untilItPasses(() => log.append(records), onFirst(onWarning), signal)
    for (const { key, record } of items) learn(memory, key, record, after)
  }

  const heard: Asking['heard'] = (answer) =>
    warn('away', answer.outcome === 'away' && new FcmError('SOURCE_AWAITS', { why: answer.why }))

  let listed: ChannelInfo[] | null = null
  try {
    for (;;) {
      const last = memory.mark?.at ?? Number.NEGATIVE_INFINITY
      const begin = memory.mark?.next ?? clock.now()
      if (begin > until) return { finished: true }
      warn('clock', clock.isWall && setBack(last, clock.now()))
      await clock.until(begin)
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
      const followed = followedOf(follow, listed, before).filter((url) => channelOfUrl(url) === url)

      const { seconds, ...spent } = await pollRound({
        ...{ memory, server, asking, at, followed, publish },
        isAll: listed !== null || follow.patterns.length === 0,
        budget: follow.patterns.length > 0 ? budget - LIST_PAGES : budget,
        partitions: partitions.length,
      })
      const mark: Polled & { next: number } = {
        ...{ type: 'Polled', at, ...spent, owed: [] },
        requests: spent.requests + listing.requests,
        failed: spent.failed + listing.failed,
        error: spent.error ?? listing.error,
        next: Math.max(floorTo(at, interval) + interval, ceilTo(at + seconds * SECOND, interval)),
      }
      await publish([{ key: NETWORK, record: mark }])
      close(memory, mark)

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
      warn('nothing', nothing && new FcmError('SOURCE_SILENT', { channels: followed.length, at: iso(at) }))
      onRound?.({ ...mark, seconds, followed: followed.length })
    }
  } catch (error) {
    if (!signal.aborted) throw error
    return { finished: false }
  }
}

/** Clocks are corrected by so much, and nobody need know. */
const CORRECTION = MINUTE

/** What is wrong when the last round was at `last` and it is `now`, ms. */
const setBack = (last: number, now: number): FcmError | false =>
  last > now + CORRECTION && new FcmError('CLOCK_BEHIND', { now: iso(now), last: iso(last) })

/** Tells each kind of trouble once, until it has passed. */
function createWarnings(tell: ((error: FcmError) => void) | undefined) {
  const told = new Set<string>()
  return (kind: string, trouble: FcmError | false): void => {
    if (!trouble) told.delete(kind)
    else if (!told.has(kind)) {
      told.add(kind)
      tell?.(trouble)
    }
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
    channels.push(...answer!.items)
    page = answer!.next ?? undefined
    if (!page || requests === LIST_PAGES) return { requests, failed: 0, error: null, channels }
  }
}
