/** One life of a member: kafkajs keeps it in the group and fetches for it, until it has failed too often. */
import type { Consumer, ConsumerCommitOffsetsEvent, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs'
import type { TopicPartition } from '../port.ts'
import { assigner } from './assigner.ts'
import type { Client } from './client.ts'

/** In one answer, before records are unpacked to some ten times as much: of one partition, and of all. A record may be larger. */
const FETCH_BYTES = 256 * 1024
const ANSWER_BYTES = 1024 * 1024
/**
 * A fetch is answered when there is something, or after this. So long a partition may also wait to be fetched from after a
 * pause: while it was paused it was not in the request that is under way.
 */
const FETCH_WAIT_MS = 500
/** A rebalance is noticed with a heartbeat. */
const HEARTBEAT_MS = 1000
/** kafkajs gives up after so many attempts, a few seconds. */
const ATTEMPTS = 8

export type Member = {
  consumer: Consumer
  join(topics: string[]): Promise<void>
  /** Ends it without a word to the group; nothing is heard of it any more. */
  cut(): void
}

export type Membership = {
  group: string
  sessionMs: number
  /** The partitions that the member has now. */
  held(): TopicPartition[]
  partitions(topic: string): Promise<number>
}

export type Events = {
  /** In the turn in which kafkajs joined, before it fetches. */
  joined(as: ConsumerGroupJoinEvent['payload']): void
  fetched(batch: EachBatchPayload): Promise<void>
  /** A broker has acknowledged offsets. */
  confirmed(topics: ConsumerCommitOffsetsEvent['payload']['topics']): void
  /** kafkajs has given up. */
  crashed(error: Error): void
}

export function createMember(
  client: Client,
  { group, sessionMs, held, partitions }: Membership,
  { joined, fetched, confirmed, crashed }: Events,
): Member {
  const consumer = client.kafka.consumer({
    groupId: group,
    partitionAssigners: [assigner(held, partitions)],
    sessionTimeout: sessionMs,
    heartbeatInterval: HEARTBEAT_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    maxBytesPerPartition: FETCH_BYTES,
    maxBytes: ANSWER_BYTES,
    allowAutoTopicCreation: false,
    retry: { retries: ATTEMPTS, restartOnFailure: async () => false },
  })
  let isCut = false
  consumer.on('consumer.group_join', ({ payload }) => {
    if (!isCut) joined(payload)
  })
  consumer.on('consumer.commit_offsets', ({ payload }) => {
    if (!isCut) confirmed(payload.topics)
  })
  consumer.on('consumer.crash', ({ payload }) => {
    if (!isCut) crashed(payload.error)
  })
  return {
    consumer,
    async join(topics) {
      await consumer.connect()
      await consumer.subscribe({ topics, fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: fetched })
    },
    cut() {
      isCut = true
      client.cut()
    },
  }
}
