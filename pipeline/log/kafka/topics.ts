/** Topics and the groups' offsets in them: what kafkajs's admin client is asked for. */
import type { Admin, Kafka } from 'kafkajs'
import { FcmError } from '../../../common/errors.ts'
import type { TopicSpec } from '../port.ts'
import { connected, explained } from './client.ts'

const COMPACTED_BYTES = 16 * 2 ** 20

/** The settings that a topic is made with; `fcm doctor` compares them with those it has. */
export const settingsOf = ({ retentionMs, compacted, maxBytes }: TopicSpec): Record<string, string> => ({
  'cleanup.policy': compacted ? 'compact' : 'delete',
  'retention.ms': Number.isFinite(retentionMs) ? String(retentionMs) : '-1',
  // What is written to last is not compacted: by default up to a gigabyte, which whoever restores would have to read.
  ...(compacted ? { 'segment.bytes': String(COMPACTED_BYTES) } : {}),
  ...(maxBytes === undefined ? {} : { 'max.message.bytes': String(maxBytes) }),
  // Retention and lag go by when a record was appended: what it tells of may be years ago.
  'message.timestamp.type': 'LogAppendTime',
  // A broker that repacks has work for nothing, and readers too.
  'compression.type': 'producer',
})

/** How long a topic may take to be made, or to be gone. */
const CHANGE_MS = 30_000
const NEVER = '-1'

export type Topics = ReturnType<typeof createTopics>

export function createTopics(kafka: Kafka) {
  const admin = connected(() => kafka.admin())
  /** Partition counts of topics that were there when last looked at. */
  const known = new Map<string, number>()

  const ask = <T>(work: (client: Admin) => Promise<T>, topic = ''): Promise<T> =>
    admin.use(work).catch((error) => {
      known.delete(topic)
      throw explained(error, topic)
    })

  const names = () => ask((client) => client.listTopics())

  async function counts(topics: string[]): Promise<Map<string, number>> {
    if (topics.length === 0) return new Map()
    const { topics: found } = await ask((client) => client.fetchTopicMetadata({ topics }))
    return new Map(found.map(({ name, partitions }) => [name, partitions.length]))
  }

  /** @throws FcmError TOPIC_UNKNOWN, at once: kafkajs would ask for it again and again */
  async function partitions(topic: string): Promise<number> {
    const before = known.get(topic)
    if (before !== undefined) return before
    if (!(await names()).includes(topic)) throw new FcmError('TOPIC_UNKNOWN', { topic })
    const count = (await counts([topic])).get(topic)!
    known.set(topic, count)
    return count
  }

  async function until(condition: () => Promise<boolean>): Promise<void> {
    for (const began = Date.now(); !(await condition()); ) {
      if (Date.now() - began > CHANGE_MS)
        throw new FcmError('KAFKA_UNREACHABLE', { why: 'its topics did not change in time' })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async function committed(group: string, topic: string): Promise<Map<number, number>> {
    await partitions(topic)
    const found = await ask((client) => client.fetchOffsets({ groupId: group, topics: [topic] }), topic)
    return new Map(
      found
        .flatMap(({ partitions }) => partitions)
        .filter(({ offset }) => offset !== NEVER)
        .map(({ partition, offset }) => [partition, Number(offset)]),
    )
  }

  async function groups(prefix: string): Promise<{ group: string; topic: string }[]> {
    const { groups } = await ask((client) => client.listGroups())
    const found = await Promise.all(
      groups.map(async ({ groupId }) => {
        const topics = await ask((client) => client.fetchOffsets({ groupId }))
        return topics
          .filter(({ topic, partitions }) => topic.startsWith(prefix) && partitions.length > 0)
          .map(({ topic }) => ({ group: groupId, topic }))
      }),
    )
    return found.flat()
  }

  return {
    partitions,
    committed,
    /** Their partitions are asked for again. */
    forget(topics: Iterable<string>): void {
      for (const topic of topics) known.delete(topic)
    },

    async ensure(specs: TopicSpec[]): Promise<void> {
      const there = new Set(await names())
      const missing = specs.filter(({ name }) => !there.has(name))
      if (missing.length === 0) return
      const topics = missing.map((spec) => ({
        topic: spec.name,
        numPartitions: spec.partitions,
        configEntries: Object.entries(settingsOf(spec)).map(([name, value]) => ({ name, value })),
      }))
      // Another process may be making them.
      await ask((client) => client.createTopics({ topics, timeout: CHANGE_MS })).catch(async (error) => {
        const now = new Set(await names())
        if (!missing.every(({ name }) => now.has(name))) throw error
      })
      await until(async () => {
        const now = new Set(await names())
        return missing.every(({ name }) => now.has(name))
      })
      // Leaders hear of it last.
      const answers = (topic: string) =>
        ask((client) => client.fetchTopicOffsets(topic)).then(
          () => true,
          (error) => {
            if (!(error instanceof FcmError && (error.retry || error.code === 'TOPIC_UNKNOWN'))) throw error
            return false
          },
        )
      for (const { name } of missing) await until(() => answers(name))
    },

    async list(prefix: string): Promise<{ name: string; partitions: number }[]> {
      const found = await counts((await names()).filter((name) => name.startsWith(prefix)))
      return [...found]
        .map(([name, partitions]) => ({ name, partitions }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },

    /** The broker deletes the offsets of groups in them, too. */
    async delete(topics: string[]): Promise<void> {
      const there = new Set(await names())
      const wanted = topics.filter((topic) => there.has(topic))
      for (const topic of topics) known.delete(topic)
      if (wanted.length === 0) return
      await ask((client) => client.deleteTopics({ topics: wanted, timeout: CHANGE_MS }))
      await until(async () => {
        const left = [...(await names()), ...(await groups('')).map(({ topic }) => topic)]
        return !wanted.some((topic) => left.includes(topic))
      })
    },

    groups,
    close: admin.close,
  }
}
