/** What readers and writers take of a machine while there is nothing to do, and while there is more than can be done. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { range } from '../contract/bench.ts'
import { onKafka } from './on-kafka.fixture.ts'

const run = promisify(execFile)
/** What a fixture says, run in a process of its own: this one has more to do. */
async function told(fixture: string, broker: string, topic: string) {
  const file = fileURLToPath(new URL(`${fixture}.fixture.ts`, import.meta.url))
  const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc']
  const { stdout } = await run(process.execPath, [...flags, file, broker, topic])
  return JSON.parse(stdout)
}

onKafka(({ broker, log, it }) => {
  test('an idle reader and an idle writer rest', async () => {
    const topic = await it.topic()
    const { share, timers } = await told('idle', broker, topic)
    // On a quiet machine it is 0.004, of a core; with kafkajs's own timer 1,000 timers a second for each connection.
    expect(share).toBeLessThan(0.03)
    expect(timers).toBeLessThan(50)
  })

  test('who is far behind with many partitions holds little of them', async () => {
    const topic = await it.topic(8)
    for (const partition of range(0, 8)) {
      const records = range(0, 50_000).map(() => ({ topic, partition, key: 'k', value: randomBytes(60) }))
      await log.append(records)
    }
    const { bytes } = await told('behind', broker, topic)
    expect(bytes).toBeLessThan(40 * 2 ** 20)
  })
})
