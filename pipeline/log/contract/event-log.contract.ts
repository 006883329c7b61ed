import { afterAll, beforeAll, describe } from 'vitest'
import { bench, type Opened, type UnderTest } from './bench.ts'
import { leaderContract } from './leader.contract.ts'
import { recordsContract } from './records.contract.ts'
import { subscriptionsContract } from './subscriptions.contract.ts'

/**
 * What every event log promises. `open` gives the log under test; `reopen` closes it and opens it again, where a log
 * has a life of its own; `cleanUp` removes what is left of it when it is closed.
 */
export function eventLogContract(name: string, open: () => Promise<Opened>): void {
  describe(`${name} keeps the contract of an event log:`, () => {
    const on = {} as UnderTest
    beforeAll(async () => {
      const opened = await open()
      Object.assign(on, { opened, log: opened.log, it: bench(opened.log) })
    })
    afterAll(async () => {
      await on.log.close()
      on.opened.cleanUp?.()
    })

    recordsContract(on)
    subscriptionsContract(on)
    leaderContract(on)
  })
}
