/** State of an older version: migrated, or rebuilt from the input, and nothing of what a run has said is lost or said otherwise. */
import { deserialize, serialize } from 'node:v8'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BASE } from '../../common/time.ts'
import { type Coverage, type FcmRecord, type Milestone, NETWORK, type Signal } from '../../schemas/records.ts'
import { partitionOf } from '../log/partitioner.ts'
import type { EventLog } from '../log/port.ts'
import { countStage } from '../stages/count/count.ts'
import { sumStage } from '../stages/sum.ts'
import { type Role, type StageRole, type Topic, topicOf, topicSpecs } from '../topology.ts'
import { checkpointsOf } from './checkpoints.ts'
import { createMetrics, type Host } from './host.ts'
import { backlog } from './lag.ts'
import { runStage } from './run-stage.ts'
import type { Stage } from './stage.ts'
import { type Bench, openBench, RUN, signal } from './testing.ts'

let it: Bench
beforeEach(async () => {
  it = await openBench()
})
afterEach(() => it.close())

const hostOn = (over: EventLog, options: Partial<Host> = {}): Host =>
  it.hostOn(over, { batchSize: 7, ...options })

const append = (topic: Topic, records: { key: string; partition?: number; record: FcmRecord }[]) =>
  it.log.append(
    records.map(({ record, ...at }) => ({
      ...at,
      topic: topicOf(RUN, topic),
      value: it.codec.encode(record),
    })),
  )
async function readAll(topic: Topic): Promise<{ key: string; record: FcmRecord }[]> {
  const all = []
  for (const { partition } of await it.log.ends(topicOf(RUN, topic))) {
    for await (const { key, value } of it.log.read({ topic: topicOf(RUN, topic), partition }))
      all.push({ key, record: it.codec.decode(value!) })
  }
  return all
}

async function through<Name extends StageRole, S>(stage: Stage<Name, S>, options: Partial<Host> = {}) {
  const running = await runStage(hostOn(it.log, options), stage)
  while ((await backlog(it.log, RUN, [stage.name as Role])) > 0)
    await new Promise((wake) => setImmediate(wake))
  await running.stop()
}

/** Adds up the n of its inputs. Version 1 kept one number, version 2 one for each key. */
const adding = (over: Partial<Stage<'detect', Sums>> = {}): Stage<'detect', Sums> => ({
  ...{ name: 'detect', version: 2, rebuild: 'silently', initial: () => ({ sums: new Map(), queue: [] }) },
  apply(state, { key, record }) {
    if (record.type !== 'Milestone') return
    const sum = (state.sums.get(key) ?? 0) + record.n
    state.sums.set(key, sum)
    state.queue.push(signal(record.start, sum))
  },
  async settle(state, emit) {
    for (const record of state.queue) emit('signals', 'k', record)
    state.queue = []
  },
  ...over,
})
type Sums = { sums: Map<string, number>; queue: Signal[] }
const milestone = (start: number): { key: string; record: Milestone } => ({
  key: 'k',
  record: { type: 'Milestone', measure: 'posts', start, seconds: 300, n: start, time: 0 },
})
const saved = (stage: string, version: number, state: unknown, offset: number, partition = 0) => {
  const topic = topicOf(RUN, 'checkpoints')
  return checkpointsOf({ log: it.log, topic, stage, version, partition }).save(state, offset)
}
const written = async () => (await readAll('signals')).map(({ record }) => record as Signal)
/** Sums of 1 to n, from the n-th on. */
const sums = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ((from + i) * (from + i + 1)) / 2)

