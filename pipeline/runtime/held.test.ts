import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Milestone } from '../../schemas/records.ts'
import type { EventLog, Rec } from '../log/port.ts'
import { topicOf, topicSpecs, topology } from '../topology.ts'
import { createMetrics } from './host.ts'
import { runSink } from './run-sink.ts'
import { runStage } from './run-stage.ts'
import type { Stage } from './stage.ts'
import { adding, type Bench, INPUT, input, openBench, RUN, STORE, type Sum } from './testing.ts'

let it: Bench
beforeEach(async () => {
  it = await openBench()
})
afterEach(() => it.close())

describe('metrics', () => {
  const gauges = async (registry: Registry): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await registry.getMetricsAsJSON())
        .filter(({ name }) => /^fcm_(partitions|checkpoint_|restor|oldest)/.test(name))
        .flatMap(({ name, values }) => values.map(({ value }) => [name.slice('fcm_'.length), value])),
    )

  test('tell of the partitions that are held: their checkpoints, and what restoring took', async () => {
    await it.fill([input(1), input(2), input(3)])
    await it.runThrough()
    const [checkpoint] = (await it.readAll(topicOf(RUN, 'checkpoints')))
      .filter(({ key }) => key.endsWith('/0'))
      .slice(-1)
    const [manifest] = (await it.readAll(topicOf(RUN, 'checkpoints')))
      .filter(({ key }) => key.endsWith('/manifest'))
      .slice(-1)
    let now = manifest!.time + 7000
    const registry = new Registry()
    const host = { metrics: createMetrics(registry, () => now), now: () => now, checkpointMs: 1e9 }
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const handled: number[] = []
    const slow: Stage<'detect', Sum> = {
      ...adding(),
      apply: (_, { record }) => void handled.push((record as Milestone).n),
      settle: () => gate,
    }
    const running = await runStage(it.hostOn(it.log, host), slow)
    while ((await gauges(registry)).partitions_restoring !== 0)
      await new Promise((wake) => setImmediate(wake))
    const bytes = checkpoint!.value!.length
    expect(await gauges(registry)).toEqual({
      ...{ partitions_held: 1, partitions_assigned_total: 1, partitions_restoring: 0 },
      ...{ checkpoint_age_seconds: 7, checkpoint_offset: 3, checkpoint_bytes: bytes },
      ...{ restore_read_bytes: bytes, restore_seconds: 0, oldest_batch_seconds: 0 },
    })
    await it.log.append([{ topic: INPUT, key: 'k', value: it.codec.encode(input(4)) }])
    while (handled.length === 0) await new Promise((wake) => setImmediate(wake))
    now += 60_000
    expect(await gauges(registry)).toMatchObject({ oldest_batch_seconds: 60, checkpoint_age_seconds: 67 })
    open()
    await running.stop()
    // Another process has the partition now, and tells of it.
    expect(await gauges(registry)).toEqual({
      ...{ partitions_held: 0, partitions_assigned_total: 1, partitions_revoked_total: 1 },
    })
  })

  test('tell of a restoring that takes long while it does', async () => {
    await it.fill([input(1)])
    await it.runThrough()
    let now = 0
    const registry = new Registry()
    let read = 0
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const stuck: EventLog = {
      ...it.log,
      async *read(tp, from) {
        if (++read === 2) yield* holding(it.log.read(tp, from), gate)
        else yield* it.log.read(tp, from)
      },
    }
    const starting = runStage(it.hostOn(stuck, { metrics: createMetrics(registry, () => now) }), adding())
    while (read < 2) await new Promise((wake) => setImmediate(wake))
    now = 5000
    expect(await gauges(registry)).toMatchObject({
      ...{ partitions_restoring: 1, restore_seconds: 5, restore_read_bytes: 0 },
      checkpoint_bytes: expect.any(Number),
    })
    open()
    await (await starting).stop()
  })

  test('tell which partitions a sink holds', async () => {
    const registry = new Registry()
    await it.log.ensureTopics(topicSpecs(RUN, 4))
    const running = await runSink(it.hostOn(it.log, { metrics: createMetrics(registry) }), {
      ...{ ...STORE, write: async () => ({ rejected: [] }) },
    })
    const all = topology.store.reads.length * 4
    while ((await gauges(registry)).partitions_assigned_total !== all)
      await new Promise((wake) => setImmediate(wake))
    expect(await gauges(registry)).toEqual({
      // Of one topic of four.
      partitions_held: 4,
      partitions_assigned_total: all,
      oldest_batch_seconds: 0,
    })
    await running.stop()
    expect(await gauges(registry)).toMatchObject({ partitions_held: 0, partitions_revoked_total: all })
  })
})

/** The same records, once `gate` is open. */
async function* holding(records: AsyncIterable<Rec>, gate: Promise<void>): AsyncGenerator<Rec> {
  await gate
  yield* records
}
