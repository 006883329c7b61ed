import { randomBytes, randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { Registry } from 'prom-client'
import { describe, expect, inject, test } from 'vitest'
import { fakeStore } from '../../api/testing.ts'
import { adminOf } from '../../app/admin.ts'
import type { Engines } from '../../app/engines.ts'
import { deadLetter } from '../../pipeline/log/dead-letter.ts'
import { createClient } from '../../pipeline/log/kafka/client.ts'
import { openKafkaLog } from '../../pipeline/log/kafka/kafka.ts'
import { createMetrics, type Host } from '../../pipeline/runtime/host.ts'
import { backlog } from '../../pipeline/runtime/lag.ts'
import { runStage } from '../../pipeline/runtime/run-stage.ts'
import { countStage } from '../../pipeline/stages/count/count.ts'
import { topicOf, topicSpecs } from '../../pipeline/topology.ts'
import { createCodec } from '../../schemas/codec.ts'
import { openConfluentRegistry } from '../../schemas/confluent-registry.ts'

const services = inject('services')

describe.skipIf(!services)('on Kafka', () => {
  const broker = Object.values(services?.brokers ?? {})[0] ?? ''

  test('poison is buried once, with its bytes, and is sent again where it came from', async () => {
    const run = `poison-${randomUUID().slice(0, 8)}`
    const topic = topicOf(run, 'activity')
    const codec = await createCodec(openConfluentRegistry({ url: services!.registry, mayRegister: true }))
    const log = openKafkaLog({ brokers: [broker] })
    await log.ensureTopics(topicSpecs(run, 2))
    const wrong = codec.encode({ type: 'Idle', measure: 'posts', from: 300_000 })
    const poison = {
      truncated: wrong.subarray(0, -2),
      unknown: Buffer.concat([Buffer.from([0, 0x77, 0, 0, 1]), wrong.subarray(5)]),
      wrong,
      large: Buffer.concat([wrong.subarray(0, 5), randomBytes(5 * 2 ** 20)]),
    }
    const { kafka, cut } = createClient({ brokers: [broker] })
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
    await producer.connect()
    for (const [kind, value] of Object.entries(poison))
      await producer.send({ topic, messages: [{ key: 'k', value, partition: 1, headers: { kind } }] })
    await producer.disconnect()
    cut()
    // Who was killed between burying a record and saying so buries it again.
    const again = { topic, partition: 1, offset: 0, time: 0, key: 'k', value: poison.truncated, headers: {} }
    await log.append([deadLetter(topicOf(run, 'dead-letters'), again, 'count: it is cut off')])

    const failures: unknown[] = []
    const host: Host = {
      ...{ run, log, codec, batchSize: 100, checkpointMs: 1e9, now: Date.now },
      logger: { info() {}, warn() {}, error() {} },
      metrics: createMetrics(new Registry()),
      forced: new AbortController().signal,
      onFailure: (error) => void failures.push(error),
      onWaiting() {},
    }
    const running = await runStage(host, countStage())
    const caughtUp = async () => {
      while (failures.length === 0 && (await backlog(log, run, ['count'])) > 0)
        await new Promise((wake) => setTimeout(wake, 50))
    }
    await caughtUp()
    const admin = adminOf({ log, codec, store: fakeStore() } as unknown as Engines, 'token')
    const letters = await admin.deadLetters(run, undefined)
    expect(letters.map(({ source, bytes, headers }) => [source, bytes, headers])).toEqual(
      Object.entries(poison).map(([kind, value], i) => [
        `${topic}/1/${i}`,
        value.length,
        // The one that was buried by hand had none.
        i === 0 ? {} : { kind },
      ]),
    )
    const [large] = await admin.deadLetters(run, `${topic}/1/3`)
    expect(Buffer.from(large!.value as string, 'base64').equals(poison.large)).toBe(true)

    expect(await admin.redrive(run, [`${topic}/1/3`])).toEqual({ redriven: 1, fromFiles: 0 })
    const back = []
    for await (const rec of log.read({ topic, partition: 1 }, 4)) back.push(rec)
    expect(back).toMatchObject([{ offset: 4, key: 'k', headers: { kind: 'large' } }])
    expect(poison.large.equals(back[0]!.value!)).toBe(true)
    await caughtUp()
    expect(await admin.deadLetters(run, undefined)).toHaveLength(5)
    expect(failures).toEqual([])
    await running.stop()
    await log.close()
  })
})

test.skipIf(services)('needs Kafka, which is not here', () => {})
