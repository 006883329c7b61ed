/**
 * Counts each channel's casts and reactions in bins of five minutes, and closes a bin when coverage, or a gap, passes its
 * end (DESIGN, rules 1, 2, 4). All of it is per partition of `activity`; stage `sum` joins the partitions.
 */
import { createHash } from 'node:crypto'
import { BASE, BASE_SECONDS, floorTo } from '../../../common/time.ts'
import { MEASURES, type Measure, type Part, ruleOf } from '../../../schemas/measures.js'
import { NETWORK, NO_CHANNEL, type ReactionCount } from '../../../schemas/records.ts'
import type { Input, Stage } from '../../runtime/stage.ts'
import { newLine } from '../lifecycle.ts'
import { shareOf } from '../share.ts'
import { MOST_CHANNELS } from './channels.ts'
import { cover } from './close.ts'
import { forgetOldest, knows, MOST_HASHES, remember } from './dedupe.ts'
import {
  type Channel,
  type CountState,
  channelOf,
  decidedTo,
  dedupedFrom,
  hasRoom,
  initialState,
  namedIn,
  networkSeries,
  OTHERS,
  type Series,
} from './state.ts'

const FIRST_MILESTONE = 4

type Limits = {
  mostChannels: number
  mostHashes: { named: number; none: number }
}

/** What the states of a run may hold together, and how many `partitions` share that. One process may have to hold them all. */
export type CountOptions = Partial<Limits> & { partitions?: number }

export function countStage(options: CountOptions = {}): Stage<'count', CountState> {
  const { mostChannels = MOST_CHANNELS, mostHashes = MOST_HASHES, partitions = 1 } = options
  const most = shareOf(mostChannels, partitions)
  const limits: Limits = {
    mostChannels: most,
    mostHashes: { ...mostHashes, named: shareOf(mostHashes.named, partitions) },
  }
  return {
    name: 'count',
    version: 4,
    rebuild: 'aloud',
    initial: initialState,
    apply(state, { key, record }) {
      if (record.type === 'Coverage') cover(state, key, record, most)
      else if (record.type === 'Cast' || record.type === 'Reaction')
        observe(state, limits, key, record, record.hash)
      else if (record.type === 'ReactionCount')
        observe(state, limits, key, record, identityOf(record), record.rise)
      else if (record.type === 'Polled' && key !== NETWORK) channelOf(state, key).polledAt = record.at
    },
    async settle(state, emit) {
      for (const output of state.outbox) emit(...output)
      state.outbox = []
    },
    // Detect and store deal with what closes together, in the same process or on the same machine.
    pace: { burst: 100, calmMs: 1000 },
    gauges(state) {
      let capped = 0
      for (const { seen } of state.channels.values()) capped += seen.capped
      return {
        ...{
          channels: namedIn(state),
          active_channels: state.active.size,
          messages_refused: state.refused,
        },
        ...{ dedupe_hashes: state.hashes, dedupe_cap_hits: capped },
      }
    },
  }
}

type Event = Extract<Input['record'], { type: 'Cast' | 'Reaction' | 'ReactionCount' }>

const partOf = (event: Event): Part =>
  event.type !== 'Cast' ? 'reactions' : event.parent ? 'replies' : 'posts'

/** A count is no message and has no hash: it is the same when it is of the same cast, kind and poll. */
const identityOf = ({ target, kind, time }: ReactionCount): Buffer =>
  createHash('sha256').update(target.hash).update(`${kind} ${time}`).digest()

