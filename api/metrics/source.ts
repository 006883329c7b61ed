/** What the sources of all runs do, as metrics; without a label per channel, of which strangers make as many as they like. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Store } from '../../connectors/postgres/store.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { runsOf } from '../../pipeline/topology.ts'
import type { Reading } from './reading.ts'

export function createSourceMetrics(store: Store, log: EventLog, metrics: Registry): Reading {
  const registers = [metrics]
  const requests = new Counter({
    name: 'fcm_source_requests_total',
    help: 'Requests that the source has made.',
    labelNames: ['run'],
    registers,
  })
  const failed = new Counter({
    name: 'fcm_source_failed_total',
    help: 'Requests of the source that failed.',
    labelNames: ['run'],
    registers,
  })
  const coveredTo = new Gauge({
    name: 'fcm_source_covered_to_timestamp_seconds',
    help: 'Event time up to which the source has spoken of all that it follows, in seconds since 1970.',
    labelNames: ['run', 'measure'],
    registers,
  })
  const gaps = new Gauge({
    name: 'fcm_gap_ratio',
    help: 'Share of the followed time of the last 24 hours, by event time, that is gap.',
    labelNames: ['run', 'measure'],
    registers,
  })
  const behind = new Gauge({
    name: 'fcm_channels_behind',
    help: 'Channels that the source follows and is behind in.',
    labelNames: ['run'],
    registers,
  })
  return {
    what: 'what the source does',
    clear() {
      for (const metric of [requests, failed, coveredTo, gaps, behind]) metric.reset()
    },
    async read() {
      const runs = runsOf((await log.topics('fcm.')).map((topic) => topic.name))
      const states = await Promise.all(
        runs.map(async (run) => ({ run, state: await store.operations.source(run) })),
      )
      return () => {
        for (const { run, state } of states) {
          if (state.round) {
            requests.inc({ run }, state.requests)
            failed.inc({ run }, state.failed)
            behind.set({ run }, state.behind)
          }
          for (const { measure, decidedTo, gapRatioDay } of state.measures) {
            coveredTo.set({ run, measure }, decidedTo / 1000)
            if (gapRatioDay !== null) gaps.set({ run, measure }, gapRatioDay)
          }
        }
      }
    },
  }
}
