import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { type Codec, createCodec } from '../../schemas/codec.ts'
import type { AlertEvent, FcmRecord, Milestone, Signal } from '../../schemas/records.ts'
import { parseDeadLetter } from '../log/dead-letter.ts'
import { openEmbeddedLog } from '../log/embedded/embedded.ts'
import type { EventLog, Rec } from '../log/port.ts'
import { type Role, topicOf, topicSpecs, topology } from '../topology.ts'
import { checkpointsOf } from './checkpoints.ts'
import { createMetrics, type Host } from './host.ts'
import { backlog } from './lag.ts'
import { decisions } from './latency.ts'
import { runSink } from './run-sink.ts'
import { runStage } from './run-stage.ts'
import type { Stage } from './stage.ts'

const RUN = 'test'
const INPUT = topicOf(RUN, 'counts')
const OUTPUT = topicOf(RUN, 'signals')

let dir: string
let log: EventLog
let codec: Codec

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fcm-runtime-'))
  log = await openEmbeddedLog(dir)
  const schemas: object[] = []
  codec = await createCodec({
    register: async (_, schema) => schemas.push(schema),
    schema: async (id) => {
      const schema = schemas[id - 1]
      if (!schema) throw new FcmError('SCHEMA_UNKNOWN', { id })
      return schema
    },
  })
})
afterEach(async () => {
  await log.close()
  rmSync(dir, { recursive: true })
})

/** Numbers its inputs and adds up their n: whatever is lost, doubled or reordered shows in what it writes. */
type Sum = { seen: Set<number>; total: number; queue: Signal[] }
const adding = (version = 1): Stage<'detect', Sum> => ({
  name: 'detect',
  version,
  rebuild: 'aloud',
  pace: { burst: 100, calmMs: 1000, urgent: { topics: ['alerts'], headStartMs: 50 } },
  initial: () => ({ seen: new Set(), total: 0, queue: [] }),
  apply(state, { record }) {
    if (record.type !== 'Milestone' || state.seen.has(record.start)) return
    if (record.n < 0) throw new FcmError('RECORD_MALFORMED', { why: 'n is below zero' })
    state.seen.add(record.start)
    state.total += record.n
    state.queue.push(signal(record.start, state.total))
  },
  async settle(state, emit) {
    for (const record of state.queue) emit('signals', 'k', record)
    state.queue = []
  },
})
const STORE = { name: 'store', urgent: ['alerts'], gatherMs: 100 } as const

const input = (start: number, n = start): Milestone => ({
  type: 'Milestone',
  measure: 'posts',
  start,
  seconds: 300,
  n,
  time: 0,
})

const signal = (start: number, count: number): Signal => ({
  ...{ type: 'Signal', measure: 'posts', resolution: 300, start, count, expected: null, dispersion: null },
  ...{ residual: null, variance: null, autocorrelation: null, rawVariance: null, rawAutocorrelation: null },
  ...{ varianceTrend: null, autocorrelationTrend: null, pVariance: null, pAutocorrelation: null, p: null },
  ...{ score: null, decision: 'quiet', reason: '', settings: 's' },
})

const alertEvent = (sequence: number): AlertEvent => ({
  ...{ type: 'AlertEvent', fingerprint: 'f', sequence, event: 'opened', kind: 'onset', severity: 'low' },
  ...{ time: 0, openedAt: 0, subject: { type: 'channel' }, reason: 'r', evidence: [] },
  ...{ preset: 'p', settings: 's' },
})

const fill = async (records: (FcmRecord | Buffer)[], partitions = 1) => {
  await log.ensureTopics(topicSpecs(RUN, partitions))
  const values = records.map((r) => (Buffer.isBuffer(r) ? r : codec.encode(r)))
  await log.append(values.map((value, i) => ({ topic: INPUT, partition: i % partitions, key: 'k', value })))
}
const readAll = async (topic: string): Promise<Rec[]> => {
  const all: Rec[] = []
  for (const { partition } of await log.ends(topic)) {
    for await (const rec of log.read({ topic, partition })) all.push(rec)
  }
  return all
}
/** What a reader that passes over repeats sees. */
const results = async (): Promise<Signal[]> => {
  const seen = new Map<number, Signal>()
  for (const { value } of await readAll(OUTPUT)) {
    const record = codec.decode(value!) as Signal
    const before = seen.get(record.start)
    if (before) expect(record).toEqual(before)
    else seen.set(record.start, record)
  }
  return [...seen.values()]
}

