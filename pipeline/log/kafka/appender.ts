/**
 * Appends of all roles of a process, put together by topic: a request costs as much as hundreds of records. Each topic has a
 * connection of its own, so that no alert waits behind a checkpoint.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
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
/** Each request wakes all readers of the topic: a topic that is appended to all the time is sent so often, unless more has come. */
const PACE_MS = 10
/** Smaller requests aren't worth compressing. */
const COMPRESSED_BYTES = 32 * 1024
/** What a record takes beside its value, roughly. */
const RECORD_BYTES = 100

type Parts = Pick<Topics, 'partitions' | 'forget'>
type Routed = Message & { partition: number }
type Outgoing = { message: Routed; bytes: number }
/** `sent`: how many of `records` have been acknowledged, or are under way. */
type Append = { records: Outgoing[]; sent: number; resolve(): void; reject(error: unknown): void }
type Request = { messages: Routed[]; bytes: number; appends: Append[] }

/** @throws FcmError from `append`: TOPIC_UNKNOWN, RECORD_TOO_LARGE, KAFKA_UNREACHABLE, KAFKA_REFUSED */
export function createAppender(kafka: Kafka, parts: Parts) {
  const lanes = new Map<string, ReturnType<typeof createLane>>()

  function laneOf(topic: string): ReturnType<typeof createLane> {
    const lane = lanes.get(topic) ?? createLane(kafka, topic, parts)
    lanes.set(topic, lane)
    return lane
  }

  return {
    async append(records: NewRec[]): Promise<void> {
      const topics = new Set(records.map(({ topic }) => topic))
      await Promise.all(
        [...topics].map((name) => laneOf(name).append(records.filter(({ topic }) => topic === name))),
      )
    },
    async close(): Promise<void> {
      await Promise.all([...lanes.values()].map((lane) => lane.close()))
    },
  }
}

function createLane(kafka: Kafka, topic: string, { partitions, forget }: Parts) {
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
  let sentAt = Number.NEGATIVE_INFINITY

  async function append(records: NewRec[]): Promise<void> {
    const routing = routed.then(() => route(records))
    routed = routing.catch(() => {})
    const outgoing = await routing
    await new Promise<void>((resolve, reject) => {
      queue.push({ records: outgoing, sent: 0, resolve, reject })
      sending ??= sendAll()
    })
  }

  async function route(records: NewRec[]): Promise<Outgoing[]> {
    const count = await partitions(topic)
    return records.map(({ partition, key: text, value, headers = {} }) => {
      const key = Buffer.from(text)
      const message = {
        key,
        headers,
        partition: partition ?? partitionOf(key, count),
        value: value && Buffer.from(value.buffer, value.byteOffset, value.byteLength),
      }
      const more = Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0)
      return { message, bytes: RECORD_BYTES + key.length + more + (value?.length ?? 0) }
    })
  }

  /** One request is under way at a time; what is appended meanwhile goes with the next. */
  async function sendAll(): Promise<void> {
    await nextTurn()
    while (queue.length > 0) {
      await pace()
      const request = take()
      try {
        await send(request)
        const whole = request.appends.filter(({ sent, records }) => sent === records.length)
        queue.splice(0, whole.length)
        for (const { resolve } of whole) resolve()
      } catch (error) {
        queue.splice(0, request.appends.length)
        const why = await reasonOf(error)
        for (const { reject } of request.appends) reject(why)
      }
    }
    sending = undefined
  }

  async function pace(): Promise<void> {
    const waiting = queue.reduce((sum, { records, sent }) => sum + records.length - sent, 0)
    const ms = sentAt + PACE_MS - performance.now()
    if (ms > 0 && waiting < BATCH_RECORDS) await sleep(ms)
    sentAt = performance.now()
  }

  async function send({ messages, bytes }: Request): Promise<void> {
    const compression = bytes < COMPRESSED_BYTES ? CompressionTypes.None : CompressionTypes.ZSTD
    const answers = await producer.use((client) => client.send({ topic, messages, compression }))
    // kafkajs may send to some leaders only: where one has moved, or the topic was made anew with fewer partitions.
    const written = new Set(answers.map(({ partition }) => partition))
    if (messages.every(({ partition }) => written.has(partition))) return
    forget([topic])
    throw new FcmError('KAFKA_UNREACHABLE', { why: 'it did not take all of a request' })
  }

  async function reasonOf(error: unknown): Promise<unknown> {
    if (!isOfType(error, UNKNOWN_TOPIC)) return explained(error, topic)
    forget([topic])
    // Brokers don't hear of a new topic all at once.
    const settling = new FcmError('KAFKA_UNREACHABLE', { why: 'it is settling its topics' }, error)
    return partitions(topic).then(
      () => settling,
      (gone) => gone,
    )
  }

  /** The next request: from the front of the queue, up to the first record that doesn't fit, so that none overtakes another. */
  function take(): Request {
    const request: Request = { messages: [], bytes: 0, appends: [] }
    const sizes = new Map<number, { bytes: number; records: number }>()
    let largest = 0
    for (const append of queue) {
      for (; append.sent < append.records.length; append.sent++) {
        const { message, bytes } = append.records[append.sent]!
        const size = sizes.get(message.partition) ?? { bytes: 0, records: 0 }
        const isFull = size.records === BATCH_RECORDS || size.bytes + bytes > BATCH_BYTES
        if (request.bytes > 0 && (isFull || largest > BATCH_BYTES)) return request
        if (request.appends.at(-1) !== append) request.appends.push(append)
        largest = Math.max(largest, bytes)
        sizes.set(message.partition, { bytes: size.bytes + bytes, records: size.records + 1 })
        request.bytes += bytes
        request.messages.push(message)
      }
    }
    return request
  }

  return {
    append,
    async close(): Promise<void> {
      await sending
      await producer.close()
    },
  }
}
