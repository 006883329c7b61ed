import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { describe, expect, inject, test } from 'vitest'
import type { TopicSpec } from '../port.ts'
import { createClient } from './client.ts'
import { inspectKafka } from './inspect.ts'
import { openKafkaLog } from './kafka.ts'

const brokers = Object.entries(inject('services')?.brokers ?? {})

for (const [version, broker] of brokers) {
  describe(`Kafka ${version}`, () => {
    test('says how old it is, that it has the topics, and what is not right with them', async () => {
      const name = `fcm.inspect.${randomUUID()}`
      const spec: TopicSpec = {
        name,
        partitions: 3,
        retentionMs: 86_400_000,
        maxBytes: 2 ** 23,
        compacted: true,
      }
      const missing: TopicSpec = { ...spec, name: `${name}-missing` }
      const log = openKafkaLog({ brokers: [broker] })
      const inspection = inspectKafka({ brokers: [broker] })
      expect(await inspection.topics([missing])).toEqual([
        { name: missing.name, partitions: null, differing: [] },
      ])
      await log.ensureTopics([spec])
      const generation = version.startsWith('4') ? 'Kafka 4.0 or later' : 'Kafka before 4.0'
      expect(await inspection.cluster()).toEqual({ brokers: 1, generation })
      expect(await inspection.topics([spec, missing])).toEqual([
        { name, partitions: 3, differing: [] },
        { name: missing.name, partitions: null, differing: [] },
      ])
      expect(Math.abs(await inspection.clockAhead(name))).toBeLessThan(1000)

      const { kafka, cut } = createClient({ brokers: [broker] })
      const admin = kafka.admin()
      await admin.connect()
      await admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            ...{ type: kafkajs.ConfigResourceTypes.TOPIC, name },
            configEntries: [
              { name: 'retention.ms', value: '1000' },
              { name: 'max.message.bytes', value: String(2 ** 23) },
              { name: 'cleanup.policy', value: 'compact' },
            ],
          },
        ],
      })
      await admin.disconnect()
      cut()
      // The controller has it; the brokers hear of it a little later.
      await expect
        .poll(async () => (await inspection.topics([spec]))[0]!.differing)
        .toEqual([
          { setting: 'retention.ms', found: '1000', wanted: '86400000' },
          { setting: 'segment.bytes', found: '1073741824', wanted: '16777216' },
          { setting: 'message.timestamp.type', found: 'CreateTime', wanted: 'LogAppendTime' },
        ])
      // A topic that keeps the times of its writers tells nothing of the broker's clock.
      expect(await inspection.clockAhead(name)).toBe(0)
      await inspection.close()
      await log.close()
    })
  })
}

test.skipIf(brokers.length > 0)('needs Kafka, which is not here', () => {})

test('where no broker answers, that is said at once', async () => {
  const inspection = inspectKafka({ brokers: ['127.0.0.1:1'] })
  const began = Date.now()
  await expect(inspection.cluster()).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
  expect(Date.now() - began).toBeLessThan(4000)
  await inspection.close()
})
