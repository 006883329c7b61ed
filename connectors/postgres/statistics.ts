/**
 * The planner's statistics of the embedded database, which has no autovacuum. Without them PostgreSQL sorts whole tables
 * where an index has the order already, and reading a list to its end takes time quadratic in its length.
 */
import type { Query } from './database.ts'

/** Fewer rows than these are quickly read in any way. */
const AT_LEAST = 20_000

export function createStatistics(query: Query) {
  const written = new Map<string, number>()

  /** Renews them. */
  const analyze = async (): Promise<void> => {
    await query('ANALYZE')
  }

  return {
    analyze,
    /** Takes the types of records that were written, and renews whenever those of one type have doubled. */
    async grown(types: Iterable<string>): Promise<void> {
      let doubled = false
      for (const type of types) {
        const count = (written.get(type) ?? 0) + 1
        written.set(type, count)
        if (count >= AT_LEAST && Number.isInteger(Math.log2(count / AT_LEAST))) doubled = true
      }
      if (doubled) await analyze()
    },
  }
}
