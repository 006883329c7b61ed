/**
 * Who reads and writes what, at a glance: the one table of topics and roles. What may be emitted, decoded and wired, whose
 * lag is shown and who buries dead letters follow from it. A new role is a line here and a folder.
 */
import { FcmError } from '../common/errors.ts'
import { DAY } from '../common/time.ts'
import type { FcmRecord, RecordType } from '../schemas/records.ts'
import type { TopicSpec } from './log/port.ts'

type TopicRow = {
  /** What may stand there. A record of another type has been sent to the wrong topic. */
  records: readonly RecordType[]
  /** What older releases wrote there, which readers pass over. */
  formerly?: readonly RecordType[]
  /** What the key says; equal keys stand in one partition, in order. */
  key: string
  /** Kept at least so long, by append time; a named run is kept until it is deleted. */
  retentionMs: number
  compacted?: boolean
  /** Of a record; default: `RECORD_BYTES`. */
  maxBytes?: number
  /** Default: as many as the installation's settings say. */
  partitions?: number
}

/** Casts are small, and hostile ones are not: a larger record is refused where it is appended. */
const RECORD_BYTES = 8 * 2 ** 20
/** A dead letter holds a whole record, and why it died. */
const LETTER_BYTES = RECORD_BYTES + 2 ** 16

const topics = {
  /** What the run is made from, in partition 0; the process that this falls to is the source. */
  origin: { records: [], key: 'run', retentionMs: 365 * DAY, compacted: true },
  activity: {
    records: ['Cast', 'CastRemoved', 'Reaction', 'ReactionRemoved', 'ReactionCount', 'Coverage', 'Polled'],
    key: 'channel; * for what is said of the whole source',
    retentionMs: 14 * DAY,
  },
  counts: {
    records: ['BinClosed', 'Milestone', 'Idle', 'Unknown', 'Late'],
    formerly: ['Partial'],
    key: 'channel; * for the network',
    retentionMs: 365 * DAY,
  },
  /** The partitions' shares of the network's bins: in one partition, since one adds them up. */
  partials: { records: ['Partial'], key: 'partition of activity', retentionMs: 14 * DAY, partitions: 1 },
  signals: { records: ['Signal'], key: 'channel', retentionMs: 365 * DAY },
  alerts: { records: ['AlertEvent'], key: 'channel', retentionMs: 365 * DAY },
  /** What people did to alerts; beside `alerts`, all that a lost database needs to be made again. */
  desk: { records: ['DeskAction'], key: 'alert', retentionMs: 365 * DAY },
  checkpoints: { records: [], key: 'stage/partition/...', retentionMs: 365 * DAY, compacted: true },
  'dead-letters': { records: [], key: 'source topic', retentionMs: 90 * DAY, maxBytes: LETTER_BYTES },
} as const satisfies Record<string, TopicRow>

export type Topic = keyof typeof topics

type RoleRow = {
  /** A source writes what it learns outside, a stage computes, a sink writes what it reads elsewhere, a worker acts on that. */
  kind: 'source' | 'stage' | 'sink' | 'worker'
  reads: readonly Topic[]
  writes: readonly Topic[]
  /** What must be there for it to run, beside the log. */
  needs: readonly ('store' | 'scorer' | 'secrets')[]
}

/** Upstream first. */
export const topology = {
  source: { kind: 'source', reads: [], writes: ['origin', 'activity'], needs: [] },
  count: { kind: 'stage', reads: ['activity'], writes: ['counts', 'partials'], needs: [] },
  sum: { kind: 'stage', reads: ['partials'], writes: ['counts'], needs: [] },
  detect: { kind: 'stage', reads: ['counts'], writes: ['signals', 'alerts'], needs: ['scorer'] },
  store: {
    kind: 'sink',
    reads: ['activity', 'counts', 'signals', 'alerts', 'desk'],
    writes: [],
    needs: ['store'],
  },
} as const satisfies Record<string, RoleRow>

export type Role = keyof typeof topology
export const needsStore = (role: Role): boolean =>
  (topology[role].needs as readonly string[]).includes('store')
export const ROLES = Object.keys(topology) as Role[]
type OfKind<Kind> = { [R in Role]: (typeof topology)[R]['kind'] extends Kind ? R : never }[Role]
export type StageRole = OfKind<'stage'>
export type SinkRole = OfKind<'sink'>

export type ReadBy<R extends Role> = (typeof topology)[R]['reads'][number]
export type WrittenBy<R extends Role> = (typeof topology)[R]['writes'][number]
/** The records that may stand on a topic. */
export type RecordOn<T extends Topic> = Extract<FcmRecord, { type: (typeof topics)[T]['records'][number] }>

/** `belongs`: it may stand on the topic; `passed-over`: an older release put it there; else it went to the wrong place. */
export function standing(topic: Topic, type: RecordType): 'belongs' | 'passed-over' | 'misplaced' {
  const { records, formerly = [] }: TopicRow = topics[topic]
  return records.includes(type) ? 'belongs' : formerly.includes(type) ? 'passed-over' : 'misplaced'
}

/** A run is one isolated processing of one input; its topics are `fcm.<run>.<topic>`. */
export const topicOf = (run: string, topic: Topic): string => `fcm.${run}.${topic}`
export const groupOf = (run: string, role: Role): string => `fcm.${run}.${role}`
export const LIVE = 'live'

export function checkRunName(run: string): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,39}$/.test(run)) throw new FcmError('RUN_NAME_INVALID', { run })
  return run
}

/** Of a topic, where those that are divided have `partitions`. */
export const partitionsOf = (topic: Topic, partitions: number): number =>
  (topics[topic] as TopicRow).partitions ?? partitions

/** A named run is kept until it is deleted, so retention holds for `live` only. */
export const topicSpecs = (run: string, partitions: number): TopicSpec[] =>
  (Object.entries(topics) as [Topic, TopicRow][]).map(([topic, row]) => ({
    name: topicOf(run, topic),
    partitions: partitionsOf(topic, partitions),
    retentionMs: run === LIVE ? row.retentionMs : Number.POSITIVE_INFINITY,
    maxBytes: row.maxBytes ?? RECORD_BYTES,
    ...(row.compacted && { compacted: true }),
  }))

/** The runs that have topics in a log, from those topics' names. */
export const runsOf = (names: string[]): string[] => [
  ...new Set(names.flatMap((name) => /^fcm\.([^.]+)\.activity$/.exec(name)?.[1] ?? [])),
]
