/**
 * Stage `detect`: counts in; a signal for every eligible closed bin (the decision log) and the events of episodes out.
 * `apply` moves series on and queues what was observed; `settle` scores and decides it. Nothing but event time and the
 * records of one key, in their order, has any influence on what is decided for that key.
 */
import { BASE, BASE_SECONDS, DAY, floorTo, RESOLUTIONS } from '../../../common/time.ts'
import { isScorable, ROW, writeRow } from '../../../models/cnn-lstm/inputs.ts'
import {
  createReplyShare,
  observeReplyShare,
  type ReplyShare,
  usualShare,
} from '../../../models/early-warning/reply-share.ts'
import { PREPROCESSING } from '../../../models/early-warning/tracker.ts'
import { type BinClosed, type Count, MEASURES, type Milestone } from '../../../schemas/records.ts'
import type { Input, Stage } from '../../runtime/stage.ts'
import {
  addToSum,
  applyBin,
  applyIdle,
  applyUnknown,
  createSeries,
  createSum,
  ineligible,
  type Observed,
  type Scale,
  type Series,
  type Sum,
} from './series.ts'
import { defaults, type Preset, type Settings, settingsHash } from './settings.ts'
import { type Item, settleItem, type Watches } from './settle.ts'
import { judgeClosed, judgeOpen, type SurgeScale, surgeScales, surgesAt } from './surge.ts'

/** Rows of the CNN-LSTM one after another; the probability of each, which depends on that row alone. */
export type Scoring = { model: string; score(rows: Float32Array): Promise<Float32Array> }

/** What is known of one channel. */
type Channel = {
  /** In the order of MEASURES. */
  series: (Series | null)[]
  /** The share of replies among its casts, by resolution; null until a window of its casts is kept. */
  replies: ({ share: ReplyShare; casts: Sum; replies: Sum } | null)[]
}

export type DetectState = {
  channels: Map<string, Channel>
  queue: Item[]
  watches: Map<string, Watches>
}

export type DetectOptions = {
  run: string
  scoring: Scoring
  preset?: Preset
  settings?: Partial<typeof defaults>
}

export function detectStage({
  run,
  scoring,
  preset,
  settings: some,
}: DetectOptions): Stage<'detect', DetectState> {
  const settings: Settings = { ...defaults, ...some, preset: preset ?? 'calibrated' }
  const { model } = scoring
  const rules = { run, settings, model, hash: settingsHash(settings, model) }
  return {
    name: 'detect',
    version: 2,
    // Alerts stand by what was decided then.
    rebuild: 'silently',
    // Where much closes together, alerts are being stored, and other partitions decide theirs, before what explains them is
    // encoded, sent and read.
    pace: { burst: 100, calmMs: 1000, urgent: { topics: ['alerts'], headStartMs: 50 } },
    initial: () => ({ channels: new Map(), queue: [], watches: new Map() }),
    apply: (state, input) => apply(state, input, settings),
    async settle(state, emit) {
      const scores = await scoresOf(state.queue, scoring)
      const { queue } = state
      state.queue = []
      for (const [i, item] of queue.entries()) settleItem(state.watches, item, scores[i]!, rules, emit)
    },
  }
}

/** The score of each item, null for those that have no row. */
async function scoresOf(queue: readonly Item[], { score }: Scoring): Promise<(number | null)[]> {
  const rows = queue.flatMap((item) => (item.kind === 'bin' && item.row ? [item.row] : []))
  if (rows.length === 0) return queue.map(() => null)
  const all = new Float32Array(rows.length * ROW)
  for (const [i, row] of rows.entries()) all.set(row, i * ROW)
  const scores = (await score(all)).values()
  return queue.map((item) => (item.kind === 'bin' && item.row ? (scores.next().value ?? null) : null))
}

function apply(state: DetectState, { key, record }: Input<Count>, settings: Settings): void {
  if (record.type === 'BinClosed') {
    applyClosed(state, key, record, settings)
  } else if (record.type === 'Milestone') {
    applyMilestone(state, key, record, settings)
  } else if (record.type === 'Idle' || record.type === 'Unknown') {
    const { measure, from } = record
    const series = state.channels.get(key)?.series[MEASURES.indexOf(measure)]
    if (!series) return
    if (record.type === 'Unknown') applyUnknown(series, from, record.to)
    else if (applyIdle(series, from)) state.queue.push({ kind: 'idle', key, measure, time: from })
  }
}

function applyMilestone(state: DetectState, key: string, record: Milestone, settings: Settings): void {
  const { measure, start, seconds, n, time } = record
  const series = state.channels.get(key)?.series[MEASURES.indexOf(measure)]
  if (!series || seconds !== BASE_SECONDS || start < series.next) return
  if (n <= (series.milestones.get(start) ?? 0)) return
  series.milestones.set(start, n)
  // Of a measure that is spoken of no more, bins stay open.
  for (const open of series.milestones.keys()) if (open < start - 2 * DAY) series.milestones.delete(open)
  for (const scale of surgeScales(series, settings)) {
    queueOpen(state.queue, series, scale, floorTo(start, scale.seconds * 1000), key, time, settings)
  }
}

/** Judges the open bin that begins at `begin` by what it holds so far. */
function queueOpen(
  queue: Item[],
  series: Series,
  scale: SurgeScale,
  begin: number,
  key: string,
  time: number,
  settings: Settings,
): void {
  const surging = judgeOpen(series, scale, heldSince(series, scale, begin), begin, settings)
  if (surging) queue.push({ kind: 'surge', key, measure: series.measure, time, surging })
}

