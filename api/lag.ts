/** How far every consumer group is behind, in records and in seconds: what an operator looks at. */
import { Gauge, type Registry } from 'prom-client'
import { FcmError } from '../common/errors.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import { groupOf, ROLES, runsOf, topicOf, topology } from '../pipeline/topology.ts'
import type { Answer, Lag } from './schemas.ts'

export type LagRow = Answer<typeof Lag>

/**
 * Lag of every group of a run in every partition that it reads, by group, topic and partition. A group that has never
 * committed is as far behind as can be, not absent: a stage that never started is the lag that must be seen.
 * Records that compaction took out of the middle still count; those that retention deleted don't.
 */
export async function lagOf(log: EventLog, run: string, now: () => number): Promise<LagRow[]> {
  const prefix = `fcm.${run}.`
  const existing = new Set((await log.topics(prefix)).map((topic) => topic.name))
  const readers = new Map<string, { group: string; topic: string }>()
  for (const role of ROLES) {
    for (const name of topology[role].reads) {
      const reader = { group: groupOf(run, role), topic: topicOf(run, name) }
      readers.set(`${reader.group} ${reader.topic}`, reader)
    }
  }
  for (const reader of await log.groups(prefix)) readers.set(`${reader.group} ${reader.topic}`, reader)

  const rows: LagRow[] = []
  for (const [, { group, topic }] of [...readers].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!existing.has(topic)) continue
    // Committed first: a commit between the two calls then makes a lag too great, never one below zero.
    const committed = await log.committed(group, topic)
    for (const { partition, first, next } of await log.ends(topic)) {
      const from = Math.max(first, committed.get(partition) ?? first)
      const records = Math.max(0, next - from)
      const oldest = records === 0 ? undefined : await timeOf(log, { topic, partition }, from)
      rows.push({
        run,
        group,
        topic,
        partition,
        committed: committed.get(partition) ?? first,
        end: next,
        records,
        seconds: oldest === undefined ? 0 : Math.max(0, (now() - oldest) / 1000),
      })
    }
  }
  return rows
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

/** Gauges of the lag of all runs, named as kafka-lag-exporter names them so that its dashboards and alerts fit. */
export function createLagMetrics(log: EventLog, metrics: Registry, now: () => number) {
  const labelNames = ['group', 'topic', 'partition']
  const records = new Gauge({
    name: 'kafka_consumergroup_group_lag',
    help: 'Records that a group has not dealt with yet.',
    labelNames,
    registers: [metrics],
  })
  const seconds = new Gauge({
    name: 'kafka_consumergroup_group_lag_seconds',
    help: 'Age of the oldest record that a group has not dealt with yet.',
    labelNames,
    registers: [metrics],
  })
  return {
    /** Reads the log anew. When that fails the gauges are left empty: no number is better than an old one. */
    async update(): Promise<void> {
      records.reset()
      seconds.reset()
      const runs = runsOf((await log.topics('fcm.')).map((topic) => topic.name))
      for (const row of (await Promise.all(runs.map((run) => lagOf(log, run, now)))).flat()) {
        const labels = { group: row.group, topic: row.topic, partition: row.partition }
        records.set(labels, row.records)
        seconds.set(labels, row.seconds)
      }
    },
  }
}
