/** Appends the numbers from where the log ends on, and prints each batch's last number once it is acknowledged. */
import { writeSync } from 'node:fs'
import { openEmbeddedLog } from './embedded.ts'

const [dir, topic] = process.argv.slice(2) as [string, string]
const log = await openEmbeddedLog(dir)
await log.ensureTopics([{ name: topic, partitions: 1, retentionMs: Number.POSITIVE_INFINITY }])
const [end] = await log.ends(topic)

async function append(from: number, count: number): Promise<void> {
  const values = Array.from({ length: count }, (_, i) => Buffer.from(String(from + i)))
  await log.append(values.map((value) => ({ topic, key: 'k', value })))
  writeSync(1, `${from + count - 1}\n`)
}

for (let from = end!.next; ; from += 60) {
  await Promise.all([append(from, 1), append(from + 1, 9), append(from + 10, 50)])
}
