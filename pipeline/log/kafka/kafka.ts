/** The event log on Kafka. What is peculiar about Kafka, and about kafkajs, is known in this folder and nowhere else. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FcmError } from '../../../common/errors.ts'
import { leadOver } from '../lead.ts'
import type { EventLog, PartitionEnds, Rec, SubscribeOptions, Subscription } from '../port.ts'
import { inRange } from '../range.ts'
import { createAppender } from './appender.ts'
import { createClient, explained, isOfType, type KafkaOptions } from './client.ts'
import { createReader } from './cluster.ts'
import { subscribe } from './subscription.ts'
import { createTopics } from './topics.ts'

const SESSION_MS = 30_000
/** A broker that is away is not waited for. */
const CLOSE_MS = 2000
/** A reader waits a second for each answer without records. */
const MOST_STALLED = 30
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

  async function endsOf(topic: string): Promise<PartitionEnds[]> {
    await topics.partitions(topic)
    return reader.ends(topic).catch((error) => {
      topics.forget([topic])
      throw explained(error, topic)
    })
  }

  async function join(wanted: SubscribeOptions, comesAnew: boolean): Promise<Subscription> {
    const subscription = await subscribe(
      { ...topics, ends: endsOf, createClient: () => createClient(options), sessionMs, comesAnew },
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
  }

  return {
    ensureTopics: topics.ensure,
    topics: topics.list,
    deleteTopics: topics.delete,
    append: appender.append,
    ends: endsOf,
    committed: topics.committed,
    groups: topics.groups,

    read(tp, from) {
      const ends = () => endsOf(tp.topic)
      const asked = ends()
      // It may be read later, or never.
      asked.catch(() => {})
      return {
        async *[Symbol.asyncIterator](): AsyncGenerator<Rec> {
          const there = (await asked)[tp.partition]!
          const { next } = there
          let at = inRange(tp, from ?? there.first, there)
          // Who looks at one record, for its age, need not fetch thousands.
          let bytes: number | undefined = FIRST_BYTES
          let stalled = 0
          while (at < next) {
            const page = await reader.page(tp, at, bytes).catch(async (error) => {
              // It was deleted meanwhile.
              if (isOfType(error, 'OFFSET_OUT_OF_RANGE')) inRange(tp, at, (await ends())[tp.partition]!)
              throw explained(error, tp.topic)
            })
            for (const record of page.records) if (record.offset < next) yield record
            stalled = page.next > at ? 0 : stalled + 1
            if (stalled > MOST_STALLED)
              throw new FcmError('KAFKA_UNREACHABLE', { why: 'it holds records back' })
            at = page.next
            bytes = undefined
          }
        },
      }
    },

    subscribe: (wanted) => join(wanted, false),
    lead: leadOver((wanted) => join(wanted, true)),

    async close() {
      await Promise.all([...subscriptions].map(({ stop }) => stop()))
      const closing = Promise.all([appender.close(), reader.close(), topics.close()].map(quietly))
      await Promise.race([closing, sleep(CLOSE_MS, undefined, { ref: false })])
      client.cut()
    },
  }
}

/** A broker that is away is not told that we leave. */
const quietly = (closing: Promise<void>): Promise<void> => closing.catch(() => {})
