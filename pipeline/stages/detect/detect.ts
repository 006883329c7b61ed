/**
 * Stage `detect`: counts in; a signal for every eligible closed bin (the decision log) and the events of episodes out.
 * `apply` moves series on and queues what was observed; `settle` scores and decides it. Nothing but event time and the
 * records of one key, in their order, has any influence on what is decided for that key.
 */
import { BASE, BASE_SECONDS, DAY, floorTo, HOUR, RESOLUTIONS } from '../../../common/time.ts'
import { isScorable, ROW, writeRow } from '../../../models/cnn-lstm/inputs.ts'
import { type BinClosed, MEASURES, type Milestone } from '../../../schemas/records.ts'
import type { InputOf, Stage } from '../../runtime/stage.ts'
import { shareOf } from '../share.ts'
import {
  type Channel,
  createChannel,
  createChannels,
  drop,
  forget,
  isForgotten,
  MOST_CHANNELS,
  MOST_WINDOWS,
} from './channel.ts'
import type { Detector } from './detectors/detector.ts'
import { DETECTORS, type DetectorSettings } from './detectors/index.ts'
import type { Found, Item } from './item.ts'
import { migrate, VERSION } from './migrate.ts'
import { observeReplies, usualReplies } from './replies.ts'
import {
  applyBin,
  applyIdle,
  applyUnknown,
  createSeries,
  ineligible,
  type Observed,
  type Room,
  type Scale,
  type Series,
} from './series.ts'
import { defaults, type Preset, type Settings, settingsHash } from './settings.ts'
import { type Rules, settle } from './settle.ts'
import type { DetectState } from './state.ts'

/** Rows of the CNN-LSTM one after another; the probability of each, which depends on that row alone. */
export type Scoring = { model: string; score(rows: Float32Array): Promise<Float32Array> }

export type DetectOptions = {
  run: string
  scoring: Scoring
  preset?: Preset
  settings?: Partial<typeof defaults & DetectorSettings>
  /** Default: all of the list. */
  detectors?: readonly Detector[]
  /** What the states of the run may hold together, and how many partitions share that. One process may have to hold them all. */
  mostChannels?: number
  mostWindows?: number
  partitions?: number
}

/** What one partition may hold. */
type Limits = { channels: number; windows: number }

export function detectStage(options: DetectOptions): Stage<'detect', DetectState> {
  const { run, scoring, preset = 'calibrated', detectors = DETECTORS } = options
  const { mostChannels = MOST_CHANNELS, mostWindows = MOST_WINDOWS, partitions = 1 } = options
  const limits: Limits = {
    channels: shareOf(mostChannels, partitions),
    windows: shareOf(mostWindows, partitions),
  }
  const settings: Settings = Object.assign(
    { ...defaults, preset },
    ...detectors.map((detector) => detector.settings),
    options.settings,
  )
  const { model } = scoring
  const rules: Rules = { run, detectors, settings, model, hash: settingsHash(settings, model) }
  return {
    name: 'detect',
    version: VERSION,
    migrate,
    // Alerts stand by what was decided then.
    rebuild: 'silently',
    // Where much closes together, alerts are being stored, and other partitions decide theirs, before what explains them is
    // encoded, sent and read.
    pace: { burst: 100, calmMs: 1000, urgent: { topics: ['alerts'], headStartMs: 50 } },
    initial: () => ({ channels: createChannels(), queue: [], watches: new Map() }),
    apply: (state, input) => apply(state, input, rules, limits),
    async settle(state, emit) {
      await settle(state.queue, state.watches, rules, (rows) => scoring.score(joined(rows)), emit)
      state.queue = []
    },
    gauges: ({ channels, watches }) => ({
      channels: channels.byKey.size,
      watched_channels: watches.size,
      bins_passed_over: channels.passedOver,
      windows: channels.windows.kept,
      windows_refused: channels.windows.refused,
    }),
  }
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.length * ROW)
  for (const [i, row] of rows.entries()) all.set(row, i * ROW)
  return all
}

function apply(state: DetectState, { key, record }: InputOf<'detect'>, rules: Rules, limits: Limits): void {
  if (record.type === 'BinClosed') {
    applyClosed(state, key, record, rules, limits)
  } else if (record.type === 'Milestone') {
    applyMilestone(state, key, record, rules)
  } else if (record.type === 'Idle' || record.type === 'Unknown') {
    const { measure, from } = record
    const series = state.channels.byKey.get(key)?.series[MEASURES.indexOf(measure)]
    if (!series) return
    if (record.type === 'Unknown') applyUnknown(series, from, record.to)
    else if (applyIdle(series, from)) state.queue.push({ kind: 'idle', key, measure, time: from })
  }
}

function applyMilestone(state: DetectState, key: string, record: Milestone, rules: Rules): void {
  const { measure, start, seconds, n, time } = record
  const channel = state.channels.byKey.get(key)
  if (!channel || isForgotten(channel, start)) return
  const series = channel.series[MEASURES.indexOf(measure)]
  if (!series || seconds !== BASE_SECONDS || start < series.next) return
  if (n <= (series.milestones.get(start) ?? 0)) return
  series.milestones.set(start, n)
  // Of a measure that is spoken of no more, bins stay open.
  for (const open of series.milestones.keys()) if (open < start - 2 * DAY) series.milestones.delete(open)
  for (const scale of judgedOpen(series, rules)) {
    queueOpen(state.queue, series, scale, floorTo(start, scale.seconds * 1000), key, time, rules)
  }
}