/** Takes in a message, or a count that stands for `amount` of them. */
function observe(
  state: CountState,
  { mostChannels, mostHashes }: Limits,
  key: string,
  event: Event,
  identity: Buffer,
  amount = 1,
): void {
  if (amount === 0) return
  const isKept = hasRoom(state, key, mostChannels)
  const name = isKept ? key : OTHERS
  const channel = channelOf(state, name)
  const isRemembered = event.time >= dedupedFrom(state, channel)
  if (isRemembered) {
    // One that has found room since may repeat what it said before.
    const others = isKept && state.channels.get(OTHERS)
    if (others && knows(others.seen, identity, event.time)) return
    if (!remember(channel.seen, identity, event.time)) return
    state.hashes++
    limitHashes(state, mostHashes)
  }
  channel.lastAt = Math.max(channel.lastAt, event.time)
  if (!isKept) state.refused += amount

  state.active.add(name)
  const bin = floorTo(event.time, BASE)
  const part = partOf(event)
  for (const measure of MEASURES) {
    const { of, counts, distinct } = ruleOf(measure)
    if (!of.includes(part) || counts?.(event) === false) continue
    const isLate = bin + BASE <= decidedTo(state, channel, measure)
    if (!isKept) {
      if (!isLate && !distinct) addToNetwork(state, name, measure, bin, amount)
    } else if (isLate) {
      tallyLate(state, key, channel, measure, isRemembered ? bin : null, amount)
    } else if (!distinct) {
      countIn(state, key, channel, measure, bin, amount, event.time)
    } else if ('fid' in event && isNewAuthor(seriesOf(channel, measure), bin, event.fid)) {
      countIn(state, key, channel, measure, bin, 1, event.time)
    }
  }
}

function limitHashes(state: CountState, { named, none }: Limits['mostHashes']): void {
  const seenOfNone = state.channels.get(NO_CHANNEL)?.seen
  if (seenOfNone && seenOfNone.size > none) {
    state.hashes -= seenOfNone.size
    state.hashes += forgetOldest([seenOfNone], none)
  }
  const inNone = seenOfNone?.size ?? 0
  if (state.hashes - inNone <= named) return
  const others = [...state.channels].flatMap(([name, { seen }]) => (name === NO_CHANNEL ? [] : seen))
  // To well below it: it goes through all channels, which may not be at every message.
  state.hashes = inNone + forgetOldest(others, (named * 3) / 4)
}

function seriesOf(channel: Channel, measure: Measure) {
  channel.series[measure] ??= {
    ...{ ...newLine(), open: new Map(), late: new Map(), lateBefore: 0 },
    authors: ruleOf(measure).distinct ? new Map() : null,
  }
  return channel.series[measure]
}

function countIn(
  state: CountState,
  key: string,
  channel: Channel,
  measure: Measure,
  bin: number,
  amount: number,
  time: number,
) {
  const { open } = seriesOf(channel, measure)
  const before = open.get(bin) ?? 0
  open.set(bin, before + amount)
  if (!ruleOf(measure).distinct) addToNetwork(state, key, measure, bin, amount)
  // Milestones are at 4, 8, 16, ... events; a count may pass several of them at once.
  for (
    let n = Math.max(FIRST_MILESTONE, 2 ** Math.floor(Math.log2(before) + 1));
    n <= before + amount;
    n *= 2
  ) {
    state.outbox.push([
      'counts',
      key,
      { type: 'Milestone', measure, start: bin, seconds: BASE_SECONDS, n, time },
    ])
  }
}

function addToNetwork(state: CountState, key: string, measure: Measure, bin: number, amount: number): void {
  const { next, sums } = networkSeries(state, measure)
  if (next !== null && bin < next) return
  let sum = sums.get(bin)
  if (!sum) {
    sum = new Map()
    sums.set(bin, sum)
  }
  sum.set(key, (sum.get(key) ?? 0) + amount)
}

/** `bin` null: from before all that is remembered. */
function tallyLate(
  state: CountState,
  key: string,
  channel: Channel,
  measure: Measure,
  bin: number | null,
  amount: number,
): void {
  const series = seriesOf(channel, measure)
  const count = (bin === null ? series.lateBefore : (series.late.get(bin) ?? 0)) + amount
  if (bin === null) series.lateBefore = count
  else series.late.set(bin, count)
  state.outbox.push(['counts', key, { type: 'Late', measure, start: bin, count }])
}

function isNewAuthor({ authors }: Series, bin: number, fid: number): boolean {
  const inBin = authors!.get(bin) ?? new Set()
  authors!.set(bin, inBin)
  const before = inBin.size
  return inBin.add(fid).size > before
}
