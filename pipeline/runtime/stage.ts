import type { FcmRecord } from '../../schemas/records.ts'
import type { ReadBy, RecordOn, StageRole, WrittenBy } from '../topology.ts'

/** What a stage sees of a record: no offset, no clock, so that no result can depend on them. */
export type Input<R extends FcmRecord = FcmRecord> = { key: string; record: R }
export type InputOf<Name extends StageRole> = Input<RecordOn<ReadBy<Name>>>

/** A record on its way to a topic that the stage may write. */
export type Output<Name extends StageRole = StageRole> = {
  [T in WrittenBy<Name>]: [topic: T, key: string, record: RecordOn<T>]
}[WrittenBy<Name>]

/** Queues an output; the runtime appends outputs in the order of the calls. */
export type Emit<Name extends StageRole = StageRole> = (...output: Output<Name>) => void

/**
 * One step of the pipeline: a pure function of its input, kept fast by mutating its own state. What it reads and may write
 * stands under its name in the topology.
 * `State` is plain data (objects, arrays, maps, sets, typed arrays, buffers), encoded whole by the runtime as a
 * checkpoint: whatever `State` can't hold doesn't survive a restart.
 */
export interface Stage<Name extends StageRole, State> {
  name: Name
  /** Of the shape of `State`: raise it with every change. */
  version: number
  initial(partition: number): State
  /** Synchronous and pure: counts, and queues what must be decided. */
  apply(state: State, input: InputOf<Name>): void
  /**
   * At the end of a batch: decides what is queued, in input order. A queued item owns copies of all it needs;
   * `apply` reads nothing that `settle` writes, so batch edges can't matter.
   */
  settle(state: State, emit: Emit<Name>): Promise<void>
  /** Figures about the state that an operator should see. */
  gauges?(state: State): Record<string, number>
}
