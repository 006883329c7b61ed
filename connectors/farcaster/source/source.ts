/** The polling source: follows channels through the tools of an MCP server, round after round. */
import type { FcmError } from '../../../common/errors.ts'
import { untilItPasses } from '../../../common/retry.ts'
import { ceilTo, floorTo, HOUR, SECOND } from '../../../common/time.ts'
import type { EventLog, NewRec } from '../../../pipeline/log/port.ts'
import { topicOf } from '../../../pipeline/topology.ts'
import type { Codec } from '../../../schemas/codec.ts'
import { NETWORK, type Polled } from '../../../schemas/records.ts'
import { channelOfUrl } from '../stamp.ts'
import type { Keyed } from '../tail.ts'
import { askAll } from './asking.ts'
import type { Clock } from './clock.ts'
import { type Follow, followedOf } from './follow.ts'
import { close, learn } from './memory.ts'
import { rebuild } from './rebuild.ts'
import { pollRound } from './round.ts'
import type { ChannelInfo, FarcasterServer, PageKey } from './server.ts'

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
  /** The log can't be written to, for a reason that may pass; said once until it can. */
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

  async function publish(items: Keyed[]): Promise<void> {
    const after = memory.mark?.at ?? Number.NEGATIVE_INFINITY
    const records = items.flatMap(({ key, record }): NewRec[] => {
      const value = codec.encode(record)
      return key === NETWORK
        ? partitions.map((partition) => ({ topic, partition, key, value }))
        : [{ topic, key, value }]
    })
    const warn = (error: FcmError, attempt: number) => attempt === 1 && onWarning?.(error)
    if (records.length > 0) await untilItPasses(() => log.append(records), warn, signal)
    for (const { key, record } of items) learn(memory, key, record, after)
  }

  let listed: ChannelInfo[] | null = null
  try {
    for (;;) {
      const begin = memory.mark?.next ?? clock.now()
      if (begin > until) return { finished: true }
      await clock.until(begin)
      const at = floorTo(clock.now(), SECOND)
      const deadline = at + interval
      const last = memory.mark?.at ?? Number.NEGATIVE_INFINITY

      let listing: Listing = { requests: 0, failed: 0, error: null, channels: listed }
      const isOld = floorTo(last, LIST_AGE) !== floorTo(at, LIST_AGE)
      if (follow.patterns.length > 0 && (listed === null || isOld))
        listing = await listChannels(server, clock, deadline)
      listed = listing.channels ?? listed
      const before = [...memory.channels].filter(([, channel]) => channel.at === last).map(([url]) => url)
      const followed = followedOf(follow, listed, before).filter((url) => channelOfUrl(url) === url)

      const spent = await pollRound({
        ...{ memory, server, clock, at, deadline, followed, publish },
        isAll: listed !== null || follow.patterns.length === 0,
        budget: budget - LIST_PAGES,
        partitions: partitions.length,
      })
      const mark: Polled & { next: number } = {
        type: 'Polled',
        at,
        complete: spent.complete,
        owed: [],
        requests: spent.requests + listing.requests,
        failed: spent.failed + listing.failed,
        error: spent.error ?? listing.error,
        next: Math.max(floorTo(at, interval) + interval, ceilTo(at + spent.seconds * SECOND, interval)),
      }
      await publish([{ key: NETWORK, record: mark }])
      close(memory, mark)
      onRound?.({ ...mark, seconds: spent.seconds, followed: followed.length })
    }
  } catch (error) {
    if (!signal.aborted) throw error
    return { finished: false }
  }
}

type Listing = { requests: number; failed: number; error: string | null; channels: ChannelInfo[] | null }

/** All channels of the server; `channels` null when that failed. */
async function listChannels(server: FarcasterServer, clock: Clock, deadline: number): Promise<Listing> {
  const channels: ChannelInfo[] = []
  let page: PageKey | undefined
  for (let requests = 1; ; requests++) {
    const [answer] = await askAll([page], (key) => server.channels(key), clock, deadline)
    if (answer!.outcome === 'failed') return { requests, failed: 1, error: answer!.why, channels: null }
    channels.push(...answer!.items)
    page = answer!.next ?? undefined
    if (!page || requests === LIST_PAGES) return { requests, failed: 0, error: null, channels }
  }
}
