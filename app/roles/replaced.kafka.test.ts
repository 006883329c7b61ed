/** An older and a newer version of one role share its group; the newer takes over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { expect, inject, onTestFinished, test } from 'vitest'
import { BASE } from '../../common/time.ts'
import { freePort } from '../../infra/loopback.ts'
import { inspectKafka } from '../../pipeline/log/kafka/inspect.ts'
import { openKafkaLog } from '../../pipeline/log/kafka/kafka.ts'
import { partitionOf } from '../../pipeline/log/partitioner.ts'
import { createMetrics, type Host } from '../../pipeline/runtime/host.ts'
import { backlog } from '../../pipeline/runtime/lag.ts'
import { runStage } from '../../pipeline/runtime/run-stage.ts'
import { countStage } from '../../pipeline/stages/count/count.ts'
import { complete as completed, post, T0 } from '../../pipeline/stages/count/testing.ts'
import { sumStage } from '../../pipeline/stages/sum.ts'
import type { Output } from '../../pipeline/testing/drive.ts'
import { createPipeline, type Placed } from '../../pipeline/testing/pipeline.ts'
import { groupOf, topicOf, topicSpecs } from '../../pipeline/topology.ts'
import { createCodec } from '../../schemas/codec.ts'
import { openConfluentRegistry } from '../../schemas/confluent-registry.ts'
import type { Coverage } from '../../schemas/records.ts'
import { spawnFcm, temporaryDir } from '../testing.ts'

const services = inject('services')
const RUN = 'replaced'
const PARTITIONS = 4

/** What a source writes of these bins: casts of 20 channels, and to every partition that they are complete. */
function activity(from: number, to: number): Placed[] {
  return Array.from({ length: to - from }, (_, i) => {
    const start = T0 + (from + i) * BASE
    const casts = Array.from({ length: 20 }, (_, c) => post(`https://${c}.org`, start + c, c))
    const placed = casts.map((one) => ({ ...one, partition: partitionOf(Buffer.from(one.key), PARTITIONS) }))
    const complete = Array.from({ length: PARTITIONS }, (_, partition): Placed => {
      const { key, record } = completed(start, start + BASE)
      return { key, partition, record: { ...(record as Coverage), partitions: PARTITIONS } }
    })
    return [...placed, ...complete]
  }).flat()
}

/** By what makes them one, whatever their order: those of a key stand in one partition. */
const byIdentity = (outputs: Omit<Output, 'topic'>[]) => {
  const seen = new Map<string, unknown>()
  for (const { key, record } of outputs) {
    if (!('start' in record)) continue
    const name = `${record.type} ${key} ${record.start} ${record.type === 'Milestone' ? record.n : ''}`
    if (seen.has(name)) expect(record).toEqual(seen.get(name))
    seen.set(name, record)
  }
  return new Map([...seen].sort(([a], [b]) => (a < b ? -1 : 1)))
}

test.skipIf(!services)('the older leaves its group and waits; nothing is lost', async () => {
  const broker = Object.values(services!.brokers)[0]!
  const { dir, remove } = temporaryDir()
  onTestFinished(remove)
  const log = openKafkaLog({ brokers: [broker] })
  onTestFinished(() => log.close())
  const codec = await createCodec(openConfluentRegistry({ url: services!.registry, mayRegister: true }))
  await log.ensureTopics(topicSpecs(RUN, PARTITIONS))
  onTestFinished(() => log.deleteTopics(topicSpecs(RUN, PARTITIONS).map(({ name }) => name)))
  const inspection = inspectKafka({ brokers: [broker] })
  onTestFinished(() => inspection.close())
  const members = async () => {
    const groups = (['count', 'sum'] as const).map((role) => groupOf(RUN, role))
    const found = await inspection.members(groups)
    return groups.map((group) => found.get(group))
  }

  const written: Placed[] = []
  const write = async (from: number, to: number) => {
    const records = activity(from, to)
    written.push(...records)
    const topic = topicOf(RUN, 'activity')
    await log.append(records.map(({ record, ...at }) => ({ ...at, topic, value: codec.encode(record) })))
  }
  const caughtUp = () => expect.poll(() => backlog(log, RUN, ['count', 'sum'])).toBe(0)

  const port = String(await freePort())
  const older = spawnFcm(['run', 'count', 'sum', '--run', RUN, '--data-dir', dir, '--port', port], {
    ...{ KAFKA_BROKERS: broker, SCHEMA_REGISTRY_URL: services!.registry },
    ...{ FCM_CHECKPOINT_SECONDS: '1', FCM_METRICS_PORT: port },
  })
  onTestFinished(() => void older.kill('SIGKILL'))
  const ready = () => fetch(`http://127.0.0.1:${port}/readyz`)
  await write(0, 10)
  await caughtUp()
  expect((await ready()).status).toBe(200)

  const failures: unknown[] = []
  /** As a release would in which the state has another shape: what there is of older ones is rebuilt. */
  const startNewer = async () => {
    const registry = new Registry()
    const host: Host = {
      ...{ run: RUN, log, codec, metrics: createMetrics(registry), batchSize: 2000, checkpointMs: 1000 },
      logger: { info() {}, warn() {}, error() {} },
      now: Date.now,
      onFailure: (error) => void failures.push(error),
      forced: new AbortController().signal,
      onWaiting() {},
    }
    const stage = countStage({ partitions: PARTITIONS })
    const { stop } = await runStage(host, { ...stage, version: stage.version + 1 })
    const partitions = async () => {
      const found = await registry.getMetricsAsJSON()
      const value = (name: string) => found.find((one) => one.name === name)?.values[0]?.value ?? 0
      return [value('fcm_partitions_held'), value('fcm_partitions_revoked_total')]
    }
    return { stop, partitions }
  }

  const first = await startNewer()
  await expect.poll(first.partitions).toEqual([2, 0])
  await write(10, 20)
  await caughtUp()
  // It goes; the older one is given what it had, and can't go on from there.
  await first.stop()
  await older.says('A newer version of fcm has taken over count of run replaced')
  // Its other role goes on.
  await expect.poll(members).toEqual([0, 1])
  const answer = await ready()
  expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('has taken over count')])
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain(
    'fcm_partitions_held{run="replaced",role="count",topic="fcm.replaced.activity"} 0',
  )

  await write(20, 30)
  const second = await startNewer()
  await expect.poll(second.partitions).toEqual([4, 0])
  await write(30, 40)
  await caughtUp()
  // Nobody comes and goes.
  await sleep(5000)
  expect(await members()).toEqual([1, 1])
  expect(await second.partitions()).toEqual([4, 0])
  older.kill('SIGTERM')
  const { code, stdout } = await older.ended
  expect([code, stdout.match(/has taken over/g)?.length]).toEqual([0, 1])
  await second.stop()
  expect(failures).toEqual([])

  const found: Omit<Output, 'topic'>[] = []
  for (const topic of ['counts', 'partials'] as const) {
    for (const { partition } of await log.ends(topicOf(RUN, topic))) {
      for await (const { key, value } of log.read({ topic: topicOf(RUN, topic), partition }))
        found.push({ key, record: codec.decode(value!) })
    }
  }
  const pipeline = createPipeline([countStage({ partitions: PARTITIONS }), sumStage()], {
    partitions: PARTITIONS,
  })
  expect(byIdentity(found)).toEqual(byIdentity(await pipeline.write('activity', written)))
})

test.skipIf(services)('needs Kafka, which is not here', () => {})
