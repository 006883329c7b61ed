/** What the load command writes to the activity log: history as fast as it is taken, then bins by an open schedule. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BASE } from '../../common/time.ts'
import type { NewRec } from '../../pipeline/log/port.ts'
import { backlog } from '../../pipeline/runtime/lag.ts'
import { topicOf } from '../../pipeline/topology.ts'
import { PARTS } from '../../schemas/measures.js'
import { NETWORK } from '../../schemas/records.ts'
import type { Config } from '../config.ts'
import type { Engines } from '../engines.ts'
import { PROCESSING } from '../roles/roles.ts'
import { type Planned, plan, recordOf } from './network.ts'

export type Feed = {
  engines: Pick<Engines, 'log' | 'codec'> & { config: Pick<Config, 'partitions'> }
  run: string
  channels: number
  quiet: number
}

/** Records that may wait to be processed while history is written. */
const MOST_WAITING = 20_000
/** The schedule's grain, ms: what is due by then is appended at once, as a source appends what one poll has brought. */
const TICK_MS = 5

const record = ({ engines, run }: Feed, planned: Planned, n: number): NewRec => ({
  topic: topicOf(run, 'activity'),
  key: planned.channel,
  value: engines.codec.encode(recordOf(planned, n)),
})

/** What says that a bin is complete, to every partition. */
function closing({ engines, run }: Feed, bin: number): NewRec[] {
  const { codec, config } = engines
  const value = codec.encode({
    type: 'Coverage',
    status: 'complete',
    measures: [...PARTS],
    from: bin * BASE,
    to: (bin + 1) * BASE,
    reason: null,
    partitions: config.partitions,
  })
  const topic = topicOf(run, 'activity')
  return Array.from({ length: config.partitions }, (_, partition) => ({
    topic,
    partition,
    key: NETWORK,
    value,
  }))
}

/** All records of a bin: its events in order of time, and behind them what says that it is complete. */
export const recordsOf = (feed: Feed, bin: number): NewRec[] => [
  ...plan(feed.channels, bin, feed.quiet).map((planned, n) => record(feed, planned, n)),
  ...closing(feed, bin),
]

/** Appends the bins [from, to), each behind the other, no faster than they are processed. */
export async function feedHistory(
  feed: Feed,
  from: number,
  to: number,
  signal: AbortSignal,
  onBin: (bin: number) => void,
): Promise<void> {
  const { engines, run } = feed
  for (let bin = from; bin < to && !signal.aborted; bin++) {
    await engines.log.append(recordsOf(feed, bin))
    onBin(bin)
    while (!signal.aborted && (await backlog(engines.log, run, PROCESSING)) > MOST_WAITING) await sleep(10)
  }
}

export type Fed = {
  /** The bin behind the last one that was closed. */
  bin: number
  /** Events and coverages appended. */
  records: number
  seconds: number
  /** How much later than scheduled each bin's coverage was handed to the log, ms: what the feed itself lacks in speed. */
  late: number[]
}

/**
 * Appends bins from `bin` on at `rate` events/s by a schedule that waits for nothing, each bin's coverage with its last
 * event, until `enough` says so at a close.
 */
export async function feedOpenLoop(
  feed: Feed,
  bin: number,
  rate: number,
  signal: AbortSignal,
  enough: () => boolean,
): Promise<Fed> {
  const { log } = feed.engines
  const appends: Promise<void>[] = []
  const late: number[] = []
  const began = performance.now()
  let failed: { error: unknown } | undefined
  let sent = 0
  let records = 0
  const append = (recs: NewRec[]) => {
    records += recs.length
    appends.push(
      log.append(recs).catch((error) => {
        failed = { error }
      }),
    )
  }
  const planOf = (of: number) => plan(feed.channels, of, feed.quiet)
  let planned = planOf(bin)
  while (!enough() && !signal.aborted && !failed) {
    const { length } = planned
    let next: Planned[] | undefined
    for (let at = 0; at < length && !signal.aborted; ) {
      const due = Math.floor(((performance.now() - began) * rate) / 1000) - sent
      const end = Math.min(length, Math.max(at, due))
      const recs = planned.slice(at, end).map((one, i) => record(feed, one, at + i))
      if (end === length) recs.push(...closing(feed, bin))
      if (end > at) append(recs)
      at = end
      if (at === length) late.push(performance.now() - began - ((sent + length) * 1000) / rate)
      // While nothing much is going on: making it at the close would take from what is measured there.
      else if (at > length / 2) next ??= planOf(bin + 1)
      await sleep(TICK_MS)
    }
    sent += length
    bin++
    planned = next ?? planOf(bin)
  }
  await Promise.all(appends)
  if (failed) throw failed.error
  return { bin, records, seconds: (performance.now() - began) / 1000, late }
}
