/** What the pipeline writes. */
import type { FcmRecord } from '../../../schemas/records.ts'

/** Where in a batch the records stand that the store can't hold, and why. */
export type Written = { rejected: { index: number; why: string }[] }

export interface Ingest {
  /** A role begins to write this run: where it was deleted before, it may begin anew. */
  begin(run: string): void
  /**
   * Applies records of one partition of a run's topics, in order, and only those not applied yet (identities: DESIGN rule
   * 7); those that it can't hold are left out and told. When it fails, a beginning of them may have been applied.
   * @throws FcmError DATABASE_UNREACHABLE when waiting may help; RUN_DELETED, by whoever, since it was begun.
   */
  write(run: string, records: { key: string; record: FcmRecord }[]): Promise<Written>
}
