/** Opens a data directory and puts the parts together: log, schemas, store, roles. Commands are thin over this. */
import { existsSync } from 'node:fs'
import { access, constants, mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { FcmError } from '../common/errors.ts'
import { onFirst, untilItPasses } from '../common/retry.ts'
import { DAY, SECOND } from '../common/time.ts'
import type { Store } from '../connectors/postgres/store.ts'
import { openStore } from '../connectors/postgres/store.ts'
import { openScorer } from '../models/cnn-lstm/scorer.ts'
import { makeNullsAhead } from '../models/early-warning/nulls-ahead.ts'
import { openEmbeddedLog } from '../pipeline/log/embedded/embedded.ts'
import { openKafkaLog } from '../pipeline/log/kafka/kafka.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import { createMetrics, type Host, type Running } from '../pipeline/runtime/host.ts'
import { backlog } from '../pipeline/runtime/lag.ts'
import { runSink } from '../pipeline/runtime/run-sink.ts'
import { runStage } from '../pipeline/runtime/run-stage.ts'
import { countStage } from '../pipeline/stages/count/count.ts'
import { detectStage } from '../pipeline/stages/detect/detect.ts'
import { sumStage } from '../pipeline/stages/sum.ts'
import { LIVE, runsOf, topicSpecs } from '../pipeline/topology.ts'
import { type Codec, createCodec } from '../schemas/codec.ts'
import { openConfluentRegistry } from '../schemas/confluent-registry.ts'
import { openFileRegistry } from '../schemas/file-registry.ts'
import { type Config, kafkaOf } from './config.ts'

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
  /** Why roles of this process have ended for good, in words; empty while all is well. */
  failures: string[]
  /** Makes the topics of a run that are missing. */
  openRun(run: string): Promise<void>
  start(run: string, roles: readonly Processing[]): Promise<Roles>
  close(): Promise<void>
}

/** Roles of one run. */
export type Roles = Running & {
  /** Aborted, with FcmError ROLE_FAILED as its reason, when one of them has ended for good. */
  failed: AbortSignal
  /** Whether alerts are timed (at first they are): history comes as fast as it can, and says nothing of latency. */
  timed(on: boolean): void
  /** Resolves once they have dealt with all that is in the log, or at `signal`. @throws FcmError ROLE_FAILED */
  caughtUp(onWait: (records: number) => void, signal: AbortSignal): Promise<void>
}

export type OpenOptions = {
  /** Wait for engines that are away until this is aborted, instead of failing; for a database server only what needs it waits. */
  waiting?: AbortSignal
  /** Schemas that the registry of a Kafka cluster lacks are registered: `fcm migrate`. */
  register?: boolean
  /** Delete what is in the data directory, and its runs in the database, first. */
  fresh?: boolean
  /** Don't wait until an embedded database is made: what needs it waits by itself. */
  early?: boolean
  /** Where the structured log goes: a file in the data directory, or standard output. */
  logTo?: 'file' | 'stdout'
  /** Told with the runs that `fresh` has deleted. */
  onDeleted?: (runs: string[]) => void
  /** Something is in the way that may pass. */
  onWaiting?: (error: FcmError) => void
}

export const hasLog = (dir: string): boolean => existsSync(join(dir, 'log.sqlite'))

/** What belongs to fcm in a data directory; `--fresh` deletes these and nothing else. */
const OURS = [
  ...['log.sqlite', 'log.sqlite-wal', 'log.sqlite-shm', 'postgres', 'postgres.incomplete', 'schemas.json'],
  ...['ground-truth.json', 'fcm.log'],
]
/** Roles that wait for something may take so long to stop; then they are cut off. */
const STOP_MS = 6 * SECOND

const UNUSABLE: Record<string, string> = {
  EACCES: 'this user may not write there',
  EROFS: 'its file system is read-only',
  EEXIST: 'it is a file',
  ENOTDIR: 'what stands before it is a file',
}

/** What an engine stands on. */
type Engines = Pick<Engine, 'log' | 'codec' | 'store'>

