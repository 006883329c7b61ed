/**
 * The one port to the event log. `embedded/` (a file, one process) is one adapter, Kafka the other; `contract.ts` holds
 * both to the same behaviour. What can't be promised by Kafka is not promised here: appends to several partitions are
 * not atomic, delivery is at least once, order holds within a partition.
 */
export type TopicSpec = {
  name: string
  partitions: number
  /** Records older than this, by append time, may be deleted. */
  retentionMs: number
  /** The largest record that it must take, in bytes of key, value and headers; default: whatever the log takes. */
  maxBytes?: number
  /** Keep (at least) the last record of every key instead; a null value deletes its key. */
  compacted?: boolean
}

export type NewRec = {
  topic: string
  /** Without one, the key decides: equal keys go to the same partition. */
  partition?: number
  key: string
  value: Uint8Array | null
  headers?: Record<string, string>
}

export type Rec = {
  topic: string
  partition: number
  /** From 0, rising within the partition; compaction and retention leave holes. */
  offset: number
  /** Append time in ms, by the log's clock: for retention and lag only, never for a result. */
  time: number
  key: string
  value: Uint8Array | null
  headers: Record<string, string>
}

export type TopicPartition = { topic: string; partition: number }

/**
 * `first`: all before it was deleted by retention; else it is the oldest record's, or `next` when there is none.
 * Compaction does not move it. `next`: of the record appended next.
 */
export type PartitionEnds = { partition: number; first: number; next: number }

export type SubscribeOptions = {
  group: string
  topics: string[]
  /** Most records in a batch. */
  batchSize: number
  /**
   * A partition became this member's. Returns the offset to begin at; undefined: where the group committed last, or
   * the first record. May take its time (restoring state): no batch of the partition comes before it resolves.
   * @throws OFFSET_OUT_OF_RANGE through `onFailure` when the offset to begin at was deleted.
   */
  onAssigned?(tp: TopicPartition): Promise<number | undefined>
  /** The next records of one partition, at least one; the next batch of that partition waits until it resolves. */
  onBatch(records: Rec[], tp: TopicPartition): Promise<void>
  /**
   * The partition goes to another member, or this one stops. The running batch has ended; commits still count when it
   * stops. Where others are told first (Kafka), the new member may have begun already, with what was committed by then:
   * it does again what was done since, and comes to the same.
   */
  onRevoked?(tp: TopicPartition): Promise<void>
  /** Once aborted, nothing is waited for any longer: to join, which it rejects with its reason, to commit, or to stop. */
  signal?: AbortSignal
  /**
   * A handler threw, or reading is impossible: the subscription has ended, without `onRevoked`, since what the handlers
   * hold may be half done. Handlers deal with what may pass by itself.
   */
  onFailure(error: unknown): void
}

export interface Subscription {
  /** The group has dealt with all before `offset`. Of no effect once the partition is revoked. */
  commit(tp: TopicPartition, offset: number): Promise<void>
  /** Lets running batches end, revokes every partition, leaves the group. A handler that awaits it waits for itself. */
  stop(): Promise<void>
}

export type LeadOptions = {
  group: string
  /**
   * What only one of the group may do. `over` is aborted when another is to do it, which may have begun by then; and when this
   * one may have been taken for dead meanwhile, even if it then leads again: another may have led. The next turn begins when
   * this one has ended. One that ends by itself is not begun again before another has led.
   */
  work(over: AbortSignal): Promise<void>
  /** `work` has failed, or the group can't be reached for good: this one is out. */
  onFailure(error: unknown): void
  /** As of a subscription. */
  signal?: AbortSignal
}

export interface Leadership {
  /** Aborts `over`, lets the work end, and leaves the group. */
  stop(): Promise<void>
}

export interface EventLog {
  /** Creates the topics that are missing. The partition count of one that exists is left as it is. */
  ensureTopics(specs: TopicSpec[]): Promise<void>
  /** Existing topics and their partition counts, by name, of those beginning with `prefix`. */
  topics(prefix: string): Promise<{ name: string; partitions: number }[]>
  /** Deletes topics with their records and every group's offsets in them. */
  deleteTopics(names: string[]): Promise<void>
  /** Resolves when all are durable; order within a partition is that of the array and of the calls. */
  append(records: NewRec[]): Promise<void>
  ends(topic: string): Promise<PartitionEnds[]>
  /**
   * Records from `from` (default: the first kept) up to an end that is no earlier than that at the call.
   * @throws FcmError TOPIC_UNKNOWN, OFFSET_OUT_OF_RANGE when a record to be read was deleted, from the iteration.
   */
  read(tp: TopicPartition, from?: number): AsyncIterable<Rec>
  subscribe(options: SubscribeOptions): Promise<Subscription>
  /** Stands for being the one of a group that leads: who holds `place`, of which nothing is read. */
  lead(place: TopicPartition, options: LeadOptions): Promise<Leadership>
  /** Offsets committed by a group in a topic, by partition; a partition never committed is absent. */
  committed(group: string, topic: string): Promise<Map<number, number>>
  /** Groups that have committed in topics beginning with `prefix`. */
  groups(prefix: string): Promise<{ group: string; topic: string }[]>
  /** Stops what is still subscribed, then lets go of the file or the connections. */
  close(): Promise<void>
}
