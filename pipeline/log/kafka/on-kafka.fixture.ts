import type kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { type Bench, bench } from '../contract/bench.ts'
import type { EventLog } from '../port.ts'
import { createClient } from './client.ts'
import { openKafkaLog } from './kafka.ts'

/** Each Kafka that is here, by its version: host:port of a broker. */
export const brokers = Object.entries(inject('services')?.brokers ?? {})

export type OnKafka = { broker: string; log: EventLog; it: Bench; admin: kafkajs.Admin }

/** `tests` on each Kafka that is here, with a log of theirs. Where there is none, that is said. */
export function onKafka(tests: (kafka: OnKafka) => void): void {
  for (const [version, broker] of brokers) {
    describe(`what Kafka ${version} and kafkajs have in store:`, () => {
      const log = openKafkaLog({ brokers: [broker] })
      const admin = createClient({ brokers: [broker] }).kafka.admin()
      beforeAll(() => admin.connect())
      afterAll(async () => {
        await log.close()
        await admin.disconnect()
      })
      tests({ broker, log, it: bench(log), admin })
    })
  }
  test.skipIf(brokers.length > 0)('needs Kafka, which is not here', () => {})
}
