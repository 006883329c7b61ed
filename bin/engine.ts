/** Opens a data directory and puts the parts together: log, schemas, store, roles. Commands are thin over this. */
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { FcmError } from '../common/errors.ts'
import { DAY } from '../common/time.ts'
import type { Store } from '../connectors/postgres/port.ts'
import { openStore } from '../connectors/postgres/store.ts'
import { openEmbeddedLog } from '../pipeline/log/embedded/embedded.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import { createMetrics, type Host, type Running } from '../pipeline/runtime/host.ts'
import { backlog } from '../pipeline/runtime/lag.ts'
import { runSink } from '../pipeline/runtime/run-sink.ts'
import { runStage } from '../pipeline/runtime/run-stage.ts'
import { countStage } from '../pipeline/stages/count/count.ts'
import { detectStage } from '../pipeline/stages/detect/detect.ts'
import { sumStage } from '../pipeline/stages/sum.ts'
import { topicSpecs, topology } from '../pipeline/topology.ts'
import { type Codec, createCodec } from '../schemas/codec.ts'
import { openFileRegistry } from '../schemas/file-registry.ts'
import type { Config } from './config.ts'

/** The roles that process what a source has written, upstream first. */
export const PROCESSING = ['count', 'sum', 'detect', 'store'] as const
export type Processing = (typeof PROCESSING)[number]

export type Engine = {
  config: Config
  dir: string
  log: EventLog
  codec: Codec
  store: Store
  metrics: Registry
  logger: pino.Logger
  /** Aborted, with FcmError ROLE_FAILED as its reason, when a role has ended for good. */
  failed: AbortSignal
  /** Makes the topics of a run that are missing. */
  openRun(run: string): Promise<void>
  start(run: string, roles: readonly Processing[]): Promise<Running>
  /** Resolves once those roles have dealt with all that is in the log. @throws FcmError ROLE_FAILED */
  caughtUp(
    run: string,
    roles: readonly Processing[],
    onWait?: (records: number) => void,
    signal?: AbortSignal,
  ): Promise<void>
  close(): Promise<void>
}

export type OpenOptions = {
  /** Delete what is in the data directory first. */
  fresh?: boolean
  /** Where the structured log goes: a file in the data directory, or standard output. */
  logTo?: 'file' | 'stdout'
  /** Something is in the way that may pass. */
  onWaiting?: (error: FcmError) => void
}

/** What belongs to fcm in a data directory; `--fresh` deletes these and nothing else. */
const OURS = [
  'log.sqlite',
  'log.sqlite-wal',
  'log.sqlite-shm',
  'postgres',
  'schemas.json',
  'backfills.json',
  'ground-truth.json',
  'fcm.log',
]

/** @throws FcmError DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, LOG_BROKEN, DATABASE_UNREACHABLE */
export async function openEngine(config: Config, options: OpenOptions = {}): Promise<Engine> {
  const dir = resolve(config.dataDir)
  await mkdir(dir, { recursive: true }).catch((error: Error) => {
    throw new FcmError('DATA_DIR_UNUSABLE', { dir, why: error.message }, error)
  })
  // The log holds the directory's lock, so it comes first, also before anything is deleted.
  let log = await openEmbeddedLog(dir)
  if (options.fresh) {
    await log.close()
    for (const name of OURS) await rm(join(dir, name), { recursive: true, force: true })
    log = await openEmbeddedLog(dir)
  }
  try {
    const codec = await createCodec(await openFileRegistry(join(dir, 'schemas.json')))
    const store = await openStore(config.databaseUrl ? { url: config.databaseUrl } : { dir })
    const metrics = new Registry()
    collectDefaultMetrics({ register: metrics })
    const to = options.logTo === 'stdout' ? pino.destination(1) : pino.destination(join(dir, 'fcm.log'))
    const logger = pino({ level: config.logLevel }, to)
    const parts = { config, dir, log, codec, store, metrics, logger, failing: new AbortController() }
    return {
      ...parts,
      ...roles(parts, options),
      failed: parts.failing.signal,
      async close() {
        await log.close()
        await store.close()
        logger.flush()
      },
    }
  } catch (error) {
    await log.close()
    throw error
  }
}

type Parts = Pick<Engine, 'config' | 'log' | 'codec' | 'store' | 'metrics' | 'logger'> & {
  failing: AbortController
}

function roles(parts: Parts, { onWaiting }: OpenOptions): Pick<Engine, 'openRun' | 'start' | 'caughtUp'> {
  const { config, log, codec, store, logger, failing } = parts
  const metrics = createMetrics(parts.metrics)

  const start: Record<Processing, (host: Host) => Promise<Running>> = {
    count: (host) => runStage(host, countStage()),
    sum: (host) => runStage(host, sumStage()),
    detect: (host) => runStage(host, detectStage({ run: host.run, preset: config.preset })),
    async store(host) {
      const { stop } = await runSink(host, {
        name: 'store',
        topics: topology.store.reads,
        write: (records) => store.write(host.run, records),
      })
      const expire = () =>
        store.expireTexts(config.textDays).catch((err) => logger.warn({ err }, 'texts were not expired'))
      const timer = setInterval(expire, DAY)
      await expire()
      return {
        stop: async () => {
          clearInterval(timer)
          await stop()
        },
      }
    },
  }

  return {
    openRun: (run) => log.ensureTopics(topicSpecs(run, config.partitions)),

    async start(run, which) {
      const running: Running[] = []
      for (const role of which) {
        const host: Host = {
          run,
          log,
          codec,
          logger,
          metrics,
          batchSize: config.batchSize,
          checkpointMs: config.checkpointSeconds * 1000,
          now: Date.now,
          onFailure(error) {
            logger.error({ run, role, err: error }, 'role ended')
            const why =
              error instanceof FcmError ? error.message : 'This is a fault of the program; it is in the log.'
            failing.abort(new FcmError('ROLE_FAILED', { why: `${role} of run ${run}: ${why}` }, error))
          },
          onWaiting: (error) => onWaiting?.(error),
        }
        running.push(await start[role](host))
      }
      // Upstream first: what a role still writes is then seen by the next before that one stops.
      const stop = async () => {
        for (const one of running) await one.stop()
      }
      return { stop }
    },

    async caughtUp(run, which, onWait, signal) {
      for (;;) {
        failing.signal.throwIfAborted()
        const records = await backlog(log, run, which)
        if (records === 0 || signal?.aborted) return
        onWait?.(records)
        await sleep(50)
      }
    },
  }
}
