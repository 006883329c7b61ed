import type { FcmRecord } from '../../../schemas/records.ts'
import type { ReadBy, SinkRole } from '../../topology.ts'

/** Where records leave the log. Writing the same ones again must change nothing. */
export type Sink<Name extends SinkRole = SinkRole> = {
  name: Name
  /** Topics whose records are written at once. */
  urgent: readonly ReadBy<Name>[]
  /**
   * All others wait so long, ms, unless it is behind: behind what is urgent and comes of the same close, and for more to go
   * with it. Hundreds of small transactions a second would leave no room for urgent ones between them.
   */
  gatherMs: number
  /** Applies records of one partition in order, less those that it rejects because it can't ever. */
  write(
    records: { key: string; record: FcmRecord }[],
  ): Promise<{ rejected: readonly { index: number; why: string }[] }>
}