/** What the open bin that begins at `begin` holds at least: base bins that have closed, and milestones of those that have not. */
function heldSince({ milestones }: Series, { sum, seconds }: Scale, begin: number): number {
  let count = sum.start === begin && sum.bins > 0 && !sum.masked ? sum.count : 0
  for (const [start, n] of milestones) {
    if (start >= begin && start < begin + seconds * 1000) count += n
  }
  return count
}

function applyClosed(state: DetectState, key: string, record: BinClosed, settings: Settings): void {
  const { start } = record
  if (record.seconds !== BASE_SECONDS || start % BASE !== 0) return
  let channel = state.channels.get(key)
  if (!channel) {
    channel = { series: MEASURES.map(() => null), replies: RESOLUTIONS.map(() => null) }
    state.channels.set(key, channel)
  }
  const replies = applyReplies(channel, record)
  const usualReplies = channel.replies.map((of) => (of ? usualShare(of.share) : Number.NaN))
  // Decided by (end, resolution, measure): all that closes on one record ends together.
  const closed: Observed[][] = RESOLUTIONS.map(() => [])
  for (const [index, measure] of MEASURES.entries()) {
    const bin = record.bins.find((b) => b.measure === measure)
    if (!bin) continue
    let series = channel.series[index]
    if (!series) {
      series = createSeries(measure, start)
      channel.series[index] = series
    }
    if (start >= series.next) applyBin(series, start, bin, replies, settings, closed)
  }
  const time = start + BASE
  for (const [index, observed] of closed.entries()) {
    for (const o of observed) queueObserved(state.queue, o, usualReplies[index]!, key, time, settings)
  }
  for (const series of channel.series) {
    if (series?.next !== time) continue
    // The hour goes on: what it holds so far may be enough.
    for (const scale of surgeScales(series, settings)) {
      const { bins, start: begin } = scale.sum
      if (bins > 0) queueOpen(state.queue, series, scale, begin, key, time, settings)
    }
  }
}

const CASTS = MEASURES.indexOf('casts')
const REPLIES = MEASURES.indexOf('replies')
const UNKNOWN = RESOLUTIONS.map(() => Number.NaN)

/**
 * Residuals of the share of replies in the bins that close with a record, by resolution; NaN where not known. Only a record
 * that closes a bin of casts speaks of it, once: other measures may close in records of their own.
 */
function applyReplies(channel: Channel, { start, bins }: BinClosed): number[] {
  const casts = bins.find(({ measure }) => measure === 'casts')
  const series = channel.series[CASTS]
  if (!casts || (series && start < series.next)) return UNKNOWN
  const replies = bins.find(({ measure }) => measure === 'replies')
  // Casts are covered where replies are: a series of these that has not begun, or is idle, stands for zeros.
  const none = !channel.series[REPLIES] || channel.series[REPLIES].idle
  const masked = casts.masked || (replies ? replies.masked : !none)
  return RESOLUTIONS.map((seconds, i) => {
    if (!series?.scales[i]?.tracker.window) {
      channel.replies[i] = null
      return Number.NaN
    }
    channel.replies[i] ??= { share: createReplyShare(), casts: createSum(), replies: createSum() }
    const of = channel.replies[i]
    addToSum(of.casts, seconds, start, 1, casts.count, masked)
    addToSum(of.replies, seconds, start, 1, replies?.count ?? 0, masked)
    if ((start + BASE) % (seconds * 1000) !== 0) return Number.NaN
    const isWhole = !of.casts.masked && of.casts.bins === seconds / BASE_SECONDS
    const unknown = isWhole ? 0 : Number.NaN
    const residual = observeReplyShare(
      of.share,
      of.replies.count + unknown,
      of.casts.count + unknown,
      PREPROCESSING.memory[seconds],
    )
    of.casts.bins = 0
    of.replies.bins = 0
    return residual
  })
}

/** Moves eligibility on, and queues what has to be said about an observed bin. */
function queueObserved(
  queue: Item[],
  o: Observed,
  usualReplies: number,
  key: string,
  time: number,
  settings: Settings,
): void {
  const { series, scale, start, count } = o
  const at = { key, measure: series.measure, time, resolution: scale.seconds, start }
  const surging =
    surgesAt(scale, start) && !o.masked ? judgeClosed(series, scale, count, start, o.shape, settings) : null
  if (o.masked) {
    if (scale.eligible || scale.surge) queue.push({ ...at, kind: 'masked', count, signals: scale.eligible })
    return
  }
  const why = ineligible(o, settings)
  if (why === null && o.reading) {
    scale.eligible = true
    scale.spoken = true
    queue.push({ ...at, kind: 'bin', reading: o.reading, row: rowOf(o, usualReplies), surging })
    return
  }
  if (surging) queue.push({ ...at, kind: 'ebb', surging })
  if (scale.eligible || !scale.spoken) {
    scale.eligible = false
    scale.spoken = true
    queue.push({ ...at, kind: 'insufficient', count, why: why ?? 'no history' })
  }
}

function rowOf({ scale, reading }: Observed, usualReplies: number): Float32Array | null {
  const { inputs } = scale.tracker.window!
  if (!isScorable(inputs)) return null
  const row = new Float32Array(ROW)
  writeRow(inputs, { ...reading!, usualReplies }, row, 0)
  return row
}