const hostOn = (over: EventLog, options: Partial<Host> = {}): Host => ({
  run: RUN,
  log: over,
  codec,
  logger: { info() {}, warn() {}, error() {} },
  metrics: createMetrics(new Registry()),
  batchSize: 10,
  checkpointMs: 0,
  now: Date.now,
  onFailure: (error) => {
    throw error
  },
  forced: new AbortController().signal,
  onWaiting() {},
  ...options,
})
const drained = async (orElse = () => false, role: Role = 'detect') => {
  while (!orElse() && (await backlog(log, RUN, [role])) > 0) await new Promise((wake) => setImmediate(wake))
}
const runThrough = async (stage = adding(), options: Partial<Host> = {}) => {
  const running = await runStage(hostOn(log, options), stage)
  await drained()
  await running.stop()
}

/** A log over the real one from which nothing more is written from the n-th write or commit on, as when it is killed. */
function dying(atOperation: number): { log: EventLog; isDead(): boolean } {
  let operations = 0
  const operation = <T>(work: () => Promise<T>): Promise<T> =>
    ++operations < atOperation ? work() : Promise.reject(new Error('killed'))
  const over: EventLog = {
    ...log,
    append: (records) => operation(() => log.append(records)),
    async subscribe(options) {
      const subscription = await log.subscribe(options)
      return { ...subscription, commit: (tp, offset) => operation(() => subscription.commit(tp, offset)) }
    },
  }
  return { log: over, isDead: () => operations >= atOperation }
}

