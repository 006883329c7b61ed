/** The event log on Kafka. What is peculiar about Kafka, and about kafkajs, is known in this folder and nowhere else. */
import type { EventLog, PartitionEnds, Rec, Subscription } from '../port.ts'
import { inRange } from '../range.ts'
import { createAppender } from './appender.ts'
import { createClient, explained, type KafkaOptions } from './client.ts'
import { createReader } from './cluster.ts'
import { subscribe } from './subscription.ts'
import { createTopics } from './topics.ts'

const SESSION_MS = 30_000
const FIRST_BYTES = 16 * 1024

/**
 * Opens the event log on the cluster that `brokers` belong to. Nothing is asked of it yet.
 * @throws FcmError from every call: KAFKA_UNREACHABLE, which may pass, and KAFKA_REFUSED
 */
export function openKafkaLog(options: KafkaOptions): EventLog {
  const { sessionMs = SESSION_MS } = options
  const client = createClient(options)
  const { kafka } = client
  const topics = createTopics(kafka)
  const appender = createAppender(kafka, topics)
  const reader = createReader(kafka)
  const subscriptions = new Set<Subscription>()

  async function ends(topic: string): Promise<PartitionEnds[]> {
    await topics.partitions(topic)
    return reader.ends(topic).catch((error) => {
      topics.forget([topic])
      throw explained(error, topic)
    })
  }

  return {
    ensureTopics: topics.ensure,
    topics: topics.list,
    deleteTopics: topics.delete,
    append: appender.append,
    ends,
    committed: topics.committed,
    groups: topics.groups,

    read(tp, from) {
      const asked = ends(tp.topic)
      // It may be read later, or never.
      asked.catch(() => {})
      return {
        async *[Symbol.asyncIterator](): AsyncGenerator<Rec> {
          const ends = (await asked)[tp.partition]!
          const { next } = ends
          let at = inRange(tp, from ?? ends.first, ends)
          // Who looks at one record, for its age, need not fetch thousands.
          let bytes: number | undefined = FIRST_BYTES
          while (at < next) {
            const page = await reader.page(tp, at, bytes).catch((error) => {
              throw explained(error, tp.topic)
            })
            for (const record of page.records) if (record.offset < next) yield record
            at = page.next
            bytes = undefined
          }
        },
      }
    },

    async subscribe(wanted) {
      const subscription = await subscribe(
        { ...topics, ends, createClient: () => createClient(options), sessionMs },
        wanted,
      )
      subscriptions.add(subscription)
      return {
        ...subscription,
        async stop() {
          await subscription.stop()
          subscriptions.delete(subscription)
        },
      }
    },

    async close() {
      await Promise.all([...subscriptions].map(({ stop }) => stop()))
      await Promise.all([appender.close(), reader.close(), topics.close()].map(quietly))
      client.cut()
    },
  }
}

/** A broker that is away is not told that we leave. */
const quietly = (closing: Promise<void>): Promise<void> => closing.catch(() => {})
