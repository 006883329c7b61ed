/** How far every consumer group is behind, in records and in seconds: what an operator looks at. */
import { Gauge, type Registry } from 'prom-client'
import { FcmError } from '../common/errors.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import { groupOf, ROLES, runsOf, topicOf, topology } from '../pipeline/topology.ts'
import type { Answer, Lag } from './schemas.ts'

export type LagRow = Answer<typeof Lag>

/** Questions that are under way at a time: a cluster is far, and answers many at once. */
const SIDE_BY_SIDE = 16

/** `first`: offset of the oldest record that is kept. */
type Behind = LagRow & { first: number; hasCommitted: boolean }

/**
 * Lag of every group of a run in every partition that it reads, by group, topic and partition. A group that has never
 * committed is as far behind as can be, not absent: a stage that never started is the lag that must be seen.
 * Records that compaction took out of the middle still count; those that retention deleted don't.
 */
export const lagOf = async (log: EventLog, run: string, now: () => number): Promise<LagRow[]> =>
  (await behindIn(log, run, now)).map(({ first: _, hasCommitted: __, ...row }) => row)

async function behindIn(log: EventLog, run: string, now: () => number): Promise<Behind[]> {
  const prefix = `fcm.${run}.`
  const [topics, groups] = await Promise.all([log.topics(prefix), log.groups(prefix)])
  const existing = new Set(topics.map((topic) => topic.name))
  const readers = new Map<string, { group: string; topic: string }>()
  for (const role of ROLES) {
    for (const name of topology[role].reads) {
      const reader = { group: groupOf(run, role), topic: topicOf(run, name) }
      readers.set(`${reader.group} ${reader.topic}`, reader)
    }
  }
  const ours = new Set(ROLES.map((role) => groupOf(run, role)))
  // A role's group may have read other topics in an older release; it never will again.
  for (const reader of groups)
    if (!ours.has(reader.group)) readers.set(`${reader.group} ${reader.topic}`, reader)
  const wanted = [...readers]
    .filter(([, { topic }]) => existing.has(topic))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, reader]) => reader)

  // Committed first: a commit between the two calls then makes a lag too great, never one below zero.
  const committed = await sideBySide(wanted, ({ group, topic }) => log.committed(group, topic))
  const read = [...new Set(wanted.map(({ topic }) => topic))]
  const ends = new Map(await sideBySide(read, async (topic) => [topic, await log.ends(topic)] as const))
  const places = wanted.flatMap((reader, i) =>
    ends.get(reader.topic)!.map(({ partition, first, next }) => {
      const offset = committed[i]!.get(partition)
      const from = Math.max(first, offset ?? first)
      return { ...reader, partition, first, next, offset, from, records: Math.max(0, next - from) }
    }),
  )
  // Groups that stand at the same record are many, and asking for it is what takes long.
  const oldest = new Map<string, { topic: string; partition: number; from: number }>()
  const nameOf = ({ topic, partition, from }: (typeof places)[number]) => `${topic}/${partition}/${from}`
  for (const place of places) if (place.records > 0) oldest.set(nameOf(place), place)
  const times = new Map(
    await sideBySide([...oldest], async ([name, { from, topic, partition }]) => {
      const time = await timeOf(log, { topic, partition }, from)
      return [name, time] as const
    }),
  )
  return places.map((place) => {
    const { group, topic, partition, first, next, offset, records } = place
    const time = times.get(nameOf(place))
    return {
      ...{ run, group, topic, partition, committed: offset ?? first, end: next, records },
      seconds: time === undefined ? 0 : Math.max(0, (now() - time) / 1000),
      ...{ first, hasCommitted: offset !== undefined },
    }
  })
}

/** The results in order, with so many under way at a time as `SIDE_BY_SIDE` says. */
async function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let at = 0
  const worker = async (): Promise<void> => {
    while (at < items.length) {
      const mine = at++
      results[mine] = await work(items[mine]!)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
  return results
}

/** Append time of the first record kept at or behind `from`. */
async function timeOf(
  log: EventLog,
  tp: { topic: string; partition: number },
  from: number,
): Promise<number | undefined> {
  try {
    for await (const record of log.read(tp, from)) return record.time
  } catch (error) {
    // Retention took it since its offset was asked for: then nobody will read it any more.
    if (!(error instanceof FcmError && error.code === 'OFFSET_OUT_OF_RANGE')) throw error
  }
  return undefined
}

/**
 * Gauges of the lag of all runs, named as kafka-lag-exporter names them so that its dashboards and alerts fit.
 */
export function createLagMetrics(log: EventLog, metrics: Registry, now: () => number) {
  const gauges: Gauge[] = []
  const gauge = (name: string, help: string, labelNames: string[]): Gauge => {
    const made = new Gauge({ name: `kafka_${name}`, help, labelNames, registers: [metrics] })
    gauges.push(made)
    return made
  }
  const place = ['group', 'topic', 'partition']
  const records = gauge('consumergroup_group_lag', 'Records that a group has not dealt with yet', place)
  const seconds = gauge(
    'consumergroup_group_lag_seconds',
    'Age of the oldest record that a group has not dealt with yet',
    place,
  )
  const committed = gauge(
    'consumergroup_group_offset',
    'Offset before which a group has dealt with all',
    place,
  )
  const sum = gauge(
    'consumergroup_group_sum_lag',
    'Records that a group has not dealt with yet, of all it reads',
    ['group'],
  )
  const topicSum = gauge(
    'consumergroup_group_topic_sum_lag',
    'Records of a topic that a group has not dealt with yet',
    ['group', 'topic'],
  )
  const most = gauge(
    'consumergroup_group_max_lag',
    'The greatest lag of a group in a partition, in records',
    ['group'],
  )
  const oldest = gauge(
    'consumergroup_group_max_lag_seconds',
    'The greatest lag of a group in a partition, in seconds',
    ['group'],
  )
  const earliest = gauge('partition_earliest_offset', 'Offset of the oldest record that is kept', [
    'topic',
    'partition',
  ])
  const latest = gauge('partition_latest_offset', 'Offset of the record that is appended next', [
    'topic',
    'partition',
  ])
  return {
    /** Reads the log anew. When that fails the gauges are left empty: no number is better than an old one. */
    async update(): Promise<void> {
      for (const one of gauges) one.reset()
      const runs = runsOf((await log.topics('fcm.')).map((topic) => topic.name))
      const rows: Behind[] = []
      for (const run of runs) rows.push(...(await behindIn(log, run, now)))
      const greatest = new Map<string, Pick<Behind, 'records' | 'seconds'>>()
      for (const { group, topic, partition, ...row } of rows) {
        records.set({ group, topic, partition }, row.records)
        seconds.set({ group, topic, partition }, row.seconds)
        if (row.hasCommitted) committed.set({ group, topic, partition }, row.committed)
        earliest.set({ topic, partition }, row.first)
        latest.set({ topic, partition }, row.end)
        sum.inc({ group }, row.records)
        topicSum.inc({ group, topic }, row.records)
        const before = greatest.get(group) ?? row
        greatest.set(group, {
          records: Math.max(before.records, row.records),
          seconds: Math.max(before.seconds, row.seconds),
        })
      }
      for (const [group, max] of greatest) {
        most.set({ group }, max.records)
        oldest.set({ group }, max.seconds)
      }
    },
  }
}