/**
 * @throws FcmError DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, LOG_BROKEN, DATABASE_UNREACHABLE; on Kafka KAFKA_UNREACHABLE,
 * KAFKA_REFUSED, REGISTRY_UNREACHABLE, REGISTRY_REFUSED, SCHEMA_UNREGISTERED, SCHEMA_INCOMPATIBLE
 */
export async function openEngine(config: Config, options: OpenOptions = {}): Promise<Engine> {
  const dir = resolve(config.dataDir)
  await mkdir(dir, { recursive: true })
    .then(() => access(dir, constants.R_OK | constants.W_OK | constants.X_OK))
    .catch((error: NodeJS.ErrnoException) => {
      throw new FcmError(
        'DATA_DIR_UNUSABLE',
        { dir, why: UNUSABLE[error.code ?? ''] ?? error.message },
        error,
      )
    })
  const metrics = new Registry()
  collectDefaultMetrics({ register: metrics })
  const toLog = options.logTo === 'stdout' ? 1 : join(dir, 'fcm.log')
  const open = config.kafkaBrokers === undefined ? openEmbedded : openOnKafka
  const { engines, logger } = await open(config, options, () => createLogger(config.logLevel, toLog), dir)
  const engine = { config, dir, ...engines, metrics, logger, failures: [] }
  return {
    ...engine,
    openRun: (run) => patient(options, () => engines.log.ensureTopics(topicSpecs(run, config.partitions))),
    start: starter(engine, options),
    async close() {
      await engines.log.close()
      await engines.store.close()
    },
  }
}

type Opened = { engines: Engines; logger: pino.Logger }

async function openEmbedded(
  config: Config,
  options: OpenOptions,
  createLogger: () => pino.Logger,
  dir: string,
): Promise<Opened> {
  const { log, deleted } = await openLog(dir, options.fresh === true)
  let store: Store | undefined
  try {
    const codec = await createCodec(await openFileRegistry(join(dir, 'schemas.json')))
    const { databaseUrl: url } = config
    store = await openStore(url ? { url } : { dir, early: options.early === true })
    if (url) for (const run of deleted) await store.runs.delete(run)
    if (deleted.length > 0) options.onDeleted?.(deleted)
    return { engines: { log, codec, store }, logger: createLogger() }
  } catch (error) {
    await log.close()
    await store?.close()
    throw error
  }
}

/** Waits for engines that are away, where that is wanted. */
const patient = <T>({ waiting, onWaiting }: OpenOptions, work: () => Promise<T>): Promise<T> =>
  waiting ? untilItPasses(work, onFirst(onWaiting), waiting) : work()

/** Many processes share what is there, so nothing is locked, and nothing deleted as a whole. */
async function openOnKafka(
  config: Config,
  options: OpenOptions,
  createLogger: () => pino.Logger,
): Promise<Opened> {
  const { url, kafka, registry } = kafkaOf(config)
  if (options.fresh)
    throw new FcmError('OPTION_INVALID', {
      option: '--fresh',
      why: 'deletes whole data directories, not what a Kafka cluster has',
      hint: '`fcm runs delete` deletes a run',
    })
  const logger = createLogger()
  const codec = await patient(options, () =>
    createCodec(openConfluentRegistry({ ...registry, mayRegister: options.register === true })),
  )
  const store = await openStore({ url, early: options.waiting !== undefined })
  const log = openKafkaLog({ ...kafka, onLog: (message, details) => logger.debug(details, message) })
  try {
    await patient(options, () => log.topics('fcm.'))
  } catch (error) {
    await log.close().catch(() => {})
    await store.close()
    throw error
  }
  return { engines: { log, codec, store }, logger }
}

/** The log holds the directory's lock, so it comes first, also before anything is deleted. */
async function openLog(dir: string, fresh: boolean): Promise<{ log: EventLog; deleted: string[] }> {
  const log = await openEmbeddedLog(dir).catch((error) => {
    if (fresh && error instanceof FcmError && error.code === 'LOG_BROKEN') return null
    throw error
  })
  if (log && !fresh) return { log, deleted: [] }
  const runs = log ? runsOf((await log.topics('fcm.')).map(({ name }) => name)) : [LIVE]
  await log?.close()
  for (const name of OURS) await rm(join(dir, name), { recursive: true, force: true })
  return { log: await openEmbeddedLog(dir), deleted: runs }
}