describe('a stage', () => {
  test('writes the same whatever the batches and however often it restarts', async () => {
    const records = Array.from({ length: 25 }, (_, i) => input(i))
    await fill(records)
    await runThrough(adding(), { batchSize: 7 })
    const undisturbed = await results()
    expect(undisturbed.map(({ count }) => count).at(-1)).toBe((24 * 25) / 2)

    for (const batchSize of [1, 1000]) {
      await log.deleteTopics(topicSpecs(RUN, 1).map(({ name }) => name))
      await log.ensureTopics(topicSpecs(RUN, 1))
      for (const record of records) {
        await log.append([{ topic: INPUT, key: 'k', value: codec.encode(record) }])
        await runThrough(adding(), { batchSize })
      }
      expect(await results()).toEqual(undisturbed)
    }
  })

  test('sends an alert ahead of what explains it', async () => {
    await fill([input(1)])
    const appends: string[] = []
    const over: EventLog = {
      ...log,
      async append(records) {
        const topics = new Set(records.map(({ topic }) => topic.split('.').at(-1)))
        appends.push(`${[...topics]} begun`)
        await log.append(records)
        appends.push(`${[...topics]} done`)
      },
    }
    const stage: Stage<'detect', Sum> = {
      ...adding(),
      async settle(state, emit) {
        await adding().settle(state, (...signal) => {
          emit(...signal)
          emit('alerts', 'k', alertEvent(1))
          emit(...signal)
        })
      },
    }
    const running = await runStage(hostOn(over, { checkpointMs: 60_000 }), stage)
    await drained()
    expect(appends).toEqual(['alerts begun', 'alerts done', 'signals begun', 'signals done'])
    await running.stop()
    expect((await readAll(topicOf(RUN, 'alerts'))).length).toBe(1)
    expect((await readAll(OUTPUT)).length).toBe(2)
  })

  test('what one record causes is appended in slices, in order', async () => {
    await fill([input(1)])
    const sizes: number[] = []
    const over: EventLog = {
      ...log,
      async append(records) {
        if (records[0]?.topic === OUTPUT) sizes.push(records.length)
        await log.append(records)
      },
    }
    const stage: Stage<'detect', Sum> = {
      ...adding(),
      async settle(state, emit) {
        if (state.queue.length > 0) for (let i = 0; i < 12_000; i++) emit('signals', 'k', signal(i, 0))
        state.queue = []
      },
    }
    const running = await runStage(hostOn(over, { checkpointMs: 60_000 }), stage)
    await drained()
    await running.stop()
    expect(sizes).toEqual([5000, 5000, 2000])
    const starts = (await readAll(OUTPUT)).map(({ value }) => (codec.decode(value!) as Signal).start)
    expect(starts).toEqual(Array.from({ length: 12_000 }, (_, i) => i))
  })

  test('gives alerts a head start before much that explains them', async () => {
    await fill([input(1)])
    const appended = new Map<string, number>()
    const over: EventLog = {
      ...log,
      async append(records) {
        appended.set(records[0]!.topic, performance.now())
        await log.append(records)
      },
    }
    const stage: Stage<'detect', Sum> = {
      ...adding(),
      async settle(state, emit) {
        await adding().settle(state, (...signal) => {
          for (let i = 0; i < 200; i++) emit(...signal)
          emit('alerts', 'k', alertEvent(1))
        })
      },
    }
    const running = await runStage(hostOn(over, { checkpointMs: 60_000 }), stage)
    await drained()
    await running.stop()
    expect(appended.get(OUTPUT)! - appended.get(topicOf(RUN, 'alerts'))!).toBeGreaterThan(40)
    expect((await readAll(OUTPUT)).length).toBe(200)
  })

  test('where much closes every few seconds, begins checkpoints soon after that, not before it comes again', async () => {
    let now = 0
    const stage: Stage<'detect', Sum> = {
      ...adding(),
      async settle(state, emit) {
        const isMuch = state.queue.some(({ start }) => start % 10 === 0)
        await adding().settle(state, (...signal) => {
          for (let i = 0; i < (isMuch ? 200 : 1); i++) emit(...signal)
        })
      },
    }
    await fill([])
    const running = await runStage(hostOn(log, { now: () => now, checkpointMs: 1 }), stage)
    /** Whether a checkpoint was begun with a batch at this time. */
    const savedAt = async (at: number, record: Milestone) => {
      now = at
      const before = (await readAll(topicOf(RUN, 'checkpoints'))).length
      await log.append([{ topic: INPUT, key: 'k', value: codec.encode(record) }])
      await drained()
      await sleep(50)
      return (await readAll(topicOf(RUN, 'checkpoints'))).length > before
    }
    expect(await savedAt(100_000, input(10))).toBe(false)
    expect(await savedAt(100_500, input(1))).toBe(false)
    expect(await savedAt(102_500, input(2))).toBe(false)
    expect(await savedAt(104_000, input(20))).toBe(false)
    expect(await savedAt(105_500, input(3))).toBe(true)
    expect(await savedAt(118_000, input(4))).toBe(true)
    await running.stop()
  })

  test('commits what it has come to, and not each batch', async () => {
    await fill(Array.from({ length: 200 }, (_, i) => input(i)))
    const commits: number[] = []
    const over: EventLog = {
      ...log,
      async subscribe(options) {
        const subscription = await log.subscribe(options)
        return {
          ...subscription,
          commit(tp, offset) {
            commits.push(offset)
            return subscription.commit(tp, offset)
          },
        }
      },
    }
    const running = await runStage(hostOn(over, { batchSize: 1, checkpointMs: 60_000 }), adding())
    await drained()
    await running.stop()
    expect(commits.length).toBeLessThan(100)
    expect(commits).toEqual(commits.toSorted((a, b) => a - b))
    expect(commits.at(-1)).toBe(200)
  })

  test('killed at any write or commit and started again, it loses and doubles nothing', async () => {
    const records = Array.from({ length: 30 }, (_, i) => input(i))
    await fill(records)
    await runThrough()
    const undisturbed = await results()

    for (let at = 1; at <= 8; at++) {
      await log.deleteTopics(topicSpecs(RUN, 1).map(({ name }) => name))
      await fill(records)
      for (let life = 0; life < 3; life++) {
        const mortal = dying(at)
        const running = await runStage(hostOn(mortal.log, { onFailure() {} }), adding())
        await drained(mortal.isDead)
        // A dead process does not stop gracefully either: its last checkpoint fails too.
        await running.stop().catch(() => {})
      }
      await runThrough()
      expect(await results()).toEqual(undisturbed)
    }
  })

  test('a record that can not be processed is dead-lettered with its bytes, and the rest goes on', async () => {
    const cut = codec.encode(input(3)).subarray(0, 7)
    const unknown = Buffer.from([0, 0, 0, 99, 99, 1, 2])
    const text = Buffer.from('not avro')
    await fill([input(1), cut, unknown, text, alertEvent(1), input(2, -1), input(4)])
    await runThrough()
    expect((await results()).map(({ count }) => count)).toEqual([1, 5])
    const letters = (await readAll(topicOf(RUN, 'dead-letters'))).map((rec) => parseDeadLetter(rec)!)
    expect(letters.map(({ source }) => source)).toEqual(
      [1, 2, 3, 4, 5].map((offset) => `${INPUT}/0/${offset}`),
    )
    expect(Buffer.compare(letters[0]!.value!, cut)).toBe(0)
    expect(letters[1]).toMatchObject({
      schemaId: 0x6363,
      reason: expect.stringContaining('No schema has the id'),
    })
    expect(letters[3]?.reason).toMatch(/AlertEvent does not belong in fcm.test.counts/)
    expect(letters[4]?.reason).toMatch(/n is below zero/)
  })

  test('a fault of the program ends the role; it does not skip the record', async () => {
    await fill([input(1)])
    const broken: Stage<'detect', Sum> = {
      ...adding(),
      apply() {
        throw new TypeError('undefined is not a function')
      },
    }
    const failure = new Promise((resolve) => {
      void runStage(hostOn(log, { onFailure: resolve }), broken)
    })
    expect(await failure).toBeInstanceOf(TypeError)
    expect(await backlog(log, RUN, ['detect'])).toBe(1)
  })

  test.each(['REGISTRY_REFUSED', 'REGISTRY_MISSING'])(
    '%s is no fault of a record: it ends the role, and buries nothing',
    async (why) => {
      await fill([input(1)])
      const refusing: Codec = {
        ...codec,
        decode: () => {
          throw new FcmError('SCHEMA_UNKNOWN', { id: 7 })
        },
        prepare: () =>
          Promise.reject(new FcmError(why as 'REGISTRY_REFUSED', { url: 'http://registry', why: '401' })),
      }
      const failure = new Promise((resolve) => {
        void runStage(hostOn(log, { codec: refusing, onFailure: resolve }), adding())
      })
      expect(await failure).toMatchObject({ code: why })
      expect(await backlog(log, RUN, ['detect'])).toBe(1)
      expect(await readAll(topicOf(RUN, 'dead-letters'))).toEqual([])
    },
  )

  test('a wait while a checkpoint is written is no reason to put off the next', async () => {
    let refusals = 4
    const away: EventLog = {
      ...log,
      async append(records) {
        const isCheckpoint = records[0]!.topic === topicOf(RUN, 'checkpoints')
        // Some 0.75 s in all: at a twentieth of the time, the next would come 15 s later.
        if (isCheckpoint && refusals-- > 0) throw new FcmError('KAFKA_UNREACHABLE', { why: 'it is away' })
        await log.append(records)
      },
    }
    await fill([input(0)])
    const running = await runStage(hostOn(away), adding())
    const manifests = async () =>
      (await readAll(topicOf(RUN, 'checkpoints'))).filter(
        ({ key, value }) => value && key.endsWith('manifest'),
      ).length
    const wanted = { timeout: 6000 }
    await expect.poll(manifests, wanted).toBe(1)
    for (let start = 1; (await manifests()) < 2; start++) {
      expect(start).toBeLessThan(60)
      await log.append([{ topic: INPUT, key: 'k', value: codec.encode(input(start)) }])
      await sleep(50)
    }
    await running.stop()
  })

  test('waits while the log is full, and goes on by itself', async () => {
    await fill([input(1)])
    let refusals = 3
    const waits: string[] = []
    const full: EventLog = {
      ...log,
      async append(records) {
        if (refusals-- > 0) throw new FcmError('LOG_FULL', { file: 'log.sqlite' })
        await log.append(records)
      },
    }
    const running = await runStage(hostOn(full, { onWaiting: ({ code }) => waits.push(code) }), adding())
    await drained()
    await running.stop()
    expect(await results()).toHaveLength(1)
    expect(waits).toEqual(['LOG_FULL'])
  })

  test('what it writes carries when its input was appended', async () => {
    await fill([input(1), input(2)])
    await runThrough()
    const [first] = await readAll(INPUT)
    for (const rec of await readAll(OUTPUT)) expect(rec.headers).toEqual({ trail: `detect@${first!.time}` })
    expect(await readAll(OUTPUT)).toHaveLength(2)
  })

  test('partitions keep states of their own', async () => {
    await fill(
      Array.from({ length: 8 }, (_, i) => input(i + 1, 1)),
      4,
    )
    await runThrough()
    expect((await results()).map(({ count }) => count).sort()).toEqual([1, 1, 1, 1, 2, 2, 2, 2])
  })
})