describe('a checkpoint of an older version', () => {
  const RECORDS = Array.from({ length: 40 }, (_, i) => milestone(i))
  /** An older program has dealt with the first 25. */
  beforeEach(async () => {
    await it.log.ensureTopics(topicSpecs(RUN, 1))
    await append('counts', RECORDS)
    await append(
      'signals',
      sums(0, 25).map((sum, i) => ({ key: 'k', record: signal(i, sum) })),
    )
    await saved('detect', 1, { sum: 300 }, 25)
  })
  const all = sums(0, 40).map((sum, i) => signal(i, sum))

  test('is migrated where the stage can', async () => {
    const migrate = (state: unknown, version: number): Sums | null =>
      version === 1 ? { sums: new Map([['k', (state as { sum: number }).sum]]), queue: [] } : null
    let applied = 0
    const stage = adding({ migrate })
    const apply: typeof stage.apply = (...given) => {
      applied++
      stage.apply(...given)
    }
    await through({ ...stage, apply })
    expect(await written()).toEqual(all)
    expect(applied).toBe(15)
  })

  test.each([1, 7, 1000])(
    'is rebuilt in silence up to where it stood, in batches of %i',
    async (batchSize) => {
      await through(adding(), { batchSize })
      expect(await written()).toEqual(all)
    },
  )

  test('is rebuilt aloud where repeats are harmless', async () => {
    await through(adding({ rebuild: 'aloud' }))
    expect(await written()).toEqual([...all.slice(0, 25), ...all])
  })

  test('is rebuilt as well by a process that is killed again and again', async () => {
    for (let killedAt = 1; ; killedAt++) {
      let writes = 0
      const dying: EventLog = {
        ...it.log,
        append: (records) =>
          ++writes < killedAt ? it.log.append(records) : Promise.reject(new Error('killed')),
      }
      const dead = Promise.withResolvers<unknown>()
      const running = await runStage(hostOn(dying, { onFailure: dead.resolve }), adding())
      const done = (async () => {
        while ((await backlog(it.log, RUN, ['detect'])) > 0) await new Promise((wake) => setImmediate(wake))
      })()
      await Promise.race([dead.promise, done])
      await running.stop()
      if (writes < killedAt) break
    }
    const seen = new Map<number, Signal>()
    for (const one of await written()) {
      expect(one).toEqual(all[one.start])
      seen.set(one.start, one)
    }
    expect(seen.size).toBe(40)
  })

  test('tells how far the rebuilding is', async () => {
    const registry = new Registry()
    const said: string[] = []
    const logger = { info: (_: object, message: string) => void said.push(message), warn() {}, error() {} }
    const shares = new Set<number | undefined>()
    const stage = adding()
    const settle: typeof stage.settle = async (state, emit) => {
      const metrics = await registry.getMetricsAsJSON()
      shares.add(metrics.find(({ name }) => name === 'fcm_rebuild_ratio')?.values[0]?.value)
      await stage.settle(state, emit)
    }
    await through({ ...stage, settle }, { metrics: createMetrics(registry), logger, batchSize: 5 })
    expect([...shares]).toEqual([0, 0.2, 0.4, 0.6, 0.8, undefined])
    expect(said).toEqual(['rebuilds', 'rebuilding', 'rebuilt'])
  })

  test('of a newer one, the role ends and says so; nothing is begun anew', async () => {
    await saved('detect', 3, {}, 30)
    const failure = Promise.withResolvers<unknown>()
    const running = await runStage(hostOn(it.log, { onFailure: failure.resolve }), adding())
    expect(await failure.promise).toMatchObject({ code: 'STATE_VERSION' })
    await running.stop()
    expect(await written()).toHaveLength(25)
  })
})

test('where a newer program has had some partitions, the others are left with a checkpoint, and it is said once', async () => {
  await it.log.ensureTopics(topicSpecs(RUN, 4))
  for (const partition of [1, 2]) await saved('detect', 3, {}, 0, partition)
  const failures: unknown[] = []
  const options = { checkpointMs: 3_600_000, onFailure: (error: unknown) => void failures.push(error) }
  const running = await runStage(hostOn(it.log, options), adding())
  await expect.poll(() => failures).toEqual([expect.objectContaining({ code: 'STATE_VERSION' })])
  const topic = topicOf(RUN, 'checkpoints')
  for (const [partition, version] of [2, 3, 3, 2].entries()) {
    const checkpoints = checkpointsOf({ log: it.log, topic, stage: 'detect', version: 2, partition })
    expect(await checkpoints.restore()).toMatchObject({ version })
  }
  await running.stop()
  expect(failures).toHaveLength(1)
})

