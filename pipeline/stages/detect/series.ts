/**
 * One series (a measure of a channel) as `apply` moves it on: base bins in, at most one observed bin out for each
 * resolution. Whole stretches of input may be repeated; what was applied is known by the next expected start.
 */
import { BASE, BASE_SECONDS, floorTo, HOUR, RESOLUTIONS, type Resolution } from '../../../common/time.ts'
import { BINS } from '../../../models/cnn-lstm/inputs.ts'
import {
  createProfile,
  decayLevel,
  expected,
  learnProfile,
  meanOf,
  type Profile,
  shape,
} from '../../../models/early-warning/expected.ts'
import {
  createTracker,
  observe,
  openWindow,
  PREPROCESSING,
  type Reading,
  type Tracker,
  WARM,
} from '../../../models/early-warning/tracker.ts'
import { type Measure, ruleOf } from '../../../schemas/measures.js'
import type { Settings } from './settings.ts'

/** What an open bin holds so far. */
export type Sum = { start: number; bins: number; count: number; masked: boolean }
export const createSum = (): Sum => ({ start: Number.NaN, bins: 0, count: 0, masked: false })
type Span = { from: number; to: number }

export type Scale = {
  seconds: Resolution
  tracker: Tracker
  /** What this resolution's open bin holds so far; unused for base bins. */
  sum: Sum
  /** The profile over that bin as it was known when the bin began. */
  shape: number
  eligible: boolean
  /** Whether a first signal has said that there is not enough data. */
  announced: boolean
  /** What detectors keep of it from bin to bin, by kind: plain data. */
  kept: Record<string, unknown>
}

export type Series = {
  measure: Measure
  /** Start of the bin that comes next; all before is applied. */
  next: number
  /** Covered base bins so far. */
  covered: number
  idle: boolean
  /** Spans of the idle time that are not zeros, in order and apart. */
  unknown: Span[]
  profile: Profile
  scales: Scale[]
  /** The last milestone of each bin that is still open, by start: it may be delivered again. */
  milestones: Map<number, number>
}

/** A closed bin of one resolution. `reading`: null where masked, or where no window is kept. */
export type Observed = {
  series: Series
  scale: Scale
  start: number
  count: number
  masked: boolean
  /** The profile over the bin. */
  shape: number
  expected: number
  reading: Reading | null
}

/** Windows that are kept in a partition, and bins in which one more was due and there was no room for it. */
export type Windows = { kept: number; refused: number }
/** Room for `most` of them; `classic`: with what the classic rule asks for. */
export type Room = { windows: Windows; most: number; classic: boolean }

/** A window is kept until both level and long-run mean are below it. */
const COLD = 0.25

export const createSeries = (measure: Measure, next: number): Series => ({
  measure,
  next,
  covered: 0,
  idle: false,
  unknown: [],
  profile: createProfile(),
  scales: resolutionsOf(measure).map((seconds) => ({
    seconds,
    tracker: createTracker(),
    sum: createSum(),
    shape: 0,
    eligible: false,
    announced: false,
    kept: {},
  })),
  milestones: new Map(),
})

/** Distinct authors can't be summed over bins: one author in two bins is one author. */
const resolutionsOf = (measure: Measure): readonly Resolution[] =>
  ruleOf(measure).distinct ? RESOLUTIONS.slice(0, 1) : RESOLUTIONS

/**
 * Applies the base bin at `start`, which must not be before `next`; what it closes is added to `closed` by resolution.
 * `replies`: residuals of the channel's share of replies in the bins that close with it, by resolution.
 */
export function applyBin(
  s: Series,
  start: number,
  { count, masked }: { count: number; masked: boolean },
  replies: readonly number[],
  room: Room,
  closed: Observed[][],
): void {
  if (start > s.next) pass(s, start, room)
  s.idle = false
  s.unknown = []
  s.next = start + BASE
  for (const open of s.milestones.keys()) if (open < s.next) s.milestones.delete(open)
  // Predicted first, learned afterwards.
  for (const [i, scale] of s.scales.entries()) {
    if (i === 0) {
      const form = shape(s.profile, start, BASE_SECONDS)
      const bin = { start, count, masked, shape: form, replies: replies[0]! }
      closed[0]!.push(observeBin(s, scale, bin, room))
      continue
    }
    addToScale(s, scale, start, 1, count, masked)
    if (s.next % (scale.seconds * 1000) === 0) closed[i]!.push(closeSum(s, scale, replies[i]!, room))
  }
  if (masked) return
  learnProfile(s.profile, start, count)
  s.covered++
}

/** Adds base bins from `start` on to what the open bin of `seconds` holds; a new one begins with the first. */
export function addToSum(
  sum: Sum,
  seconds: number,
  start: number,
  bins: number,
  count: number,
  masked: boolean,
): void {
  const begin = floorTo(start, seconds * 1000)
  if (sum.start !== begin || sum.bins === 0) Object.assign(sum, { ...createSum(), start: begin })
  sum.bins += bins
  sum.count += count
  sum.masked ||= masked
}

function addToScale(
  s: Series,
  scale: Scale,
  start: number,
  bins: number,
  count: number,
  masked: boolean,
): void {
  const { sum, seconds } = scale
  const begin = floorTo(start, seconds * 1000)
  if (sum.start !== begin || sum.bins === 0) scale.shape = shape(s.profile, begin, seconds)
  addToSum(sum, seconds, start, bins, count, masked)
}

/** A sum that lacks base bins (the series began inside it, or one was masked) is masked itself. */
function closeSum(s: Series, scale: Scale, replies: number, room: Room): Observed {
  const { start, count, bins } = scale.sum
  const masked = scale.sum.masked || bins < scale.seconds / BASE_SECONDS
  scale.sum.bins = 0
  return observeBin(s, scale, { start, count, masked, shape: scale.shape, replies }, room)
}

