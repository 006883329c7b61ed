/**
 * Reading, and looking how far one can, without a group. kafkajs reads for consumer groups only, and joining one takes
 * seconds where the broker has its defaults; so this goes one storey lower, to its connections and its protocol.
 */
import { createRequire } from 'node:module'
import type { Kafka, KafkaMessage } from 'kafkajs'
import type { PartitionEnds, Rec, TopicPartition } from '../port.ts'
import { clusterOf, connected } from './client.ts'
import { recordOf } from './record.ts'

const require = createRequire(import.meta.url)

type Fetched = {
  responses: { topicName: string; partitions: { highWatermark: string; lastStableOffset: string }[] }[]
}
type Broker = { fetch(request: object): Promise<Fetched> }

type Cluster = {
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findTopicPartitionMetadata(topic: string): { partitionId: number }[]
  fetchTopicsOffset(topics: object[]): Promise<{ partitions: { partition: number; offset: string }[] }[]>
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>
  findBroker(options: { nodeId: string }): Promise<Broker>
}
const Batch = require('kafkajs/src/consumer/batch') as new (
  topic: string,
  from: string,
  partition: object | undefined,
) => { messages: KafkaMessage[]; rawMessages: KafkaMessage[] }

/** `next`: where to go on, past what compaction has taken and what belongs to transactions; `from`, where nothing is yet. */
type Page = { records: Rec[]; next: number }

/** Bytes of one answer: some thousands of records. */
const FETCH_BYTES = 1024 * 1024
const READ_COMMITTED = 1

export function createReader(kafka: Kafka) {
  const reader = connected(() => clusterOf<Cluster>(kafka, { isolationLevel: READ_COMMITTED }))

  /** Connected, and with the partitions of `topic`. */
  async function knowing<T>(topic: string, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    return reader.use(async (cluster) => {
      if (!cluster.isConnected()) await cluster.connect()
      await cluster.addTargetTopic(topic)
      await cluster.refreshMetadataIfNecessary()
      // What came back may have been asked for before this topic was named.
      if (cluster.findTopicPartitionMetadata(topic).length === 0) await cluster.refreshMetadata()
      try {
        return await work(cluster)
      } catch (error) {
        // A leader may have moved.
        await cluster.refreshMetadata().catch(() => {})
        throw error
      }
    })
  }

  return {
    ends: (topic: string): Promise<PartitionEnds[]> =>
      knowing(topic, async (cluster) => {
        const partitions = cluster
          .findTopicPartitionMetadata(topic)
          .map(({ partitionId }) => ({ partition: partitionId }))
        const offsets = async (fromBeginning: boolean): Promise<Map<number, number>> => {
          const [found] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }])
          return new Map(found!.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
        }
        const [first, next] = await Promise.all([offsets(true), offsets(false)])
        return partitions
          .map(({ partition }) => ({ partition, first: first.get(partition)!, next: next.get(partition)! }))
          .sort((a, b) => a.partition - b.partition)
      }),

    /** The records of a partition from `from` on, as many as an answer of `bytes` holds, and at least one. */
    page: ({ topic, partition }: TopicPartition, from: number, bytes = FETCH_BYTES): Promise<Page> =>
      knowing(topic, async (cluster) => {
        const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
        const broker = await cluster.findBroker({ nodeId: nodeId! })
        const request = { partition, fetchOffset: String(from), maxBytes: bytes }
        const { responses } = await broker.fetch({
          ...{ maxWaitTime: 1000, minBytes: 1, maxBytes: bytes, isolationLevel: READ_COMMITTED },
          topics: [{ topic, partitions: [request] }],
        })
        const answer = responses[0]!.partitions[0]!
        const { messages, rawMessages } = new Batch(topic, String(from), answer)
        const last = rawMessages.at(-1)
        // A leader that is new may not know yet how far one can read, and what a transaction holds back will come.
        const end = Math.min(Number(answer.highWatermark), Number(answer.lastStableOffset))
        return {
          records: messages.map((message) => recordOf({ topic, partition }, message)),
          next: Math.max(end > from ? from + 1 : from, last ? Number(last.offset) + 1 : 0),
        }
      }),
    close: reader.close,
  }
}
