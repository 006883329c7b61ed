/** What it takes to hold partitions that one is far behind with, while their handlers take long: bytes, as JSON. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openKafkaLog } from './kafka.ts'

const [broker, topic] = process.argv.slice(2) as [string, string]
const log = openKafkaLog({ brokers: [broker] })
const ends = await log.ends(topic)
const taken = (): number => {
  gc!()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
const before = taken()
const begun = new Set<number>()
await log.subscribe({
  ...{ group: topic, topics: [topic], batchSize: 10 },
  onBatch: async (_, { partition }) => {
    begun.add(partition)
    await new Promise(() => {})
  },
  onFailure: (error) => {
    throw error
  },
})
while (begun.size < ends.length) await sleep(10)
// What it fetches ahead.
await sleep(5000)
process.stdout.write(JSON.stringify({ bytes: taken() - before }))
process.exit()
