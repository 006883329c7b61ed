/**
 * What a reader and a writer of a topic cost while nothing happens, as JSON: `share` of a core, and `timers` that are set in a
 * second. CPU time goes by how busy the machine is with other things, timers don't.
 */
import { setTimeout as sleep } from 'node:timers/promises'

let timers = 0
const { setTimeout } = globalThis
globalThis.setTimeout = Object.assign((...args: Parameters<typeof setTimeout>) => {
  timers++
  return setTimeout(...args)
}, setTimeout)

const { openKafkaLog } = await import('./kafka.ts')
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
timers = 0
const before = process.cpuUsage()
const began = performance.now()
await sleep(8000)
const { user, system } = process.cpuUsage(before)
const seconds = (performance.now() - began) / 1000
process.stdout.write(
  JSON.stringify({ share: (user + system) / 1_000_000 / seconds, timers: timers / seconds }),
)
await log.close()
