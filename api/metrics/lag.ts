import { Gauge, type Registry } from 'prom-client'
import type { EventLog } from '../../pipeline/log/port.ts'
import { runsOf } from '../../pipeline/topology.ts'
import { type Behind, behindIn } from '../queries/lag.ts'
import type { Reading } from './reading.ts'

/**
 * Gauges of the lag of all runs, named as kafka-lag-exporter names them so that its dashboards and alerts fit.
 */
export function createLagMetrics(log: EventLog, metrics: Registry, now: () => number): Reading {
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
    what: 'lag',
    clear() {
      for (const one of gauges) one.reset()
    },
    async read() {
      const runs = runsOf((await log.topics('fcm.')).map((topic) => topic.name))
      const rows: Behind[] = []
      for (const run of runs) rows.push(...(await behindIn(log, run, now)))
      return () => {
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
      }
    },
  }
}
