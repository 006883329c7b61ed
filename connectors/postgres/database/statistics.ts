/**
 * The planner's statistics of the embedded database, which has no autovacuum. Without them PostgreSQL sorts whole tables
 * where an index has the order already, and reading a list to its end takes time quadratic in its length.
 */
import type { RecordType } from '../../../schemas/records.ts'
import type { Query } from './database.ts'

/** Fewer rows than these are quickly read in any way. */
const AT_LEAST = 20_000
/** What grows with records of a type. */
const TABLES: Partial<Record<RecordType, string>> = {
  Cast: 'casts',
  CastRemoved: 'removals',
  Coverage: 'coverage, gaps',
  Polled: 'polls',
  BinClosed: 'channels, series, counts',
  Signal: 'signals',
  AlertEvent: 'alerts, alert_events',
}

export function createStatistics(query: Query) {
  const written = new Map<RecordType, number>()

  /** Renews them. */
  const analyze = async (): Promise<void> => {
    await query('ANALYZE')
  }

  return {
    analyze,
    /** Takes the types of records that were written, and renews those of tables that have doubled. */
    async grown(types: Iterable<RecordType>): Promise<void> {
      const doubled = new Set<string>()
      for (const type of types) {
        const tables = TABLES[type]
        if (!tables) continue
        const count = (written.get(type) ?? 0) + 1
        written.set(type, count)
        if (count >= AT_LEAST && Number.isInteger(Math.log2(count / AT_LEAST))) doubled.add(tables)
      }
      for (const tables of doubled) await query(`ANALYZE ${tables}`)
    },
  }
}