describe('a checkpoint', () => {
  const checkpoints = (version = 1) =>
    checkpointsOf({
      log,
      topic: topicOf(RUN, 'checkpoints'),
      stage: 'count',
      version,
      partition: 0,
    })
  const written = () => readAll(topicOf(RUN, 'checkpoints'))
  beforeEach(() => log.ensureTopics(topicSpecs(RUN, 1)))

  test('of any size comes back, the newest first', async () => {
    const writer = checkpoints()
    await writer.save({ text: 'old' }, 1)
    const large = 'x'.repeat(1_500_000)
    await writer.save({ text: large }, 20)
    expect(await checkpoints().restore()).toMatchObject({ state: { text: large }, offset: 20 })
  })

  test('that is not whole is passed over for the one before', async () => {
    const writer = checkpoints()
    await writer.save({ text: 'old' }, 1)
    await writer.save({ text: 'new' }, 2)
    const chunk = (await written()).find(({ key }) => /\/2-[^/]*\/0$/.test(key))!
    const torn = { topic: chunk.topic, partition: 0, key: chunk.key, value: Buffer.from('torn') }
    await log.append([torn])
    expect(await checkpoints().restore()).toMatchObject({ state: { text: 'old' }, offset: 1 })
  })

  test('where none is whole, nothing is begun anew in silence: it may pass', async () => {
    await checkpoints().save({ text: 'only' }, 1)
    const chunk = (await written()).find(({ key }) => key.endsWith('/0'))!
    const { topic, key, value } = chunk
    await log.append([{ topic, partition: 0, key, value: Buffer.from('torn') }])
    await expect(checkpoints().restore()).rejects.toMatchObject({ code: 'STATE_UNREADABLE', retry: true })
    await log.append([{ topic, partition: 0, key, value }])
    expect(await checkpoints().restore()).toMatchObject({ state: { text: 'only' } })
  })

  test('from a process that was replaced does not win over a newer one', async () => {
    const zombie = checkpoints()
    await zombie.save({ text: 'zombie' }, 5)
    const owner = checkpoints()
    await owner.restore()
    await owner.save({ text: 'owner' }, 9)
    await zombie.save({ text: 'zombie' }, 7)
    expect(await checkpoints().restore()).toMatchObject({ state: { text: 'owner' }, offset: 9 })
  })

  test('leaves only itself and the one before; older ones are deleted', async () => {
    const writer = checkpoints()
    for (const offset of [1, 2, 3, 4]) await writer.save({ text: `${offset}` }, offset)
    const last = new Map((await written()).map(({ key, value }) => [key, value]))
    const standing = [...last].filter(([key, value]) => value && key.endsWith('manifest')).map(([key]) => key)
    expect(standing.map((key) => key.split('/')[2]!.split('-')[0])).toEqual(['3', '4'])
    expect([...last].filter(([, value]) => value)).toHaveLength(4)
  })

  test('whose write is tried again leaves no more behind', async () => {
    let refuse = false
    const unsure: EventLog = {
      ...log,
      append: (records) =>
        refuse ? Promise.reject(new FcmError('LOG_FULL', { file: 'f' })) : log.append(records),
    }
    const options = { topic: topicOf(RUN, 'checkpoints'), stage: 'count', version: 1, partition: 0 }
    const writer = checkpointsOf({ log: unsure, ...options })
    for (let offset = 1; offset <= 6; offset++) {
      refuse = true
      await expect(writer.save({ text: 'x' }, offset)).rejects.toThrow(/full/)
      refuse = false
      await writer.save({ text: 'x' }, offset)
    }
    const last = new Map((await written()).map(({ key, value }) => [key, value]))
    expect([...last].filter(([key, value]) => value && key.endsWith('manifest'))).toHaveLength(2)
  })

  test('whose write was cut off leaves nothing for ever', async () => {
    let room = 2
    const dying: EventLog = {
      ...log,
      append: (records) => (room-- > 0 ? log.append(records) : Promise.reject(new Error('killed'))),
    }
    const options = { topic: topicOf(RUN, 'checkpoints'), stage: 'count', version: 1, partition: 0 }
    const large = 'x'.repeat(1_500_000)
    await expect(checkpointsOf({ log: dying, ...options }).save({ text: large }, 1)).rejects.toThrow('killed')
    const next = checkpoints()
    expect(await next.restore()).toBeNull()
    for (const offset of [2, 3]) await next.save({ text: 'y' }, offset)
    const last = new Map((await written()).map(({ key, value }) => [key, value]))
    expect([...last].filter(([key, value]) => value && key.includes('/1-'))).toEqual([])
    expect([...last].filter(([, value]) => value)).toHaveLength(4)
  })

  test('of a higher version wins over one that stands further on', async () => {
    await checkpoints(1).save({ text: 'old' }, 100)
    const owner = checkpoints(2)
    await owner.restore()
    await owner.save({ text: 'new' }, 1, { from: 0, to: 5, silent: true })
    await checkpoints(1).save({ text: 'zombie' }, 200)
    expect(await checkpoints(2).restore()).toMatchObject({
      ...{ state: { text: 'new' }, version: 2, offset: 1, rebuild: { from: 0, to: 5, silent: true } },
    })
  })

  test('is restored by reading the topic once, and its own chunks again', async () => {
    const writer = checkpoints()
    for (const offset of [1, 2, 3]) await writer.save({ text: 'x'.repeat(1_500_000) }, offset)
    let read = 0
    const counting: EventLog = {
      ...log,
      async *read(...args) {
        for await (const rec of log.read(...args)) {
          read += rec.value?.length ?? 0
          yield rec
        }
      },
    }
    const options = { topic: topicOf(RUN, 'checkpoints'), stage: 'count', version: 1, partition: 0 }
    const restored = await checkpointsOf({ log: counting, ...options }).restore()
    expect(restored?.offset).toBe(3)
    expect(read).toBeLessThan(4.5 * restored!.bytes)
  })
})

