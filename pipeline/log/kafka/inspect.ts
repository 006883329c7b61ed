/** A look at a cluster, for `fcm doctor`: each question is asked once, so that what is away is known soon. */
import kafkajs, { type Kafka } from 'kafkajs'
import type { TopicSpec } from '../port.ts'
import { clusterOf, createClient, explained, type KafkaOptions } from './client.ts'
import { settingsOf } from './topics.ts'

/** How a topic differs from what it should be. */
export type TopicFinding = {
  name: string
  /** Null: it is not there. */
  partitions: number | null
  /** Settings that differ. */
  differing: { setting: string; found: string; wanted: string }[]
}

export type Inspection = {
  /** `generation`: as much as a broker tells of its version. */
  cluster(): Promise<{ brokers: number; generation: string }>
  topics(specs: TopicSpec[]): Promise<TopicFinding[]>
  /** How many members each of these groups has. */
  members(groups: string[]): Promise<Map<string, number>>
  /**
   * The broker's clock less ours, ms, to within the time of a request. Asked by a tombstone in a compacted topic, under a
   * key that nothing has.
   */
  clockAhead(compacted: string): Promise<number>
  close(): Promise<void>
}

const ONCE = { retries: 0 }
/** Of the protocol. */
const FETCH = 1
/** Kafka 4.0 took away what clients from before 0.11 had spoken (KIP-896). */
const FETCH_SINCE_4 = 4
const KEY = 'doctor'

type Versions = Record<number, { minVersion: number } | undefined>
type Cluster = { connect(): Promise<void>; disconnect(): Promise<void>; brokerPool: { versions: Versions } }

/** @throws FcmError from every call: KAFKA_UNREACHABLE, KAFKA_REFUSED */
export function inspectKafka(options: KafkaOptions): Inspection {
  const { kafka, cut } = createClient(options)
  const admin = kafka.admin({ retry: ONCE })
  let connected: Promise<void> | undefined

  async function ask<T>(work: () => Promise<T>, topic = ''): Promise<T> {
    connected ??= admin.connect()
    try {
      await connected
      return await work()
    } catch (error) {
      throw explained(error, topic)
    }
  }

  return {
    cluster: () =>
      ask(async () => {
        const { brokers } = await admin.describeCluster()
        return { brokers: brokers.length, generation: await generationOf(kafka) }
      }),

    topics: (specs) =>
      ask(async () => {
        const names = new Set(await admin.listTopics())
        const there = specs.filter(({ name }) => names.has(name))
        if (there.length === 0) return specs.map(({ name }) => ({ name, partitions: null, differing: [] }))
        const { topics } = await admin.fetchTopicMetadata({ topics: there.map(({ name }) => name) })
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: there.map((spec) => ({
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: spec.name,
            configNames: Object.keys(settingsOf(spec)),
          })),
        })
        return specs.map((spec) => {
          const { name } = spec
          const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? []
          const found = new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
          return {
            name,
            partitions: topics.find((topic) => topic.name === name)?.partitions.length ?? null,
            differing: Object.entries(settingsOf(spec))
              .filter(([setting, wanted]) => names.has(name) && found.get(setting) !== wanted)
              .map(([setting, wanted]) => ({ setting, wanted, found: found.get(setting) ?? 'nothing' })),
          }
        })
      }),

    members: (groups) =>
      ask(async () => {
        const described = await admin.describeGroups(groups)
        return new Map(described.groups.map(({ groupId, members }) => [groupId, members.length]))
      }),

    clockAhead: (topic) =>
      ask(async () => {
        const producer = kafka.producer({
          createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
          allowAutoTopicCreation: false,
          retry: ONCE,
        })
        await producer.connect()
        try {
          const before = Date.now()
          const [written] = await producer.send({ topic, messages: [{ key: KEY, value: null }] })
          const after = Date.now()
          const theirs = Number(written?.logAppendTime ?? -1)
          // A topic that keeps the times of its writers tells nothing.
          if (theirs < 0) return 0
          return theirs < before ? theirs - before : Math.max(0, theirs - after)
        } finally {
          await producer.disconnect()
        }
      }, topic),

    close: () =>
      admin
        .disconnect()
        .catch(() => {})
        .finally(cut),
  }
}

/** A broker does not tell its version; what it speaks says as much as matters here. */
async function generationOf(kafka: Kafka): Promise<string> {
  const cluster = clusterOf<Cluster>(kafka, { retry: ONCE })
  await cluster.connect()
  try {
    const least = cluster.brokerPool.versions[FETCH]?.minVersion ?? 0
    return least >= FETCH_SINCE_4 ? 'Kafka 4.0 or later' : 'Kafka before 4.0'
  } finally {
    await cluster.disconnect()
  }
}
