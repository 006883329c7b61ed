/**
 * kafkajs 2.2.4 as we use it. Nothing was released after it (2023), so what is wrong with it is mended here, each with a
 * test in a `*.kafka.test.ts` here that fails when the mending no longer takes hold; the version is pinned.
 */
import { createRequire } from 'node:module'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import kafkajs, {
  type ISocketFactory,
  type Kafka as KafkaClient,
  type KafkaConfig,
  type LogEntry,
} from 'kafkajs'
import { FcmError } from '../../../common/errors.ts'
import { unpackGzip, unpackLz4, unpackSnappy, unpackZstd } from './codecs.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
const require = createRequire(import.meta.url)

export type KafkaOptions = {
  /** `host:port` of some brokers of the cluster. */
  brokers: string[]
  ssl?: boolean
  sasl?: KafkaConfig['sasl']
  /** A member of a group that is silent for so long (ms) is taken for dead. */
  sessionMs?: number
  /** What kafkajs tells of itself. Failures that pass are among it, so it is nothing to alarm anyone with. */
  onLog?(message: string, details: object): void
}

/** Few and quick: who appends or commits tries again by itself, and tells that it waits. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1000, retries: 5 }

/**
 * A client of its own for each consumer: committed offsets are cached by client and group, and each consumer of the group
 * clears what another has put there.
 */
export function createClient({ brokers, ssl, sasl, onLog }: KafkaOptions): Client {
  mend()
  const sockets = new Set<Socket>()
  let isOver = false
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (isOver) throw new Error('the client was closed')
    const to = { host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }
    const socket = ssl ? connectTls(to, onConnect) : connectTcp({ host, port }, onConnect)
    socket.setKeepAlive(true, 60_000)
    // Requests stand behind each other on a connection, and a fetch may be answered late: nothing waits for its acknowledgement.
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const log = ({ label, log: { message, timestamp: _, ...details } }: LogEntry) =>
    onLog?.(message, { ...details, level: label })
  const kafka = new Kafka({
    ...{
      brokers,
      clientId: 'fcm',
      retry: RETRY,
      logLevel: logLevel.WARN,
      logCreator: () => log,
      socketFactory,
    },
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    connectionTimeout: 3000,
    requestTimeout: 30_000,
  })
  return {
    kafka,
    cut() {
      isOver = true
      // Without an error kafkajs does not notice, and what is under way is waited for.
      for (const socket of sockets) socket.destroy(new Error('the client was closed'))
    },
  }
}

/** `cut`: ends all connections and attempts at them. By itself kafkajs may go on after `disconnect`, and keep the process. */
export type Client = { kafka: kafkajs.Kafka; cut(): void }

/** kafkajs's own connections to the brokers, which its consumers and producers stand on; it shows them to nobody. */
export function clusterOf<Cluster>(kafka: KafkaClient, options: object): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )!
  const { [symbol]: create } = kafka as unknown as Record<symbol, (options: object) => Cluster>
  return create!({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, ...options })
}

type RequestQueue = { pending: unknown[]; throttledUntil: number; scheduleCheckPendingRequests(): void }
type ConsumerGroup = { joinAndSync(): Promise<void> }
type OffsetManager = { setDefaultOffset(tp: { topic: string; partition: number }): Promise<void> }

/** A consumer stands at an offset that is not there; kafkajs would go on from elsewhere, and commit that. */
export class OffsetReset extends Error {
  override name = 'OffsetReset'
  /** kafkajs must not try again. */
  readonly retriable = false
  readonly tp: { topic: string; partition: number }
  constructor(tp: { topic: string; partition: number }) {
    super('offset out of range')
    this.tp = tp
  }
}

/** The group could not be joined. */
class JoinFailed extends Error {
  override name = 'JoinFailed'
  /** kafkajs would try again to fetch, not to join: outside of the group, or with partitions of an earlier generation. */
  readonly retriable = false
}

let isMended = false

