/** A Kafka broker and a schema registry as child processes on loopback: for tests, and for a developer's machine. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, isListening } from '../loopback.ts'
import { kafkaJars, registryJar } from './packages.ts'

const run = promisify(execFile)

export type Server = {
  /** `host:port` of a broker, the URL of a registry. */
  address: string
  pid: number
  /** Waits until it has written all and ended. */
  stop(): Promise<void>
  /** SIGKILL, to be followed by `start`. */
  kill(): Promise<void>
  /** Once more, on the same port; a broker with what it has on disk. */
  start(): Promise<void>
}

const START_MS = 60_000
const STOP_MS = 15_000

/** One node, broker and controller, with its data and its log in `dir`. `heap` in MB. */
export async function startBroker(options: {
  dir: string
  version: string
  port?: number
  heap?: number
  detached?: boolean
}): Promise<Server> {
  const { dir, version, heap = 512, detached = false } = options
  const port = options.port ?? (await freePort())
  const classPath = `${await kafkaJars(version)}/*`
  mkdirSync(dir, { recursive: true })
  const properties = join(dir, 'server.properties')
  writeFileSync(properties, brokerProperties(dir, version, port, await freePort()))
  const java = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath]
  if (!existsSync(join(dir, 'data', 'meta.properties'))) {
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', properties]
    await run('java', ['-XX:TieredStopAtLevel=1', ...java, ...format])
  }
  return server({
    address: `127.0.0.1:${port}`,
    args: [`-Xms128m`, `-Xmx${heap}m`, '-XX:+UseSerialGC', ...java, 'kafka.Kafka', properties],
    env: {},
    log: join(dir, 'kafka.log'),
    detached,
    isReady: () => isListening(port),
  })
}

/** With its schemas in `dir`. */
export async function startRegistry(options: {
  dir: string
  port?: number
  detached?: boolean
}): Promise<Server> {
  const { dir, detached = false } = options
  const port = options.port ?? (await freePort())
  const address = `http://127.0.0.1:${port}/apis/ccompat/v7`
  mkdirSync(dir, { recursive: true })
  return server({
    address,
    // The directory tells whose process it is.
    args: ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', `-Dfcm.dir=${dir}`, '-jar', await registryJar()],
    env: {
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(port),
      QUARKUS_LOG_LEVEL: 'WARN',
      APICURIO_DATASOURCE_URL: `jdbc:h2:file:${join(dir, 'schemas')};WRITE_DELAY=0`,
      APICURIO_DATASOURCE_JDBC_INITIAL_SIZE: '2',
      APICURIO_DATASOURCE_JDBC_MIN_SIZE: '2',
      APICURIO_DATASOURCE_JDBC_MAX_SIZE: '10',
    },
    log: join(dir, 'registry.log'),
    detached,
    isReady: () =>
      fetch(`${address}/subjects`).then(
        ({ ok }) => ok,
        () => false,
      ),
  })
}

/** Of all local clusters; it has no meaning. */
const CLUSTER = '4L6g3nShT-eMCtK--X86sw'

const brokerProperties = (dir: string, version: string, port: number, controller: number): string =>
  `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${join(dir, 'data')}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
# A test joins groups over and over; by default each first member waits 3 s for others.
group.initial.rebalance.delay.ms=0
# After SIGKILL the same node is let in again only when its old session is over, by default after 9 s.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=16777216
${version.startsWith('4.') ? 'share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n' : ''}`

type Program = {
  address: string
  args: string[]
  env: Record<string, string>
  log: string
  detached: boolean
  isReady(): Promise<boolean>
}

async function server({ address, args, env, log, detached, isReady }: Program): Promise<Server> {
  let child: ChildProcess

  async function start(): Promise<void> {
    const to = openSync(log, 'a')
    const began = spawn('java', args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', to, to],
      detached,
    })
    child = began
    if (detached) began.unref()
    for (const deadline = Date.now() + START_MS; !(await isReady()); ) {
      if (began.exitCode !== null) throw new Error(`It ended at once:\n${tail(log)}`)
      if (Date.now() > deadline) throw new Error(`It did not start in time:\n${tail(log)}`)
      await sleep(50)
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(timer)
  }

  await start()
  return {
    address,
    get pid() {
      return child.pid!
    },
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

const tail = (file: string): string => readFileSync(file, 'utf8').split('\n').slice(-15).join('\n')
