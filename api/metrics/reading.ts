/** Metrics that are read from the log or the store when a scraper asks. */
import type { FastifyBaseLogger } from 'fastify'
import { within } from '../../common/within.ts'

export type Reading = {
  /** What they tell, as in `... is not known`. */
  what: string
  /** Looks, and returns what sets the metrics to what was seen: at once, so that no other scrape comes between. */
  read(): Promise<() => void>
  /** No numbers: rather than old ones. */
  clear(): void
}

/** What takes longer to be read is not told this time, ms. Prometheus gives up after 10 s. */
const PATIENCE = 5000

/**
 * Brings metrics up to date, for all who ask at the same time once. It ends within 5 s: what could not be read by then has
 * no numbers, since the other metrics are worth having most when the log or the store is in trouble.
 */
export function createReader(readings: readonly Reading[], patience = PATIENCE) {
  let running: Promise<void> | undefined
  /** Of each, what is still being read: a store that hangs is not asked more and more. */
  const reads = new Map<Reading, Promise<() => void>>()

  async function one(reading: Reading, log: FastifyBaseLogger): Promise<void> {
    const read = reads.get(reading) ?? reading.read().finally(() => reads.delete(reading))
    reads.set(reading, read)
    // It may fail when nobody waits any more.
    read.catch(() => {})
    const apply = await within(read, patience, (why) => new Error(why)).catch((error) => {
      log.warn({ err: error }, `${reading.what} is not known`)
      return undefined
    })
    reading.clear()
    apply?.()
  }

  return (log: FastifyBaseLogger): Promise<void> => {
    running ??= Promise.all(readings.map((reading) => one(reading, log))).then(() => {
      running = undefined
    })
    return running
  }
}
