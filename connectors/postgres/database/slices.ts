import type { Query } from './database.ts'

/** Rows that one statement deletes: whoever waits for it, or has the one session of an embedded database, waits no longer. */
export const SLICE = 5000

/**
 * Deletes the rows of a table (not a partitioned one) that meet a condition, in slices of their own transactions; returns how
 * many. What another process is deleting is left to it.
 */
export async function deleteInSlices(
  query: Query,
  table: string,
  condition: string,
  values: unknown[],
): Promise<number> {
  for (let deleted = 0; ; ) {
    const { changed } = await query(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY (
         SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${SLICE} FOR UPDATE SKIP LOCKED))`,
      values,
    )
    deleted += changed
    if (changed < SLICE) return deleted
  }
}
