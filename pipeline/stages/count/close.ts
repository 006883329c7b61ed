/** What coverage does: it closes bins, and reports this partition's share of the network's. */
import { FcmError } from '../../../common/errors.ts'
import { BASE, BASE_SECONDS, DAY, floorTo, HOUR } from '../../../common/time.ts'
import { MEASURES, type Measure, PARTS, type Part, ruleOf, SUMMED } from '../../../schemas/measures.js'
import { type Count, type Coverage, type MeasureBin, NETWORK } from '../../../schemas/records.ts'
import { close, newLine } from '../lifecycle.ts'
import { dropSilent, isQuiet } from './channels.ts'
import { extend, forget, type Span, share, uncovered } from './coverage.ts'
import { sweep } from './dedupe.ts'
import {
  type Channel,
  type CountState,
  channelOf,
  coveredSpans,
  decidedTo,
  dedupedFrom,
  networkSeries,
  newTracks,
  type Series,
} from './state.ts'

/** A longer one is a mistake, and would close bins for minutes. */
const LONGEST = 400 * DAY

/** Takes in what the source says of one channel, or (key `*`) of all of them; strangers may name `most` channels. */
export function cover(state: CountState, key: string, coverage: Coverage, most: number): void {
  const { from, to, status } = coverage
  if (!(from < to && to - from <= LONGEST)) {
    throw new FcmError('RECORD_MALFORMED', {
      why: `coverage from ${from} to ${to} is no span of at most 400 days`,
    })
  }
  const measures = PARTS.filter((m) => coverage.measures.includes(m))
  if (key !== NETWORK) {
    const channel = channelOf(state, key)
    channel.tracks ??= newTracks()
    for (const m of measures) {
      if (decidedTo(state, channel, m) < from) beginAnew(channel, m)
      extend(channel.tracks[m], from, to, status === 'covered')
    }
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
  dropSilent(state, most)
}

/**
 * Followed again after a time of which nothing was said: nothing is written of it, as of that before the first event.
 * But an idle series has said that silence means zeros, so that it has to take that back for this time.
 */
function beginAnew(channel: Channel, part: Part): void {
  for (const measure of MEASURES) {
    const series = channel.series[measure]
    if (series && !series.idle && ruleOf(measure).of.includes(part)) Object.assign(series, newLine())
  }
}

/** Writes all bins of a channel that are decided now, in order of time; the measures of one bin in one record. */
function closeBins(state: CountState, key: string, channel: Channel, reason: string | null): void {
  const due = MEASURES.flatMap((measure) => {
    const series = channel.series[measure]
    return series ? [{ measure, series, to: decidedTo(state, channel, measure) }] : []
  })
  const push = (record: Count) => state.outbox.push(['counts', key, record])

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
      series.authors?.delete(start)
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
  return uncovered(spans, next, until)
}

function forgetOld(state: CountState, channel: Channel): void {
  const from = dedupedFrom(state, channel)
  const before = channel.seen.size
  if (!sweep(channel.seen, from)) return
  state.hashes -= before - channel.seen.size
  const hour = floorTo(from, HOUR)
  for (const { late, open, authors } of Object.values(channel.series)) {
    for (const start of late.keys()) if (start < hour) late.delete(start)
    // Bins this old are still open only where the source never speaks of the measure, or no more.
    for (const start of open.keys()) if (start < hour) open.delete(start)
    for (const start of authors?.keys() ?? []) if (start < hour) authors!.delete(start)
  }
  if (channel.tracks) for (const m of PARTS) forget(channel.tracks[m], from - DAY)
}

/** This partition's share of every network bin that the source has spoken of by now, also of empty ones. */
function reportNetwork(state: CountState, coverage: Coverage): void {
  const { spokenTo } = state.network
  const spoken = SUMMED.map((measure) => ({
    ...{ measure, series: networkSeries(state, measure) },
    to: Math.min(...ruleOf(measure).of.map((part) => spokenTo[part])),
  })).filter(({ to }) => to > Number.NEGATIVE_INFINITY)
  for (const { series } of spoken) {
    if (series.next !== null) continue
    series.next = floorTo(coverage.from, BASE)
    for (const start of series.sums.keys()) if (start < series.next) series.sums.delete(start)
  }
  for (;;) {
    const ready = spoken.filter(({ series, to }) => series.next! + BASE <= to)
    if (ready.length === 0) return
    const start = Math.min(...ready.map(({ series }) => series.next!))
    const sums = ready
      .filter(({ series }) => series.next === start)
      .map(({ measure, series }) => {
        const counts = series.sums.get(start) ?? new Map<string, number>()
        series.sums.delete(start)
        series.next = start + BASE
        return { measure, ...networkSum(state, coverage, measure, start, counts) }
      })
    const { partition, outbox } = state
    const { partitions } = coverage
    outbox.push([
      'partials',
      String(partition),
      { type: 'Partial', start, seconds: BASE_SECONDS, partition, partitions, sums },
    ])
  }
}

/**
 * A source that speaks for the whole network counts as following one thing; else the channels that it followed then
 * count, and their events alone.
 */
function networkSum(
  state: CountState,
  { status }: Coverage,
  measure: Measure,
  start: number,
  counts: ReadonlyMap<string, number>,
) {
  const end = start + BASE
  const isCovered = (channel: Channel | null) =>
    share(coveredSpans(state, channel, measure), start, end) === 1 ? 1 : 0
  let count = 0
  if (status !== 'decided') {
    for (const n of counts.values()) count += n
    return { count, covered: isCovered(null), followed: 1 }
  }
  let covered = 0
  let followed = 0
  for (const [name, channel] of state.channels) {
    // Those of a channel that is followed have all been polled since the bin ended: it could not be decided before.
    if (channel.polledAt < end) continue
    count += counts.get(name) ?? 0
    followed++
    covered += isCovered(channel)
  }
  return { count, covered, followed }
}