function observeBin(
  s: Series,
  scale: Scale,
  bin: { start: number; count: number; masked: boolean; shape: number; replies: number },
  room: Room,
): Observed {
  const { tracker, seconds } = scale
  const { start, count, masked, shape, replies } = bin
  const mean = expected(tracker.level, shape)
  keepWindow(s, scale, mean, room)
  const usual = meanOf(s.profile) * shape
  const tracked = { count: masked ? Number.NaN : count, shape, usual, replies }
  const reading = observe(tracker, tracked, PREPROCESSING.memory[seconds])
  return { series: s, scale, start, count, masked, shape, expected: mean, reading: masked ? null : reading }
}

function keepWindow(s: Series, { tracker, seconds }: Scale, mean: number, room: Room): void {
  const { windows, most, classic } = room
  if (!tracker.window) {
    if (mean < WARM) return
    if (windows.kept >= most) {
      windows.refused++
      return
    }
    windows.kept++
    openWindow(tracker, PREPROCESSING.window, classic)
    return
  }
  const bins = seconds / BASE_SECONDS
  if (meanOf(s.profile) * bins >= COLD || expected(tracker.level, bins) >= COLD) return
  tracker.window = null
  windows.kept--
}

/** From `from` on, zeros over covered time. Ignored when the series is past it. */
export function applyIdle(s: Series, from: number): boolean {
  if (from < s.next || s.idle) return false
  if (from > s.next) s.unknown.push({ from: s.next, to: from })
  s.idle = true
  return true
}

/** A span of the idle time that is not zeros. */
export function applyUnknown(s: Series, from: number, to: number): void {
  const last = s.unknown.at(-1)
  const begin = Math.max(from, s.next, last?.to ?? 0)
  if (to <= begin) return
  if (last?.to === begin) last.to = to
  else s.unknown.push({ from: begin, to })
}

/**
 * Passes the time from `next` to `to`: zeros but for the unknown spans while idle; all unknown otherwise, as records
 * are then missing. Each resolution sees at most as many bins as the CNN-LSTM does; before them its level decays in closed form.
 */
function pass(s: Series, to: number, room: Room): void {
  const from = s.next
  const unknown = s.idle ? s.unknown : [{ from, to }]
  const known = (a: number, b: number): boolean => !overlaps(unknown, a, b)
  for (const scale of s.scales) {
    const length = scale.seconds * 1000
    // The bin that was open when the series fell silent, and the one that is open when it wakes.
    let begin = from
    if (from % length !== 0) {
      const end = Math.min(from - (from % length) + length, to)
      addToScale(s, scale, from, (end - from) / BASE, 0, !known(from, end))
      begin = end
      if (end % length === 0) closeSum(s, scale, Number.NaN, room)
    }
    const end = to - (to % length)
    if (begin < end) passWhole(s, scale, begin, end, known, room)
    const rest = Math.max(begin, end)
    if (rest < to) addToScale(s, scale, rest, (to - rest) / BASE, 0, !known(rest, to))
  }
  for (let time = from; time < to; ) {
    const end = Math.min(time - (time % HOUR) + HOUR, to)
    const bins = coveredBins(time, end, known)
    if (bins > 0) learnProfile(s.profile, time, 0, bins)
    s.covered += bins
    time = end
  }
}

function passWhole(
  s: Series,
  scale: Scale,
  from: number,
  to: number,
  known: (a: number, b: number) => boolean,
  room: Room,
): void {
  const length = scale.seconds * 1000
  const pushed = Math.max(from, to - BINS * length)
  let zeros = 0
  for (let start = from; start < pushed; start += length) if (known(start, start + length)) zeros++
  if (zeros > 0) decayLevel(scale.tracker.level, zeros, scale.seconds / BASE_SECONDS)
  for (let start = pushed; start < to; start += length) {
    const form = shape(s.profile, start, scale.seconds)
    const bin = { start, count: 0, masked: !known(start, start + length), shape: form, replies: Number.NaN }
    observeBin(s, scale, bin, room)
  }
}

/** Covered base bins from where the series fell silent to `to`. */
export const coveredSince = (s: Series, to: number): number =>
  to > s.next ? coveredBins(s.next, to, (a, b) => !overlaps(s.unknown, a, b)) : 0

function coveredBins(from: number, to: number, known: (a: number, b: number) => boolean): number {
  if (known(from, to)) return (to - from) / BASE
  let bins = 0
  for (let start = from; start < to; start += BASE) if (known(start, start + BASE)) bins++
  return bins
}

/** Whether any of the spans, which are in order and apart, has time in common with [from, to). */
function overlaps(spans: readonly Span[], from: number, to: number): boolean {
  let low = 0
  let high = spans.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (spans[middle]!.to > from) high = middle
    else low = middle + 1
  }
  return low < spans.length && spans[low]!.from < to
}

/** Why a bin is not judged; null when it is. */
export function ineligible(o: Observed, settings: Settings): string | null {
  const { series, scale, expected: mean } = o
  const { enter, leave, hours } = settings.eligible
  const covered = (series.covered * BASE) / HOUR
  const bins = scale.tracker.window?.residuals.pushed ?? 0
  const least = scale.eligible ? leave : enter
  if (mean < least) return `${mean.toFixed(2)} events expected in a bin, fewer than ${least}`
  if (scale.seconds < settings.finest[series.measure]) return `${series.measure} are judged per hour and more`
  if (bins < 2 * PREPROCESSING.window)
    return `${bins} bins of history, fewer than ${2 * PREPROCESSING.window}`
  if (covered < hours) return `${covered.toFixed(1)} hours covered, fewer than ${hours}`
  return null
}
