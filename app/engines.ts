/** Opens what everything else stands on: the event log with its schemas, the database, metrics and the log file. */
import { join, resolve } from 'node:path'
import { pino } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { RoleOfRun } from '../api/contracts/admin.ts'
import { FcmError } from '../common/errors.ts'
import { onFirst, untilItPasses } from '../common/retry.ts'
import { noStore, openStore, type Store } from '../connectors/postgres/store.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import { createMetrics, type Metrics } from '../pipeline/runtime/host.ts'
import { topicSpecs } from '../pipeline/topology.ts'
import { type Codec, createCodec } from '../schemas/codec.ts'
import { openFileRegistry } from '../schemas/file-registry.ts'
import type { Config } from './config.ts'
import { makeDataDirectory, openLogIn } from './data-directory.ts'
import { kafkaOf, needDatabase } from './kafka.ts'

export type Engines = {
  config: Config
  dir: string
  log: EventLog
  codec: Codec
  store: Store
  logger: pino.Logger
  metrics: Registry
  /** What roles measure, in `metrics`. */
  measured: Metrics
  /** Roles of this process that are at work. */
  atWork: Set<RoleOfRun>
  /** Why roles of this process have ended for good, in words; empty while all is well. */
  failures: string[]
  patience: Patience
  /** Makes the topics of a run that are missing. */
  openRun(run: string): Promise<void>
  close(): Promise<void>
}

export type Patience = {
  /** Wait for engines that are away until this is aborted, instead of failing. */
  waiting?: AbortSignal
  /** Something is in the way that may pass. */
  onWaiting?: (error: FcmError) => void
}

export type OpenOptions = Patience & {
  /** Brings the tables of a database server up to date, and registers schemas that the registry of a Kafka cluster lacks. */
  migrate?: boolean
  /** On Kafka: whatever is done needs no database, so that there may be none. */
  withoutDatabase?: boolean
  /** Delete what is in the data directory, and its runs in the database, first. */
  fresh?: boolean
  /** Don't wait until an embedded database is made: what needs it waits by itself. */
  early?: boolean
  /** Where the structured log goes: a file in the data directory, or standard output. */
  logTo?: 'file' | 'stdout'
  /** Told with the runs that `fresh` has deleted. */
  onDeleted?: (runs: string[]) => void
}

type Opened = Pick<Engines, 'log' | 'codec' | 'store' | 'logger'>

/**
 * @throws FcmError DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, LOG_BROKEN, DATABASE_UNREACHABLE, TABLES_OLDER, TABLES_NEWER; on Kafka KAFKA_UNREACHABLE,
 * KAFKA_REFUSED, REGISTRY_UNREACHABLE, REGISTRY_REFUSED, SCHEMA_UNREGISTERED, SCHEMA_INCOMPATIBLE
 */
export async function openEngines(config: Config, options: OpenOptions = {}): Promise<Engines> {
  const dir = resolve(config.dataDir)
  await makeDataDirectory(dir)
  const metrics = new Registry()
  collectDefaultMetrics({ register: metrics })
  const toLog = options.logTo === 'stdout' ? 1 : join(dir, 'fcm.log')
  const open = config.kafkaBrokers === undefined ? openEmbedded : openOnKafka
  const opened = await open(config, options, () => createLogger(config.logLevel, toLog), dir)
  const { waiting, onWaiting } = options
  // What needs the database waits by itself, and most of it in silence.
  if (waiting) opened.store.ping().catch((error) => error instanceof FcmError && onWaiting?.(error))
  return {
    ...{ config, dir, ...opened, metrics, measured: createMetrics(metrics) },
    atWork: new Set(),
    failures: [],
    patience: { ...(waiting && { waiting }), ...(onWaiting && { onWaiting }) },
    openRun: (run) => patient(options, () => opened.log.ensureTopics(topicSpecs(run, config.partitions))),
    async close() {
      await opened.log.close()
      await opened.store.close()
    },
  }
}

async function openEmbedded(
  config: Config,
  options: OpenOptions,
  createLogger: () => pino.Logger,
  dir: string,
): Promise<Opened> {
  const { log, deleted } = await openLogIn(dir, options.fresh === true)
  let store: Store | undefined
  try {
    const codec = await createCodec(await openFileRegistry(join(dir, 'schemas.json')))
    const { databaseUrl: url } = config
    store = await openStore(url ? serverOf(url, options) : { dir, early: options.early === true })
    if (url) for (const run of deleted) await store.runs.delete(run)
    if (deleted.length > 0) options.onDeleted?.(deleted)
    return { log, codec, store, logger: createLogger() }
  } catch (error) {
    await log.close()
    await store?.close()
    throw error
  }
}

const serverOf = (url: string, { migrate = false, waiting }: OpenOptions) => ({
  ...{ url, asTheyAre: !migrate },
  early: waiting !== undefined,
})

/** Waits for engines that are away, where that is wanted. */
const patient = <T>({ waiting, onWaiting }: Patience, work: () => Promise<T>): Promise<T> =>
  waiting ? untilItPasses(work, onFirst(onWaiting), waiting) : work()

/** Many processes share what is there, so nothing is locked, and nothing deleted as a whole. */
async function openOnKafka(
  config: Config,
  options: OpenOptions,
  createLogger: () => pino.Logger,
): Promise<Opened> {
  if (!options.withoutDatabase) needDatabase(config)
  const { url, kafka, registry } = kafkaOf(config)
  if (options.fresh)
    throw new FcmError('OPTION_INVALID', {
      option: '--fresh',
      why: 'deletes whole data directories, not what a Kafka cluster has',
      hint: '`fcm runs delete` deletes a run',
    })
  const logger = createLogger()
  // Loaded where they are needed: whoever has no Kafka starts the faster for it.
  const [{ openKafkaLog }, { openConfluentRegistry }] = await Promise.all([
    import('../pipeline/log/kafka/kafka.ts'),
    import('../schemas/confluent-registry.ts'),
  ])
  const codec = await patient(options, () =>
    createCodec(openConfluentRegistry({ ...registry, mayRegister: options.migrate === true })),
  )
  const store = url === undefined ? noStore() : await openStore(serverOf(url, options))
  const log = openKafkaLog({ ...kafka, onLog: (message, details) => logger.debug(details, message) })
  try {
    await patient(options, () => log.topics('fcm.'))
  } catch (error) {
    await log.close().catch(() => {})
    await store.close()
    throw error
  }
  return { log, codec, store, logger }
}

function createLogger(level: string, to: string | number): pino.Logger {
  // Synchronous: an asynchronous one waits for a full disk for ever when the process exits.
  const destination = pino.destination({ dest: to, sync: true })
  // A log that can't be written must not stop what it tells of.
  destination.on('error', () => {})
  return pino({ level }, destination)
}
