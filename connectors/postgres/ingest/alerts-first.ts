import type { Ingest, Written } from './ingest.ts'

type Write = Ingest['write']

/** Records of one transaction, some 10 ms of writing. */
const SLICE = 250
/** And while the store is behind, which is when full batches come: twice as many records in a second. */
const BULK = 2000

/**
 * Writes for a database that has one session, as the embedded one: so that an alert waits for one short transaction at
 * most, all else is written in slices, each of which waits for its turn. A slice that fails leaves those before it
 * written; writing all of it again changes nothing about them.
 */
export function alertsFirst(write: Write): Write {
  return async (run, records) => {
    if (records.some(({ record }) => record.type === 'AlertEvent' || record.type === 'DeskAction'))
      return write(run, records)
    const rejected: Written['rejected'] = []
    const size = records.length < BULK ? SLICE : BULK
    for (let from = 0; from < records.length; from += size) {
      const written = await write(run, records.slice(from, from + size))
      for (const { index, why } of written.rejected) rejected.push({ index: from + index, why })
    }
    return { rejected }
  }
}
