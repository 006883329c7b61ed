/** Counts of one simulated channel, as stage `count` would close them. */
import { BASE, BASE_SECONDS } from '../../../common/time.ts'
import { BINS, FEATURES, ROW } from '../../../models/cnn-lstm/inputs.ts'
import { createRandom } from '../../../models/random.ts'
import {
  type AlertEvent,
  type BinClosed,
  type Evidence,
  type Idle,
  MEASURES,
  type Measure,
  type PlainEvidence,
  type Signal,
  type Subject,
  type Unknown,
} from '../../../schemas/records.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { byKey, type Output } from '../../testing/drive.ts'
import { detectStage, type Scoring } from './detect.ts'
import { onset } from './detectors/onset.ts'

type Input = InputOf<'detect'>

export const START = Date.UTC(2026, 0, 5)
export const CHANNEL = 'https://example.org/tea'

/** Stands for the CNN-LSTM: the more so, the further the last hour was above its level. */
export const scoring: Scoring = {
  model: 'test',
  async score(rows) {
    const scores = new Float32Array(rows.length / ROW)
    for (let i = 0; i < scores.length; i++) {
      let sum = 0
      for (let bin = BINS - 12; bin < BINS; bin++) {
        const at = i * ROW + bin * FEATURES
        // A little of everything, so that nothing can go wrong unseen.
        sum += rows[at]! + 1e-3 * (rows[at + 1]! + rows[at + 2]! + rows[at + 3]!)
      }
      scores[i] = 1 / (1 + Math.exp(1.5 - 2 * sum))
    }
    return scores
  },
}

export const closed = (
  bin: number,
  counts: Partial<Record<Measure, number>>,
  masked = false,
  key = CHANNEL,
): Input => {
  const record: BinClosed = {
    type: 'BinClosed',
    start: START + bin * BASE,
    seconds: BASE_SECONDS,
    bins: Object.entries(counts).map(([measure, count]) => ({
      measure: measure as Measure,
      count,
      covered: masked ? 0.5 : 1,
      masked,
    })),
  }
  return { key, record }
}

/** What stage `count` says of a bin while it fills, at even times; then that it has closed. */
export function filling(input: Input): Input[] {
  const record = input.record as BinClosed
  const milestones = record.bins.flatMap(({ measure, count }) => {
    const reached: Input[] = []
    for (let n = 4; n <= count; n *= 2) {
      const time = record.start + Math.floor((BASE * n) / (count + 1))
      const milestone = { measure, start: record.start, seconds: BASE_SECONDS, n, time }
      reached.push({ key: input.key, record: { type: 'Milestone', ...milestone } })
    }
    return reached
  })
  return [...milestones, input]
}

/** How a channel talks at each bin: its branching ratio, and its posts per bin from outside. */
export type Talk = { ratio(bin: number): number; drive(bin: number): number }

/** Mean life of a reply's delay, in bins. */
const DELAY = 3
const KEPT = Math.exp(-1 / DELAY)
/** Replies per bin that the casts so far call forth; `excited` is their decayed number. */
const replies = (ratio: number, excited: number): number => (ratio * excited * (1 - KEPT)) / KEPT

export function talk(seed: string, bins: number, { ratio, drive }: Talk, key = CHANNEL): Input[] {
  const random = createRandom(seed)
  const inputs: Input[] = []
  let excited = drive(0) / (1 - ratio(0)) / (1 / KEPT - 1)
  for (let bin = 0; bin < bins; bin++) {
    const posts = random.poisson(drive(bin))
    // Nobody can read more than so many: what runs away is bounded.
    const answers = random.poisson(Math.min(200, replies(ratio(bin), excited)))
    excited = KEPT * (excited + posts + answers)
    inputs.push(closed(bin, { posts, replies: answers, casts: posts + answers }, false, key))
  }
  return inputs
}

