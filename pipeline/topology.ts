/** Who reads and writes what, at a glance. */
import { FcmError } from '../common/errors.ts'
import { DAY } from '../common/time.ts'
import type { TopicSpec } from './log/port.ts'

/** role -> topics it reads, topics it writes. Every arrow between roles is a durable topic. */
export const topology = {
  source: { reads: [], writes: ['origin', 'activity'] },
  count: { reads: ['activity'], writes: ['counts'] },
  sum: { reads: ['counts'], writes: ['counts'] },
  detect: { reads: ['counts'], writes: ['signals', 'alerts'] },
  store: { reads: ['activity', 'counts', 'signals', 'alerts'], writes: [] },
} as const

export type Role = keyof typeof topology
export const ROLES = Object.keys(topology) as Role[]

/** Casts are small, and hostile ones are not: a larger record is refused where it is appended. */
const RECORD_BYTES = 8 * 2 ** 20
/** A dead letter holds a whole record, and why it died. */
const LETTER_BYTES = RECORD_BYTES + 2 ** 16

const topics = {
  /** What the run is made from, in partition 0; the process that this falls to is the source. */
  origin: { retentionMs: 365 * DAY, compacted: true },
  activity: { retentionMs: 14 * DAY },
  counts: { retentionMs: 365 * DAY },
  signals: { retentionMs: 365 * DAY },
  alerts: { retentionMs: 365 * DAY },
  checkpoints: { retentionMs: 365 * DAY, compacted: true },
  'dead-letters': { retentionMs: 90 * DAY, maxBytes: LETTER_BYTES },
} as const
export type Topic = keyof typeof topics

/** What somebody waits for: it goes ahead of all that is made, or read, at the same time. */
export const URGENT = 'alerts' satisfies Topic

/** A run is one isolated processing of one input; its topics are `fcm.<run>.<topic>`. */
export const topicOf = (run: string, topic: Topic): string => `fcm.${run}.${topic}`
export const groupOf = (run: string, role: Role): string => `fcm.${run}.${role}`
export const LIVE = 'live'

export function checkRunName(run: string): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,39}$/.test(run)) throw new FcmError('RUN_NAME_INVALID', { run })
  return run
}

/** A named run is kept until it is deleted, so retention holds for `live` only. */
export const topicSpecs = (run: string, partitions: number): TopicSpec[] =>
  (Object.entries(topics) as [Topic, Pick<TopicSpec, 'retentionMs' | 'compacted' | 'maxBytes'>][]).map(
    ([topic, spec]) => ({
      maxBytes: RECORD_BYTES,
      ...spec,
      name: topicOf(run, topic),
      partitions,
      retentionMs: run === LIVE ? spec.retentionMs : Number.POSITIVE_INFINITY,
    }),
  )

/** The runs that have topics in a log, from those topics' names. */
export const runsOf = (names: string[]): string[] => [
  ...new Set(names.flatMap((name) => /^fcm\.([^.]+)\.activity$/.exec(name)?.[1] ?? [])),
]
