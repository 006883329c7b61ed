import { expect, test } from 'vitest'
import { eventLogContract } from '../contract/event-log.contract.ts'
import { openKafkaLog } from './kafka.ts'
import { brokers } from './on-kafka.fixture.ts'

for (const [version, broker] of brokers) {
  const open = () => openKafkaLog({ brokers: [broker] })

  eventLogContract(`Kafka ${version}`, async () => {
    let log = open()
    return {
      log,
      handsOver: 'late',
      async reopen() {
        await log.close()
        log = open()
        return log
      },
    }
  })
}

test.skipIf(brokers.length > 0)('needs Kafka, which is not here', () => {})

test('where no broker answers, it is said so, and may pass', async () => {
  const log = openKafkaLog({ brokers: ['127.0.0.1:1'] })
  await expect(log.topics('fcm.')).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE', retry: true })
  await log.close()
})