/** Posts from outside that give the mean of `of` at a constant ratio: all its look, none of its memory. */
export function matchedRamp(of: Talk, bins: number): Talk {
  const own = of.ratio(0)
  const drives = new Float64Array(bins)
  let excited = of.drive(0) / (1 - own) / (1 / KEPT - 1)
  for (let bin = 0; bin < bins; bin++) {
    const mean = of.drive(bin) + Math.min(200, replies(of.ratio(bin), excited))
    drives[bin] = Math.max(0, mean - replies(own, excited))
    excited = KEPT * (excited + mean)
  }
  return { ratio: () => own, drive: (bin) => drives[bin]! }
}

export const alerts = (outputs: readonly Output[]): AlertEvent[] =>
  outputs.flatMap(({ record }) => (record.type === 'AlertEvent' ? [record] : []))

/** The series, resolution and bin that opened it. */
export function openedBy(alert: AlertEvent | undefined): Subject & { type: 'series' } {
  if (alert?.subject.type !== 'series') throw new Error('it is about no series')
  return alert.subject
}

/** All about bins: no detector of ours says anything else. */
export const evidenceOf = (alert: AlertEvent | undefined): Exclude<Evidence, PlainEvidence>[] =>
  alert!.evidence.map((e) => {
    if ('figures' in e) throw new Error('it is about no bin')
    return e
  })

export const signals = (outputs: readonly Output[], measure?: Measure, resolution = BASE_SECONDS): Signal[] =>
  outputs.flatMap(({ record }) =>
    record.type === 'Signal' && (!measure || record.measure === measure) && record.resolution === resolution
      ? [record]
      : [],
  )

/** A short history, so that little input goes through everything. */
export const quick = {
  eligible: { enter: 3, leave: 2, hours: 1 },
  onset: { ...onset.settings.onset, hours: 1 },
}
export const stage = () => detectStage({ run: 'test', scoring, settings: quick })
export const steady = { ratio: () => 0.3, drive: () => 8 }

export const idle = (measure: Idle['measure'], bin: number): Input => ({
  key: CHANNEL,
  record: { type: 'Idle', measure, from: START + bin * BASE },
})
export const unknown = (measure: Unknown['measure'], from: number, to: number): Input => ({
  key: CHANNEL,
  record: { type: 'Unknown', measure, from: START + from * BASE, to: START + to * BASE, reason: null },
})

export function masked(input: Input, count?: number, measures: readonly Measure[] = MEASURES): Input {
  const record = input.record as BinClosed
  const bins = record.bins.map((b) =>
    measures.includes(b.measure) ? { ...b, count: count ?? b.count, covered: 0.2, masked: true } : b,
  )
  return { key: input.key, record: { ...record, bins } }
}

export function zeros(input: Input): Input {
  const record = input.record as BinClosed
  return { key: input.key, record: { ...record, bins: record.bins.map((b) => ({ ...b, count: 0 })) } }
}

/** Two channels with a surge, masked bins, a silence, an idle time with an unknown span, and a waking. */
export function eventful(): Input[] {
  const surge = { ratio: (bin: number) => (bin > 120 && bin < 160 ? 0.97 : 0.3), drive: () => 6 }
  const first: Input[] = talk('first', 200, surge).map((input, bin) =>
    bin % 37 === 5 || (bin > 170 && bin < 174) ? masked(input) : input,
  )
  for (let bin = 200; bin < 200 + 288; bin++) first.push(closed(bin, { posts: 0, replies: 0, casts: 0 }))
  for (const measure of ['posts', 'replies', 'casts'] as const) first.push(idle(measure, 488))
  for (const measure of ['posts', 'casts'] as const) first.push(unknown(measure, 500, 530))
  const woken = talk('woken', 700, steady).slice(600)
  const second = talk('second', 260, { ratio: () => 0.2, drive: (bin) => (bin > 150 ? 0.1 : 20) }, '*')
  const inputs = [...first, ...woken]
  // Two channels of one partition come interleaved.
  return inputs
    .flatMap((input, i) => (second[i] ? [input, second[i]] : [input]))
    .flatMap((input) => (input.record.type === 'BinClosed' ? filling(input) : [input]))
}

/** What readers see: the records of each key on each topic, in order. */
export const streams = (outputs: readonly Output[]) =>
  byKey(outputs.map((output) => ({ ...output, key: `${output.topic} ${output.key}` })))