test.each([1, 3])(
  'a run whose partial sums stood among the counts goes on, %i partitions',
  async (partitions) => {
    const BINS = 60
    const start = (bin: number) => Date.UTC(2026, 0, 5) + bin * BASE
    const channels = ['https://a.org', 'https://b.org', 'https://c.org', 'https://d.org']
    const place = (key: string) => partitionOf(Buffer.from(key), partitions)
    const bin = (n: number) => {
      const casts = channels.flatMap((key, c) =>
        Array.from(
          { length: (n * (c + 1)) % 5 },
          (_, i): { key: string; partition: number; record: FcmRecord } => ({
            ...{ key, partition: place(key) },
            record: {
              ...{
                type: 'Cast',
                hash: Buffer.alloc(20, `${n} ${c} ${i}`),
                fid: i,
                time: start(n) + i,
                clock: 'signed',
              },
              ...{
                verified: false,
                text: '',
                parent: null,
                parentUrl: key,
                urls: [],
                quotes: [],
                mentions: [],
              },
            },
          }),
        ),
      )
      const complete: Coverage = {
        ...{ type: 'Coverage', status: 'complete', measures: ['posts', 'replies', 'reactions'] },
        ...{ from: start(n), to: start(n + 1), reason: null, partitions },
      }
      return [
        ...casts,
        ...Array.from({ length: partitions }, (_, partition) => ({
          key: NETWORK,
          partition,
          record: complete,
        })),
      ]
    }
    const bins = Array.from({ length: BINS }, (_, n) => bin(n))
    await it.log.ensureTopics(topicSpecs(RUN, partitions).filter(({ name }) => !name.endsWith('partials')))

    // As the release before wrote it: count to the 40th bin, its checkpoints of the 35th, and sum behind both.
    await append('activity', bins.flat())
    const states = await Promise.all(
      Array.from({ length: partitions }, async (_, partition) => {
        const stage = countStage()
        const state = stage.initial(partition)
        let offset = 0
        for (const [n, records] of bins.slice(0, 40).entries()) {
          const mine = records.filter((one) => one.partition === partition)
          for (const one of mine) stage.apply(state, one as never)
          const made: { key: string; record: FcmRecord }[] = []
          await stage.settle(state, (topic, key, record) => {
            made.push({ key: topic === 'partials' ? NETWORK : key, record })
          })
          await append('counts', made)
          offset += mine.length
          if (n === 34) await saved('count', 2, deserialize(serialize(state)), offset, partition)
        }
        return state
      }),
    )
    expect(states).toHaveLength(partitions)
    const sum = sumStage()
    const summed = sum.initial(0)
    const said: { key: string; record: FcmRecord }[] = []
    const partials = (await readAll('counts')).filter(({ record }) => record.type === 'Partial')
    for (const one of partials.slice(0, -2 * partitions)) {
      sum.apply(summed, one as never)
      await sum.settle(summed, (_, key, record) => void said.push({ key, record }))
    }
    await append('counts', said)
    const counts = topicOf(RUN, 'counts')
    const ends = (await it.log.ends(counts)).find(({ partition }) => partition === place(NETWORK))!
    await saved('sum', 1, summed, ends.next, place(NETWORK))

    await it.log.ensureTopics(topicSpecs(RUN, partitions))
    // Readers first, and while both programs run.
    const summing = await runStage(hostOn(it.log), sumStage())
    await through(countStage())
    while ((await backlog(it.log, RUN, ['sum'])) > 0) await new Promise((wake) => setImmediate(wake))
    await summing.stop()

    const seen = new Map<string, FcmRecord>()
    for (const { key, record } of await readAll('counts')) {
      if (record.type !== 'BinClosed') continue
      const name = `${key} ${record.start}`
      // A bin that was said again was said alike.
      if (seen.has(name)) expect(record).toEqual(seen.get(name))
      else seen.set(name, record)
    }
    const network = [...seen].filter(([name]) => name.startsWith(NETWORK)).map(([, record]) => record)
    expect(network).toHaveLength(BINS - 1)
    const total = network.reduce(
      (all, record) =>
        all + (record.type === 'BinClosed' ? record.bins.find((b) => b.measure === 'posts')!.count : 0),
      0,
    )
    expect(total).toBe(bins.flat().filter(({ record }) => record.type === 'Cast').length)

    // And so it does again: what is newest wins, though the old ones stand further on.
    const before = (await readAll('counts')).length
    await through(countStage())
    await through(sumStage())
    expect((await readAll('counts')).length).toBe(before)
  },
)
