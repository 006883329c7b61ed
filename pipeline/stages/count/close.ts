/** What coverage does: it closes bins, and reports this partition's share of the network's. */
import { FcmError } from '../../../common/errors.ts'
import { BASE, BASE_SECONDS, DAY, floorTo, HOUR } from '../../../common/time.ts'
import { type Count, type Coverage, MEASURES, type MeasureBin, NETWORK } from '../../../schemas/records.ts'
import { close } from '../lifecycle.ts'
import { extend, forget, type Span, share } from './coverage.ts'
import { sweep } from './dedupe.ts'
import {
  type Channel,
  type CountState,
  channelOf,
  coveredSpans,
  decidedTo,
  dedupedFrom,
  newTracks,
  type Series,
  SPOKEN_OF,
  SUMMED,
  type Summed,
} from './state.ts'

/** A longer one is a mistake, and would close bins for minutes. */
const LONGEST = 400 * DAY

/** Takes in what the source says of one channel, or (key `*`) of all of them. */
export function cover(state: CountState, key: string, coverage: Coverage): void {
  const { from, to, status } = coverage
  if (!(from < to && to - from <= LONGEST)) {
    throw new FcmError('RECORD_MALFORMED', {
      why: `coverage from ${from} to ${to} is no span of at most 400 days`,
    })
  }
  const measures = SPOKEN_OF.filter((m) => coverage.measures.includes(m))
  if (key !== NETWORK) {
    const channel = channelOf(state, key)
    channel.tracks ??= newTracks()
    for (const m of measures) extend(channel.tracks[m], from, to, status === 'covered')
    closeBins(state, key, channel, coverage.reason)
    return
  }
  for (const m of measures) state.network.spokenTo[m] = Math.max(state.network.spokenTo[m], to)
  if (status !== 'decided') {
    for (const m of measures) extend(state.source[m], from, to, status === 'complete')
    // Idle series say nothing while all is covered. But a gap is no zero: each of them has to say so.
    if (status === 'gap') for (const name of state.channels.keys()) state.active.add(name)
    for (const name of [...state.active]) {
      const channel = state.channels.get(name)!
      closeBins(state, name, channel, coverage.reason)
      if (isQuiet(channel)) state.active.delete(name)
    }
    // At a gap every series moves on behind it, so none will ask for what was before.
    const needed = decidedTo(state, null, 'casts') - 3 * DAY
    for (const m of measures) forget(state.source[m], needed)
  }
  reportNetwork(state, coverage)
}

const isQuiet = (channel: Channel): boolean =>
  channel.seen.size === 0 &&
  Object.values(channel.series).every((series) => series.idle && series.open.size === 0)

/** Writes all bins of a channel that are decided now, in order of time; the measures of one bin in one record. */
function closeBins(state: CountState, key: string, channel: Channel, reason: string | null): void {
  const due = MEASURES.flatMap((measure) => {
    const series = channel.series[measure]
    return series ? [{ measure, series, to: decidedTo(state, channel, measure) }] : []
  })
  const push = (record: Count) => state.outbox.push({ key, record })

  for (;;) {
    let start = Number.POSITIVE_INFINITY
    for (const { series, to } of due) {
      const next = dueStart(series)
      if (next + BASE <= to && next < start) start = next
    }
    if (start === Number.POSITIVE_INFINITY) break

    const bins: MeasureBin[] = []
    const idle: Count[] = []
    for (const { measure, series, to } of due) {
      if (dueStart(series) !== start || start + BASE > to) continue
      const spans = coveredSpans(state, channel, measure)
      for (const span of unknownUntil(series, start, spans))
        push({ type: 'Unknown', measure, ...span, reason })
      const covered = share(spans, start, start + BASE)
      const count = series.open.get(start) ?? 0
      series.open.delete(start)
      if (measure === 'participants') channel.authors.delete(start)
      const said = close(series, start, count, covered < 1)
      bins.push({ measure, count, covered, masked: covered < 1 })
      if (said === 'last') idle.push({ type: 'Idle', measure, from: start + BASE })
    }
    push({ type: 'BinClosed', start, seconds: BASE_SECONDS, bins })
    for (const record of idle) push(record)
  }

  for (const { measure, series, to } of due) {
    const spans = coveredSpans(state, channel, measure)
    for (const span of unknownUntil(series, floorTo(to, BASE), spans))
      push({ type: 'Unknown', measure, ...span, reason })
  }
  forgetOld(state, channel)
}

/** Start of the next bin that the series will write: an active series' next, an idle one's first with an event. */
function dueStart(series: Series): number {
  if (!series.idle) return series.next!
  let first = Number.POSITIVE_INFINITY
  for (const start of series.open.keys()) if (start < first) first = start
  return first
}

/** Moves an idle series on to `until`; returns the bins on the way that were not covered, as spans. */
function unknownUntil(series: Series, until: number, spans: readonly Span[]): Span[] {
  const { idle, next } = series
  if (!idle || next === null || next >= until) return []
  series.next = until
  if (share(spans, next, until) === 1) return []
  const unknown: Span[] = []
  for (let start = next; start < until; start += BASE) {
    if (share(spans, start, start + BASE) === 1) continue
    const last = unknown.at(-1)
    if (last?.to === start) last.to += BASE
    else unknown.push({ from: start, to: start + BASE })
  }
  return unknown
}

function forgetOld(state: CountState, channel: Channel): void {
  const from = dedupedFrom(state, channel)
  if (!sweep(channel.seen, from)) return
  for (const { late } of Object.values(channel.series)) {
    for (const start of late.keys()) if (start < floorTo(from, HOUR)) late.delete(start)
  }
  if (channel.tracks) for (const m of SPOKEN_OF) forget(channel.tracks[m], from - DAY)
}

/** This partition's share of every network bin that the source has spoken of by now, also of empty ones. */
function reportNetwork(state: CountState, coverage: Coverage): void {
  const { spokenTo, series } = state.network
  const to = (m: Summed) => (m === 'casts' ? Math.min(spokenTo.posts, spokenTo.replies) : spokenTo[m])
  const spoken = SUMMED.filter((m) => to(m) > Number.NEGATIVE_INFINITY)
  for (const m of spoken) series[m].next ??= floorTo(coverage.from, BASE)
  for (;;) {
    const ready = spoken.filter((m) => series[m].next! + BASE <= to(m))
    if (ready.length === 0) return
    const start = Math.min(...ready.map((m) => series[m].next!))
    const sums = ready
      .filter((m) => series[m].next === start)
      .map((measure) => {
        const network = series[measure]
        const count = network.sums.get(start) ?? 0
        network.sums.delete(start)
        network.next = start + BASE
        return { measure, count, ...coveredChannels(state, coverage, measure, start) }
      })
    const { partition, outbox } = state
    const { partitions } = coverage
    outbox.push({
      key: NETWORK,
      record: { type: 'Partial', start, seconds: BASE_SECONDS, partition, partitions, sums },
    })
  }
}

/** A source that speaks for the whole network counts as following one thing; else its followed channels count. */
function coveredChannels(state: CountState, { status }: Coverage, measure: Summed, start: number) {
  const isCovered = (channel: Channel | null) =>
    share(coveredSpans(state, channel, measure), start, start + BASE) === 1 ? 1 : 0
  if (status !== 'decided') return { covered: isCovered(null), followed: 1 }
  let covered = 0
  let followed = 0
  for (const channel of state.channels.values()) {
    if (!channel.tracks) continue
    followed++
    covered += isCovered(channel)
  }
  return { covered, followed }
}