/** The scales whose bins are judged while open: longer ones are not at once. */
const judgedOpen = ({ measure, scales }: Series, { settings }: Rules): Scale[] =>
  scales.filter((s) => s.seconds * 1000 <= HOUR && s.seconds >= settings.finest[measure])

/** Judges the open bin that begins at `start` by what it holds so far. */
function queueOpen(
  queue: Item[],
  series: Series,
  scale: Scale,
  start: number,
  key: string,
  time: number,
  { detectors, settings }: Rules,
): void {
  const count = heldSince(series, scale, start)
  const found: Found = {}
  for (const detector of detectors) {
    const what = detector.open?.({ series, scale, start, count }, settings) ?? null
    if (what !== null) found[detector.kind] = what
  }
  if (Object.keys(found).length === 0) return
  queue.push({ kind: 'open', key, measure: series.measure, time, resolution: scale.seconds, start, found })
}

/** What the open bin that begins at `begin` holds at least: base bins that have closed, and milestones of those that have not. */
function heldSince({ milestones }: Series, { sum, seconds }: Scale, begin: number): number {
  let count = sum.start === begin && sum.bins > 0 && !sum.masked ? sum.count : 0
  for (const [start, n] of milestones) {
    if (start >= begin && start < begin + seconds * 1000) count += n
  }
  return count
}

function applyClosed(state: DetectState, key: string, record: BinClosed, rules: Rules, limits: Limits): void {
  const { start } = record
  if (record.seconds !== BASE_SECONDS || start % BASE !== 0) return
  for (const gone of forget(state.channels, start, limits.channels))
    state.queue.push({ kind: 'forgotten', key: gone })
  const channel = channelOf(state, key, start, limits.channels)
  if (!channel) {
    state.channels.passedOver++
    return
  }
  const replies = observeReplies(channel, record)
  const usual = usualReplies(channel, record)
  const room: Room = {
    windows: state.channels.windows,
    most: limits.windows,
    classic: rules.settings.preset === 'classic',
  }
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
    if (start >= series.next) applyBin(series, start, bin, replies, room, closed)
  }
  const time = start + BASE
  for (const [index, observed] of closed.entries()) {
    for (const o of observed) queueObserved(state.queue, o, usual[index]!, key, time, rules)
  }
  for (const series of channel.series) {
    if (series?.next !== time) continue
    // The hour goes on: what it holds so far may be enough.
    for (const scale of judgedOpen(series, rules)) {
      const { bins, start: begin } = scale.sum
      if (bins > 0) queueOpen(state.queue, series, scale, begin, key, time, rules)
    }
  }
}

/** The channel as it is known, or anew; null: there are too many. */
function channelOf(
  { channels, queue }: DetectState,
  key: string,
  time: number,
  most: number,
): Channel | null {
  const { byKey } = channels
  const known = byKey.get(key)
  if (known && !isForgotten(known, time)) return known
  if (known) {
    queue.push({ kind: 'forgotten', key })
    drop(channels, key)
  }
  if (byKey.size >= most) return null
  const channel = createChannel()
  byKey.set(key, channel)
  return channel
}

/** Moves eligibility on, and queues what has to be said about an observed bin. */
function queueObserved(
  queue: Item[],
  o: Observed,
  usual: number,
  key: string,
  time: number,
  rules: Rules,
): void {
  const { series, scale, start, count } = o
  const at = { key, measure: series.measure, time, resolution: scale.seconds, start, count }
  if (o.masked) {
    const isWatched = scale.eligible || Object.keys(scale.kept).length > 0
    if (isWatched) queue.push({ ...at, kind: 'masked', signals: scale.eligible })
    return
  }
  const found = foundIn(o, rules)
  const why = ineligible(o, rules.settings)
  if (why === null && o.reading) {
    scale.eligible = true
    scale.announced = true
    queue.push({ ...at, kind: 'bin', reading: o.reading, row: rowOf(o, usual), found })
    return
  }
  if (Object.keys(found).length > 0) queue.push({ ...at, kind: 'bin', reading: null, row: null, found })
  if (scale.eligible || !scale.announced) {
    scale.eligible = false
    scale.announced = true
    queue.push({ ...at, kind: 'insufficient', why: why ?? 'no history' })
  }
}

function foundIn({ series, scale, start, count, shape }: Observed, { detectors, settings }: Rules): Found {
  const found: Found = {}
  for (const detector of detectors) {
    const what = detector.closed?.({ series, scale, start, count, shape }, settings) ?? null
    if (what !== null) found[detector.kind] = what
  }
  return found
}

function rowOf({ scale, reading }: Observed, usual: number): Float32Array | null {
  const { inputs } = scale.tracker.window!
  if (!isScorable(inputs)) return null
  const row = new Float32Array(ROW)
  writeRow(inputs, { ...reading!, usualReplies: usual }, row, 0)
  return row
}
