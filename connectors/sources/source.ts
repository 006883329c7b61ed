/**
 * The port behind which every source of activity stands: archive, simulation, polling. A source yields records keyed by
 * channel, with coverage behind what it covers (DESIGN, rules 1-4); the publisher owns appending, retries and partitions.
 * What is in the log is all that a source finds again: so no position of its own can disagree with it.
 */
import type { Activity } from '../../schemas/records.ts'

/** A record and its key: that of a channel, or `NETWORK` for every partition. */
export type Keyed = { key: string; record: Activity }

/** A line of a file that could not be taken, and why. */
export type Refused = { file: string; line: number; bytes: Uint8Array; why: string }

export type Batch = {
  /** Goes first: no gap is ever declared whose reason isn't on record. */
  refused: readonly Refused[]
  /** In order. */
  records: readonly Keyed[]
}

export interface Source {
  /** Resolves when it is worth asking: at once, or when the next round of polls begins. */
  awake(): Promise<void>
  /**
   * What follows: a few thousand records at most, perhaps none for now, null at the end. To ask again says that all that was
   * given is in the log.
   */
  next(): Promise<Batch | null>
  /**
   * How far it has come, event time in ms, once all that was given is in the log; null before the first step. Opened on that
   * log, a source stands there again: what follows is the same, but for repeats that are known by their identity.
   */
  snapshot(): number | null
  /** Lets go of what it holds, at once. May be called again. */
  close(): Promise<void>
}

export type OpenSource = (written: Written) => Promise<Source>

/** What a run's activity log holds. */
export type Written = {
  run: string
  /** Of the log: every whole-source coverage tells it. */
  partitions: number
  /** Whether the log has forgotten its beginning. */
  isCut: boolean
  /**
   * The end of a partition, oldest first: from the last record that is `enough`, or somewhat before it, or from the first that
   * is kept. What can't be read is passed over.
   */
  readBack(partition: number, enough: (item: Keyed) => boolean): Promise<Keyed[]>
}