function createLogger(level: string, to: string | number): pino.Logger {
  // Synchronous: an asynchronous one waits for a full disk for ever when the process exits.
  const destination = pino.destination({ dest: to, sync: true })
  // A log that can't be written must not stop what it tells of.
  destination.on('error', () => {})
  return pino({ level }, destination)
}

type Parts = Omit<Engine, 'openRun' | 'start' | 'close'>

function starter(parts: Parts, { waiting, onWaiting = () => {} }: OpenOptions): Engine['start'] {
  const { config, log, codec, store, logger, failures } = parts
  const metrics = createMetrics(parts.metrics)

  const start: Record<Processing, (host: Host) => Promise<Running>> = {
    count: (host) => runStage(host, countStage()),
    sum: (host) => runStage(host, sumStage()),
    async detect(host) {
      const scorer = await openScorer(config.scorer)
      // Only the default gives the same bits everywhere: what others decide must not look like its.
      const model = scorer.backend === 'wasm' ? scorer.model : `${scorer.model}/${scorer.backend}`
      const scoring = { model, score: scorer.score }
      const nulls = makeNullsAhead()
      const close = async () => {
        await scorer.close()
        await nulls.close()
      }
      const running = runStage(host, detectStage({ run: host.run, preset: config.preset, scoring }))
      const { stop } = await running.catch(async (error) => {
        await close()
        throw error
      })
      return {
        stop: async () => {
          await stop()
          await close()
        },
      }
    },
    async store(host) {
      const { stop } = await runSink(host, {
        name: 'store',
        write: (records) => store.ingest.write(host.run, records),
      })
      const expire = () =>
        store.runs.expire(config.textDays).catch((err) => logger.warn({ err }, 'old rows were not expired'))
      const timer = setInterval(expire, DAY).unref()
      void expire()
      return {
        stop: async () => {
          clearInterval(timer)
          await stop()
        },
      }
    },
  }

  return async (run, roles) => {
    const failing = new AbortController()
    const forcing = new AbortController()
    const hostOf = (role: Processing): Host => ({
      run,
      log,
      codec,
      logger,
      metrics,
      batchSize: config.batchSize,
      checkpointMs: config.checkpointSeconds * 1000,
      now: Date.now,
      forced: forcing.signal,
      onFailure(error) {
        if (forcing.signal.aborted) return
        logger.error({ run, role, err: error }, 'role ended')
        const isOurs = error instanceof FcmError
        const why = isOurs ? error.message : 'This is a fault of the program; it is in fcm.log.'
        const failure = new FcmError('ROLE_FAILED', { why: `${role} of run ${run}: ${why}` }, error)
        failures.push(failure.message)
        failing.abort(failure)
      },
      onWaiting,
    })
    const force = () => forcing.abort(waiting?.reason)
    if (waiting?.aborted) force()
    else waiting?.addEventListener('abort', force)
    const started = await Promise.allSettled(roles.map((role) => start[role](hostOf(role))))
    waiting?.removeEventListener('abort', force)
    const running = started.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    // Upstream first: what a role still writes is then seen by the next before that one stops.
    const stop = async (): Promise<void> => {
      const timer = setTimeout(force, STOP_MS)
      try {
        for (const one of running) await one.stop()
      } finally {
        clearTimeout(timer)
      }
    }
    const missing = started.find((one) => one.status === 'rejected')
    if (missing) {
      await stop()
      throw missing.reason
    }
    return {
      failed: failing.signal,
      timed(on) {
        if (on) metrics.latency.untimed.delete(run)
        else metrics.latency.untimed.add(run)
      },
      stop,
      async caughtUp(onWait, signal) {
        for (;;) {
          failing.signal.throwIfAborted()
          const counting = untilItPasses(
            () => backlog(log, run, roles),
            () => {},
            signal,
          )
          const records = await counting.catch((error) => {
            if (signal.aborted) return 0
            throw error
          })
          if (records === 0 || signal.aborted) return
          onWait(records)
          await sleep(50)
        }
      },
    }
  }
}
