import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { FcmError } from '../../common/errors.ts'
import { type OnRetry, untilItPasses } from '../../common/retry.ts'
import type { Codec } from '../../schemas/codec.ts'
import type { EventLog } from '../log/port.ts'
import { createHeld } from './held.ts'
import { createLatency } from './latency.ts'

/** As much of a pino logger as the pipeline uses. */
export type Logger = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What every role runs on. */
export type Host = {
  run: string
  log: EventLog
  codec: Codec
  logger: Logger
  metrics: Metrics
  batchSize: number
  /** At most one checkpoint of a partition in this time. */
  checkpointMs: number
  /** Wall clock in ms: paces checkpoints and measures latency; no result depends on it. */
  now(): number
  /** The role has ended by itself, and can't go on. */
  onFailure(error: unknown): void
  /** Aborted when the role must end even in the middle of a wait; what it was doing is done again after a restart. */
  forced: AbortSignal
  /** Something is in the way that may pass; the role waits and tries again. */
  onWaiting(error: FcmError): void
}

export type Running = { stop(): Promise<void> }

export type Metrics = ReturnType<typeof createMetrics>

/** `now`: wall clock in ms. */
export function createMetrics(registry: Registry, now: () => number = Date.now) {
  const registers = [registry]
  const labelNames = ['run', 'role', 'topic'] as const
  return {
    records: new Counter({ name: 'fcm_records_total', help: 'Records processed', labelNames, registers }),
    deadLetters: new Counter({
      name: 'fcm_dead_letters_total',
      help: 'Records that could not be processed',
      labelNames,
      registers,
    }),
    hop: new Histogram({
      name: 'fcm_hop_seconds',
      help: "From a record's append until what was made of it is written, oldest record of a batch",
      labelNames,
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 5, 30, 120],
      registers,
    }),
    checkpoints: new Counter({
      name: 'fcm_checkpoints_total',
      help: 'Checkpoints written',
      labelNames: ['run', 'role'] as const,
      registers,
    }),
    retries: new Counter({
      name: 'fcm_retries_total',
      help: 'Waits for something that may pass',
      labelNames: ['run', 'role', 'code'] as const,
      registers,
    }),
    remembered: new Gauge({
      name: 'fcm_source_remembered',
      help: 'Casts and reactions of the last two days that a source that polls remembers',
      labelNames: ['run', 'what'] as const,
      registers,
    }),
    /** To be told of each partition that comes. */
    held: createHeld(registry, now),
    latency: createLatency(registry),
  }
}

/** Runs `work` until it passes, telling logs, metrics and the host when it has to wait. */
export function patiently<T>(host: Host, role: string, work: () => Promise<T>): Promise<T> {
  const onRetry: OnRetry = (error, attempt) => {
    host.metrics.retries.inc({ run: host.run, role, code: error.code })
    if (attempt > 1) return
    host.logger.warn({ run: host.run, role, code: error.code }, error.message)
    host.onWaiting(error)
  }
  return untilItPasses(work, onRetry, host.forced)
}
