/**
 * Counts each channel's casts and reactions in bins of five minutes, and closes a bin when coverage, or a gap, passes its
 * end (DESIGN, rules 1, 2, 4). All of it is per partition of `activity`; stage `sum` joins the partitions.
 */
import { BASE, BASE_SECONDS, floorTo } from '../../../common/time.ts'
import type { Measure } from '../../../schemas/records.ts'
import type { Input, Stage } from '../../runtime/stage.ts'
import { newLine } from '../lifecycle.ts'
import { cover } from './close.ts'
import { remember } from './dedupe.ts'
import { type Channel, type CountState, channelOf, decidedTo, dedupedFrom, initialState } from './state.ts'

const FIRST_MILESTONE = 4

export const countStage = (): Stage<CountState> => ({
  name: 'count',
  input: 'activity',
  version: 1,
  initial: initialState,
  apply(state, { key, record }) {
    if (record.type === 'Coverage') cover(state, key, record)
    else if (record.type === 'Cast' || record.type === 'Reaction') observe(state, key, record)
  },
  async settle(state, emit) {
    for (const { key, record } of state.outbox) emit('counts', key, record)
    state.outbox = []
  },
  gauges(state) {
    let capped = 0
    for (const channel of state.channels.values()) capped += channel.seen.capped
    return { channels: state.channels.size, active_channels: state.active.size, dedupe_cap_hits: capped }
  },
})

type Event = Extract<Input['record'], { type: 'Cast' | 'Reaction' }>

const POST = ['posts', 'casts', 'participants'] as const
const REPLY = ['replies', 'casts', 'participants'] as const
const REACTION = ['reactions'] as const
const measuresOf = (event: Event): readonly Measure[] =>
  event.type === 'Reaction' ? REACTION : event.parent ? REPLY : POST

function observe(state: CountState, key: string, event: Event): void {
  const channel = channelOf(state, key)
  const isRemembered = event.time >= dedupedFrom(state, channel)
  if (isRemembered && !remember(channel.seen, event.hash, event.time)) return

  state.active.add(key)
  const bin = floorTo(event.time, BASE)
  for (const measure of measuresOf(event)) {
    if (bin + BASE <= decidedTo(state, channel, measure)) {
      tallyLate(state, key, channel, measure, isRemembered ? bin : null)
    } else if (measure !== 'participants' || isNewAuthor(channel, bin, event.fid)) {
      countOne(state, key, channel, measure, bin, event.time)
    }
  }
}

function seriesOf(channel: Channel, measure: Measure) {
  channel.series[measure] ??= { ...newLine(), open: new Map(), late: new Map(), lateBefore: 0 }
  return channel.series[measure]
}

function countOne(
  state: CountState,
  key: string,
  channel: Channel,
  measure: Measure,
  bin: number,
  time: number,
) {
  const { open } = seriesOf(channel, measure)
  const n = (open.get(bin) ?? 0) + 1
  open.set(bin, n)
  if (measure !== 'participants') {
    const { next, sums } = state.network.series[measure]
    if (next === null || bin >= next) sums.set(bin, (sums.get(bin) ?? 0) + 1)
  }
  // Milestones are at 4, 8, 16, ... events: at the powers of two, which have a single bit.
  if (n >= FIRST_MILESTONE && (n & (n - 1)) === 0) {
    state.outbox.push({
      key,
      record: { type: 'Milestone', measure, start: bin, seconds: BASE_SECONDS, n, time },
    })
  }
}

/** `bin` null: from before all that is remembered. */
function tallyLate(
  state: CountState,
  key: string,
  channel: Channel,
  measure: Measure,
  bin: number | null,
): void {
  const series = seriesOf(channel, measure)
  const count = bin === null ? series.lateBefore + 1 : (series.late.get(bin) ?? 0) + 1
  if (bin === null) series.lateBefore = count
  else series.late.set(bin, count)
  state.outbox.push({ key, record: { type: 'Late', measure, start: bin, count } })
}

function isNewAuthor(channel: Channel, bin: number, fid: number): boolean {
  const authors = channel.authors.get(bin) ?? new Set()
  channel.authors.set(bin, authors)
  const before = authors.size
  return authors.add(fid).size > before
}
