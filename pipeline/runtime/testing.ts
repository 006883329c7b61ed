/** What tests of stages and sinks stand on: an event log of their own, and what they run there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { expect } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { type Codec, createCodec } from '../../schemas/codec.ts'
import type { AlertEvent, FcmRecord, Milestone, Signal } from '../../schemas/records.ts'
import { openEmbeddedLog } from '../log/embedded/embedded.ts'
import type { EventLog, Rec } from '../log/port.ts'
import { type Role, topicOf, topicSpecs } from '../topology.ts'
import { createMetrics, type Host } from './host.ts'
import { backlog } from './lag.ts'
import { runStage } from './run-stage.ts'
import type { Stage } from './stage.ts'

export const RUN = 'test'
export const INPUT = topicOf(RUN, 'counts')
export const OUTPUT = topicOf(RUN, 'signals')

/** Numbers its inputs and adds up their n: whatever is lost, doubled or reordered shows in what it writes. */
export type Sum = { seen: Set<number>; total: number; queue: Signal[] }
export const adding = (version = 1): Stage<'detect', Sum> => ({
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

export const input = (start: number, n = start): Milestone => ({
  type: 'Milestone',
  measure: 'posts',
  start,
  seconds: 300,
  n,
  time: 0,
})

export const signal = (start: number, count: number): Signal => ({
  ...{ type: 'Signal', measure: 'posts', resolution: 300, start, count, expected: null, dispersion: null },
  ...{ residual: null, variance: null, autocorrelation: null, rawVariance: null, rawAutocorrelation: null },
  ...{ varianceTrend: null, autocorrelationTrend: null, pVariance: null, pAutocorrelation: null, p: null },
  ...{ score: null, decision: 'quiet', reason: '', settings: 's' },
})

export const alertEvent = (sequence: number): AlertEvent => ({
  ...{ type: 'AlertEvent', fingerprint: 'f', sequence, event: 'opened', kind: 'onset', severity: 'low' },
  ...{ time: 0, openedAt: 0, subject: { type: 'channel' }, reason: 'r', evidence: [] },
  ...{ preset: 'p', settings: 's' },
})

export const STORE = { name: 'store', urgent: ['alerts'], gatherMs: 100 } as const

export type Bench = Awaited<ReturnType<typeof openBench>>

/** A log with nothing in it, and what a test does with it over and over. */
export async function openBench() {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-runtime-'))
  const log = await openEmbeddedLog(dir)
  const schemas: object[] = []
  const codec: Codec = await createCodec({
    register: async (_, schema) => schemas.push(schema),
    schema: async (id) => {
      const schema = schemas[id - 1]
      if (!schema) throw new FcmError('SCHEMA_UNKNOWN', { id })
      return schema
    },
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

  return {
    ...{ log, codec, fill, readAll, results, hostOn, drained, runThrough },
    async close() {
      await log.close()
      rmSync(dir, { recursive: true })
    },
  }
}