describe('metrics', () => {
  const gauges = async (registry: Registry): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await registry.getMetricsAsJSON())
        .filter(({ name }) => /^fcm_(partitions|checkpoint_|restor|oldest)/.test(name))
        .flatMap(({ name, values }) => values.map(({ value }) => [name.slice('fcm_'.length), value])),
    )

  test('tell of the partitions that are held: their checkpoints, and what restoring took', async () => {
    await fill([input(1), input(2), input(3)])
    await runThrough()
    const [checkpoint] = (await readAll(topicOf(RUN, 'checkpoints')))
      .filter(({ key }) => key.endsWith('/0'))
      .slice(-1)
    const [manifest] = (await readAll(topicOf(RUN, 'checkpoints')))
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
    const running = await runStage(hostOn(log, host), slow)
    while ((await gauges(registry)).partitions_restoring !== 0)
      await new Promise((wake) => setImmediate(wake))
    const bytes = checkpoint!.value!.length
    expect(await gauges(registry)).toEqual({
      ...{ partitions_held: 1, partitions_assigned_total: 1, partitions_restoring: 0 },
      ...{ checkpoint_age_seconds: 7, checkpoint_offset: 3, checkpoint_bytes: bytes },
      ...{ restore_read_bytes: bytes, restore_seconds: 0, oldest_batch_seconds: 0 },
    })
    await log.append([{ topic: INPUT, key: 'k', value: codec.encode(input(4)) }])
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
    await fill([input(1)])
    await runThrough()
    let now = 0
    const registry = new Registry()
    let read = 0
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const stuck: EventLog = {
      ...log,
      async *read(tp, from) {
        if (++read === 2) yield* holding(log.read(tp, from), gate)
        else yield* log.read(tp, from)
      },
    }
    const starting = runStage(hostOn(stuck, { metrics: createMetrics(registry, () => now) }), adding())
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
    await log.ensureTopics(topicSpecs(RUN, 4))
    const running = await runSink(hostOn(log, { metrics: createMetrics(registry) }), {
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

describe('a sink', () => {
  test('gets everything once it answers again, in order', async () => {
    await fill(Array.from({ length: 20 }, (_, i) => input(i)))
    const got: number[] = []
    let refusals = 2
    const running = await runSink(hostOn(log), {
      ...STORE,
      async write(records) {
        if (refusals-- > 0) throw new FcmError('DATABASE_UNREACHABLE', { why: 'starting' })
        got.push(...records.map(({ record }) => (record as Milestone).start))
        return { rejected: [] }
      },
    })
    await drained(undefined, 'store')
    await running.stop()
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  test('what it rejects is dead-lettered, beside what can not be decoded, and the rest goes on', async () => {
    await fill([input(1), Buffer.from('not avro'), input(2), input(3)])
    const running = await runSink(hostOn(log), {
      ...STORE,
      write: async (records) => ({
        rejected: records.flatMap(({ record }, index) =>
          (record as Milestone).start === 2 ? [{ index, why: 'it is the second' }] : [],
        ),
      }),
    })
    await drained(undefined, 'store')
    await running.stop()
    const letters = (await readAll(topicOf(RUN, 'dead-letters'))).map((rec) => parseDeadLetter(rec)!)
    expect(letters.map(({ source }) => source)).toEqual([1, 2].map((offset) => `${INPUT}/0/${offset}`))
    expect(letters[1]!.reason).toMatch(/^store: .*it is the second/)
    expect(codec.decode(letters[1]!.value!)).toEqual(input(2))
  })

  test('goes on behind what it committed', async () => {
    await fill([input(1), input(2)])
    const got: number[] = []
    const sink = {
      ...STORE,
      write: async (records: { record: FcmRecord }[]) => {
        got.push(...records.map(({ record }) => (record as Milestone).start))
        return { rejected: [] }
      },
    } as const
    for (const more of [[], [input(3)]]) {
      await fill(more)
      const running = await runSink(hostOn(log), sink)
      await drained(undefined, 'store')
      await running.stop()
    }
    expect(got).toEqual([1, 2, 3])
  })

  test('gathers what trickles in, but for alerts, and stops without waiting for more', async () => {
    await log.ensureTopics(topicSpecs(RUN, 1))
    const writes: string[] = []
    const running = await runSink(hostOn(log, { batchSize: 1000 }), {
      ...STORE,
      async write(records) {
        writes.push(...new Set(records.map(({ record }) => record.type)))
        return { rejected: [] }
      },
    })
    const of = (type: FcmRecord['type']) => writes.filter((written) => written === type).length
    for (let n = 1; n <= 20; n++) {
      await log.append([
        { topic: INPUT, key: 'k', value: codec.encode(input(n)) },
        { topic: topicOf(RUN, 'alerts'), key: 'k', value: codec.encode(alertEvent(n)) },
      ])
      while (of('AlertEvent') < n) await new Promise((wake) => setImmediate(wake))
    }
    expect(of('Milestone')).toBeLessThan(20)
    await running.stop()
    const committed = await log.committed(`fcm.${RUN}.store`, INPUT)
    expect(committed.get(0)).toBeGreaterThan(0)
  })

  test('tells how long each alert took, and of what parts that is made', async () => {
    await log.ensureTopics(topicSpecs(RUN, 1))
    const now = Date.now() + 10_000
    const registry = new Registry()
    const told: unknown[] = []
    const tell = (decided: unknown) => void told.push(decided)
    decisions.subscribe(tell)
    const running = await runSink(hostOn(log, { metrics: createMetrics(registry), now: () => now }), {
      ...STORE,
      write: async () => ({ rejected: [{ index: 1, why: 'no' }] }),
    })
    const topic = topicOf(RUN, 'alerts')
    const headers = { trail: `count@${now - 10_400} sum@${now - 10_300} detect@${now - 10_200}` }
    const values = [alertEvent(1), alertEvent(2)].map((event) => codec.encode(event))
    await log.append(values.map((value) => ({ topic, key: 'k', value, headers })))
    while (told.length === 0) await new Promise((wake) => setImmediate(wake))
    await running.stop()
    decisions.unsubscribe(tell)
    const [{ time }] = (await readAll(topic)) as [Rec]
    const parts = { count: 200, detect: time - (now - 10_200), store: now - time }
    expect(told).toEqual([{ run: RUN, total: 10_400, parts }])
    expect(await registry.metrics()).toMatch(/fcm_decision_seconds_sum\{run="test"\} 10\.4\n/)
    expect(await registry.metrics()).toMatch(/fcm_decision_part_seconds_count\{run="test",hop="store"\} 1\n/)
  })
})
