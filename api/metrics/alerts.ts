/** How many alerts are open, as a metric: also where none is, so that one that closes is seen to. */
import { Gauge, type Registry } from 'prom-client'
import type { Store } from '../../connectors/postgres/store.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { runsOf } from '../../pipeline/topology.ts'
import { ALERT_KINDS, SEVERITIES } from '../../schemas/records.ts'
import type { Reading } from './reading.ts'

export function createAlertMetrics(store: Store, log: EventLog, metrics: Registry): Reading {
  const open = new Gauge({
    name: 'fcm_open_alerts',
    help: 'Alerts that are open, also those beyond the daily cap.',
    labelNames: ['run', 'type', 'severity'],
    registers: [metrics],
  })
  return {
    what: 'which alerts are open',
    clear: () => open.reset(),
    async read() {
      const runs = runsOf((await log.topics('fcm.')).map((topic) => topic.name))
      const counts = await store.alerts.open()
      return () => {
        for (const run of runs) {
          for (const type of ALERT_KINDS)
            for (const severity of SEVERITIES) open.set({ run, type, severity }, 0)
        }
        for (const { count, ...labels } of counts) open.set(labels, count)
      }
    },
  }
}
