/** Appends of all roles of a process, put together: a request costs as much as hundreds of records. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import kafkajs, { type Kafka, type Message } from 'kafkajs'
import { FcmError } from '../../../common/errors.ts'
import { partitionOf } from '../partitioner.ts'
import type { NewRec } from '../port.ts'
import { connected, explained, isOfType, UNKNOWN_TOPIC } from './client.ts'
import type { Topics } from './topics.ts'

const { CompressionTypes, Partitioners } = kafkajs

/**
 * What goes to one partition in one request is one batch for the broker, which refuses batches above the topic's
 * `max.message.bytes` (1 MB, where nothing else is set). A larger record has a request of its own, so that no other is
 * refused with it.
 */
const BATCH_BYTES = 512 * 1024
/** kafkajs takes time quadratic in this to sort them by partition. */
const BATCH_RECORDS = 1000
/** Smaller requests aren't worth compressing. */
const COMPRESSED_BYTES = 32 * 1024
/** What a record takes beside its value, roughly. */
const RECORD_BYTES = 100

type Outgoing = { topic: string; message: Message & { partition: number }; bytes: number }
/** `sent`: how many of `records` have been acknowledged, or are under way. */
type Append = { records: Outgoing[]; sent: number; resolve(): void; reject(error: unknown): void }

/** @throws FcmError from `append`: TOPIC_UNKNOWN, RECORD_TOO_LARGE, KAFKA_UNREACHABLE, KAFKA_REFUSED */
export function createAppender(kafka: Kafka, { partitions, forget }: Pick<Topics, 'partitions' | 'forget'>) {
  const producer = connected(() =>
    kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      // Not idempotent: one request at a time keeps the order, and what a lost answer has doubled has an identity. kafkajs's
      // idempotent producer may be stuck for good after an error (tulios/kafkajs#598).
      idempotent: false,
    }),
  )
  const queue: Append[] = []
  /** Resolves when all before have their partitions: so that they stay in order. */
  let routed: Promise<unknown> = Promise.resolve()
  let sending: Promise<void> | undefined

  async function append(records: NewRec[]): Promise<void> {
    if (records.length === 0) return
    const routing = routed.then(() => route(records))
    routed = routing.catch(() => {})
    const outgoing = await routing
    await new Promise<void>((resolve, reject) => {
      queue.push({ records: outgoing, sent: 0, resolve, reject })
      sending ??= sendAll()
    })
  }

  async function route(records: NewRec[]): Promise<Outgoing[]> {
    const outgoing: Outgoing[] = []
    for (const { topic, partition, key: text, value, headers = {} } of records) {
      const key = Buffer.from(text)
      const count = await partitions(topic)
      const message = {
        key,
        headers,
        partition: partition ?? partitionOf(key, count),
        value: value && Buffer.from(value.buffer, value.byteOffset, value.byteLength),
      }
      const more = Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
      outgoing.push({ topic, message, bytes: RECORD_BYTES + key.length + more + (value?.length ?? 0) })
    }
    return outgoing
  }

  /** One request is under way at a time; what is appended meanwhile goes with the next. */
  async function sendAll(): Promise<void> {
    await nextTurn()
    while (queue.length > 0) {
      const taken = take()
      const appends = queue.slice(0, taken.appends)
      const topicMessages = [...taken.messages].map(([topic, messages]) => ({ topic, messages }))
      const compression = taken.bytes < COMPRESSED_BYTES ? CompressionTypes.None : CompressionTypes.ZSTD
      try {
        const answers = await producer.use((client) => client.sendBatch({ topicMessages, compression }))
        // kafkajs may send to some leaders only: where one has moved, or a topic was made anew with fewer partitions.
        const written = new Set(answers.map(({ topicName, partition }) => `${partition} ${topicName}`))
        if (!taken.partitions.every((name) => written.has(name))) {
          forget(taken.messages.keys())
          throw new FcmError('KAFKA_UNREACHABLE', { why: 'it did not take all of a request' })
        }
        const whole = appends.filter(({ sent, records }) => sent === records.length)
        queue.splice(0, whole.length)
        for (const { resolve } of whole) resolve()
      } catch (error) {
        queue.splice(0, appends.length)
        // What of the others was written is written again.
        queue.unshift(...(await failed(appends, error)))
      }
    }
    sending = undefined
  }

  /** Tells them what went wrong, but for those that it does not concern, when a topic of another was deleted: they come back. */
  async function failed(appends: Append[], error: unknown): Promise<Append[]> {
    if (!isOfType(error, UNKNOWN_TOPIC)) {
      // The last that went with it: a record that is too large has a request of its own.
      for (const { records, sent, reject } of appends) reject(explained(error, records[sent - 1]!.topic))
      return []
    }
    const deleted = await missing(new Set(appends.flatMap(topicsOf)))
    const unconcerned: Append[] = []
    for (const append of appends) {
      const topic = topicsOf(append).find((name) => deleted.has(name))
      if (topic !== undefined) append.reject(new FcmError('TOPIC_UNKNOWN', { topic }, error))
      // Brokers don't hear of a new topic all at once.
      else if (deleted.size === 0)
        append.reject(new FcmError('KAFKA_UNREACHABLE', { why: 'it is settling its topics' }))
      else unconcerned.push({ ...append, sent: 0 })
    }
    return unconcerned
  }

  async function missing(topics: Set<string>): Promise<Set<string>> {
    const deleted = new Set<string>()
    forget(topics)
    for (const topic of topics) {
      await partitions(topic).catch((error) => {
        if (error instanceof FcmError && error.code === 'TOPIC_UNKNOWN') deleted.add(topic)
      })
    }
    return deleted
  }

  /** The next request: from the front of the queue, up to the first record that doesn't fit, so that none overtakes another. */
  function take() {
    const messages = new Map<string, Message[]>()
    const sizes = new Map<string, { bytes: number; records: number }>()
    let appends = 0
    let total = 0
    let largest = 0
    for (const append of queue) {
      for (; append.sent < append.records.length; append.sent++) {
        const { topic, message, bytes } = append.records[append.sent]!
        const name = `${message.partition} ${topic}`
        const size = sizes.get(name) ?? { bytes: 0, records: 0 }
        const isFull = size.records === BATCH_RECORDS || size.bytes + bytes > BATCH_BYTES
        if (total > 0 && (isFull || largest > BATCH_BYTES))
          return { messages, appends, bytes: total, partitions: [...sizes.keys()] }
        if (append.sent === 0 || appends === 0) appends++
        largest = Math.max(largest, bytes)
        sizes.set(name, { bytes: size.bytes + bytes, records: size.records + 1 })
        total += bytes
        const batch = messages.get(topic)
        if (batch) batch.push(message)
        else messages.set(topic, [message])
      }
    }
    return { messages, appends, bytes: total, partitions: [...sizes.keys()] }
  }

  return {
    append,
    async close(): Promise<void> {
      await sending
      await producer.close()
    },
  }
}

const topicsOf = ({ records }: Append): string[] => records.map(({ topic }) => topic)
