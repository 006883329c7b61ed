/** What every store must do, whatever database it stands on: run by `store.test.ts` and `store.postgres.test.ts`. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { alertsContract } from './alerts/alerts.contract.ts'
import { outboxContract } from './alerts/outbox.contract.ts'
import { castsContract } from './casts/casts.contract.ts'
import { cursorContract } from './database/cursor.contract.ts'
import { monthsContract } from './database/months.contract.ts'
import { ingestContract } from './ingest/ingest.contract.ts'
import { operationsContract } from './operations/operations.contract.ts'
import { runsContract } from './runs/runs.contract.ts'
import { channelsContract } from './series/channels.contract.ts'
import { seriesContract } from './series/series.contract.ts'
import type { Store } from './store.ts'

export function storeContract(
  name: string,
  open: (now: () => number) => Promise<{ store: Store; close(): Promise<void> }>,
): void {
  describe(name, () => {
    let store: Store
    let close: () => Promise<void>
    let runs = 0
    let time = Date.UTC(2026, 10, 15)
    /** A run of its own for every test. */
    const newRun = () => `run-${++runs}`

    beforeAll(async () => {
      const opened = await open(() => time)
      store = opened.store
      close = opened.close
    })
    afterAll(() => close())

    const suites = {
      ingest: ingestContract,
      alerts: alertsContract,
      outbox: outboxContract,
      series: seriesContract,
      channels: channelsContract,
      casts: castsContract,
      operations: operationsContract,
      runs: runsContract,
      cursors: cursorContract,
    }
    for (const [capability, suite] of Object.entries(suites)) {
      describe(capability, () => suite(() => store, newRun))
    }

    describe('months', () =>
      monthsContract(
        () => store,
        newRun,
        (now) => {
          time = now
        },
      ))

    it('answers a ping', () => store.ping())
  })
}
