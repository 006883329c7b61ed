/** Prints the share of a core that a reader and a writer of a topic take while nothing happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openKafkaLog } from './kafka.ts'

const [broker, topic] = process.argv.slice(2) as [string, string]
const log = openKafkaLog({ brokers: [broker] })
let seen = 0
await log.subscribe({
  ...{ group: topic, topics: [topic], batchSize: 10 },
  onBatch: async (records) => {
    seen += records.length
  },
  onFailure: (error) => {
    throw error
  },
})
await log.append([{ topic, key: 'k', value: null }])
while (seen === 0) await sleep(10)
// What has just been done is still being optimised and collected.
await sleep(2000)
const before = process.cpuUsage()
const began = performance.now()
await sleep(8000)
const { user, system } = process.cpuUsage(before)
process.stdout.write(String((user + system) / 1000 / (performance.now() - began)))
await log.close()
