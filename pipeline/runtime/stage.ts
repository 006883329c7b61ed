import type { FcmRecord } from '../../schemas/records.ts'

export type TopicName = 'activity' | 'counts' | 'signals' | 'alerts'

/** What a stage sees of a record: no offset, no clock, so that no result can depend on them. */
export type Input = { key: string; record: FcmRecord }

/** Queues an output; the runtime appends outputs in the order of the calls. */
export type Emit = (topic: TopicName, key: string, record: FcmRecord) => void

/**
 * One step of the pipeline: a pure function of its input, kept fast by mutating its own state.
 * `State` is plain data (objects, arrays, maps, sets, typed arrays, buffers), encoded whole by the runtime as a
 * checkpoint: whatever `State` can't hold doesn't survive a restart.
 */
export interface Stage<State> {
  name: string
  input: TopicName
  /** Of the shape of `State`: raise it with every change. */
  version: number
  /** Records of other keys are passed over unread. */
  reads?(key: string): boolean
  initial(partition: number): State
  /** Synchronous and pure: counts, and queues what must be decided. */
  apply(state: State, input: Input): void
  /**
   * At the end of a batch: decides what is queued, in input order. A queued item owns copies of all it needs;
   * `apply` reads nothing that `settle` writes, so batch edges can't matter.
   */
  settle(state: State, emit: Emit): Promise<void>
  /** Figures about the state that an operator should see. */
  gauges?(state: State): Record<string, number>
}
