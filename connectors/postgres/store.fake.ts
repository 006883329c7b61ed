/** A store in memory, for tests of what asks it: made-up rows, and every question remembered. */
import { fakeAlerts } from './alerts/alerts.fake.ts'
import { fakeCasts } from './casts/casts.fake.ts'
import { fakeIngest } from './ingest/ingest.fake.ts'
import { fakeOperations } from './operations/operations.fake.ts'
import { fakeRuns } from './runs/runs.fake.ts'
import { fakeSeries } from './series/series.fake.ts'
import type { Store } from './store.ts'

type Given = { [C in keyof Store]?: Store[C] extends Answer | boolean ? Store[C] : Partial<Store[C]> }
type Answer = (...args: never[]) => unknown

/** `given`: by capability, what answers otherwise. `asked` holds every call: `alerts.list`, and its arguments. */
export function fakeStore(given: Given = {}): Store & { asked: [string, ...unknown[]][] } {
  const asked: [string, ...unknown[]][] = []
  const listening = <C extends object>(name: string, capability: C): C =>
    Object.fromEntries(
      Object.entries(capability).map(([method, answer]: [string, Answer]) => [
        method,
        (...args: never[]) => {
          asked.push([`${name}.${method}`, ...args])
          return answer(...args)
        },
      ]),
    ) as C
  return {
    embedded: given.embedded ?? true,
    ingest: listening('ingest', fakeIngest(given.ingest)),
    alerts: listening('alerts', fakeAlerts(given.alerts)),
    series: listening('series', fakeSeries(given.series)),
    casts: listening('casts', fakeCasts(given.casts)),
    operations: listening('operations', fakeOperations(given.operations)),
    runs: listening('runs', fakeRuns(given.runs)),
    ping: given.ping ?? (async () => {}),
    close: given.close ?? (async () => {}),
    asked,
  }
}
