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

/** What a stage wants of the runtime, where somebody waits for what it writes. No result depends on it. */
export type Pace<Name extends StageRole> = {
  /** A batch that made so many outputs is a burst: bins have closed, and what was decided on them is on its way. */
  burst: number
  /**
   * Checkpoints don't begin so soon behind a burst, ms: encoding would hold up what is on its way. Where bursts come every
   * few seconds, they begin within as much again, so as to be done before the next.
   */
  calmMs: number
  /** Outputs to these topics are written before all others of a batch; of a burst so much before them, ms. */
  urgent?: { topics: readonly WrittenBy<Name>[]; headStartMs: number }
}

/**
 * One step of the pipeline: a pure function of its input, kept fast by mutating its own state. What it reads and may write
 * stands under its name in the topology.
 * `State` is plain data (objects, arrays, maps, sets, typed arrays, buffers), encoded whole by the runtime as a
 * checkpoint: whatever `State` can't hold doesn't survive a restart.
 */
export interface Stage<Name extends StageRole, State> {
  name: Name
  /** Of the shape of `State`: raise it with every change, and either migrate what is older, or let it be rebuilt. */
  version: number
  /** `state`, of an older version, in today's shape; null where it can't be, and is rebuilt. */
  migrate?(state: unknown, version: number): State | null
  /**
   * What becomes of the outputs when state is rebuilt from the input that is kept. `aloud`: all are written again; readers know
   * them by their identity, and pass over them. `silently`: none, up to where the older state stood: they are written.
   */
  rebuild: 'aloud' | 'silently'
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
  pace?: Pace<Name>
}

/** As much of a stage as doesn't depend on what it reads and writes. */
export type AnyStage<State> = Omit<Stage<StageRole, State>, 'apply' | 'settle' | 'pace'> & {
  pace?: Omit<Pace<StageRole>, 'urgent'>
}
