/**
 * The planner's statistics of the embedded database, which has no autovacuum. Without them PostgreSQL sorts whole tables
 * where an index has the order already, and reading a list to its end takes time quadratic in its length.
 */
import type { RecordType } from '../../../schemas/records.ts'
import type { Query } from './database.ts'

/** Fewer rows than these are quickly read in any way; pages of 8 KB in which they stand. */
const AT_LEAST = 20_000
const AT_LEAST_PAGES = 100
/** Whether a table has more than doubled since it was looked at last, which takes none of the time of looking at all. */
const GROWN = `SELECT EXISTS (
  SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    AND pg_relation_size(oid) > 8192::bigint * greatest(2 * relpages, ${AT_LEAST_PAGES})) AS grown`
/** What grows with records of a type. */
const TABLES: Partial<Record<RecordType, string>> = {
  Cast: 'casts',
  CastRemoved: 'removals',
  Coverage: 'coverage, gaps',
  Polled: 'polls',
  BinClosed: 'channels, channel_spans, series, counts',
  Signal: 'signals',
  AlertEvent: 'alerts, alert_events',
}

export function createStatistics(query: Query) {
  const written = new Map<RecordType, number>()

  return {
    /** Renews those of a database that others have written, where they are no longer of use. */
    async renew(): Promise<void> {
      const { rows } = await query(GROWN)
      if (rows[0]!.grown) await query('ANALYZE')
    },
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