function mend(): void {
  if (isMended) return
  isMended = true

  // An idle connection would wake up every millisecond for ever (tulios/kafkajs#1751), 3-6 % of a core each.
  const { prototype: queue } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  const { scheduleCheckPendingRequests } = queue
  queue.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) scheduleCheckPendingRequests.call(this)
  }

  // What was deleted before it was read must not be passed over in silence.
  const { prototype: offsets } = require('kafkajs/src/consumer/offsetManager') as { prototype: OffsetManager }
  offsets.setDefaultOffset = async (tp) => {
    throw new OffsetReset(tp)
  }

  const { prototype: group } = require('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup }
  const { joinAndSync } = group
  group.joinAndSync = function () {
    return joinAndSync.call(this).catch((cause) => {
      throw new JoinFailed('the group could not be joined', { cause })
    })
  }

  // kafkajs has gzip alone, and the packages for zstd are native and dead.
  const compress = promisify(zstdCompress)
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => compress(buffer),
    decompress: (buffer: Buffer) => unpackZstd(buffer),
  })
  const gzip = CompressionCodecs[CompressionTypes.GZIP]!()
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    ...gzip,
    decompress: (buffer: Buffer) => unpackGzip(buffer),
  })
  const reading = (unpack: (packed: Buffer) => Buffer) => () => ({
    compress: () => Promise.reject(new Error('it is only read')),
    decompress: async (buffer: Buffer) => unpack(buffer),
  })
  CompressionCodecs[CompressionTypes.LZ4] = reading(unpackLz4)
  CompressionCodecs[CompressionTypes.Snappy] = reading(unpackSnappy)
}

export const causesOf = (error: unknown): KafkaError[] => {
  const causes: KafkaError[] = []
  for (let one = error; one instanceof Error; one = causeOf(one)) causes.push(one)
  return causes
}

/** What is of several causes, as the making of several topics, has one that matters. */
const causeOf = ({ cause, errors = [] }: KafkaError): unknown =>
  cause ?? errors.find(({ type }) => type !== 'TOPIC_ALREADY_EXISTS')

export const isOfType = (error: unknown, ...types: string[]): boolean =>
  causesOf(error).some(({ type }) => type !== undefined && types.includes(type))

type Connectable = { connect(): Promise<void>; disconnect(): Promise<void> }

/**
 * A client that connects at its first use. kafkajs asks for all topics that a client was ever used with at once, and can't
 * any more when one of them is deleted: then it is replaced, and the work done again.
 */
export function connected<C extends Connectable>(create: () => C) {
  let client: Promise<C> | undefined

  function get(): Promise<C> {
    client ??= (async () => {
      const fresh = create()
      await fresh.connect()
      return fresh
    })().catch((error) => {
      client = undefined
      throw error
    })
    return client
  }

  async function close(): Promise<void> {
    const before = client
    client = undefined
    await (await before?.catch(() => undefined))?.disconnect()
  }

  return {
    close,
    async use<T>(work: (client: C) => Promise<T>): Promise<T> {
      try {
        return await work(await get())
      } catch (error) {
        if (!isOfType(error, UNKNOWN_TOPIC)) throw error
        await close()
        return work(await get())
      }
    },
  }
}

export const UNKNOWN_TOPIC = 'UNKNOWN_TOPIC_OR_PARTITION'

/** Protocol errors that waiting doesn't mend, though nothing is wrong with the program. */
const REFUSED = /AUTHORIZATION|AUTHENTICATION|SASL|SECURITY|POLICY|REPLICATION_FACTOR/

type KafkaError = Error & { type?: string; retriable?: boolean; cause?: unknown; errors?: KafkaError[] }

/** What kafkajs threw, in our words where it is something that a person can deal with. */
export function explained(error: unknown, topic = ''): unknown {
  if (!(error instanceof Error) || error instanceof FcmError) return error
  const causes = causesOf(error)
  const ours = causes.find((cause) => cause instanceof FcmError)
  if (ours) return ours
  const type = causes.find((one) => one.type)?.type ?? ''
  const why = causes.at(-1)!.message || error.message
  if (type === UNKNOWN_TOPIC) return new FcmError('TOPIC_UNKNOWN', { topic }, error)
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE')
    return new FcmError('RECORD_TOO_LARGE', { topic }, error)
  if (REFUSED.test(type) || causes.some(({ name }) => name.includes('SASL')))
    return new FcmError('KAFKA_REFUSED', { why }, error)
  if (causes.some(({ name, retriable }) => MAY_PASS.has(name) || retriable === true))
    return new FcmError('KAFKA_UNREACHABLE', { why }, error)
  return error
}

/** Errors of kafkajs that don't say of themselves that they may pass. */
const MAY_PASS = new Set([
  'KafkaJSNumberOfRetriesExceeded',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSTimeout',
  'KafkaJSLockTimeout',
])
