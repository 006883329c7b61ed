/** Everything that the chaos suite breaks: broker, registry, database, and the processes of `fcm` that work on them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FCM, fcm } from '../../app/testing.ts'
import { KAFKA_VERSIONS } from '../kafka/packages.ts'
import { type Server, startBroker, startRegistry } from '../kafka/servers.ts'
import { type PostgresServer, postgresPrograms, startPostgres } from '../postgres/server.ts'

/** A process is taken for dead after this, s: the least that brokers allow. */
export const SESSION_SECONDS = 6

export type Worker = { name: string; child: ChildProcess; peakBytes: number }

export type World = {
  broker: Server
  registry: Server
  postgres: PostgresServer
  env: Record<string, string>
  workers: Worker[]
  /** One process more. */
  hire(): Worker
  /** Ends one: its exit code. */
  dismiss(worker: Worker, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
  /** Runs a command of `fcm` to its end: what it printed. @throws when it fails */
  fcm(args: string[], env?: Record<string, string>): Promise<string>
  /** The greatest memory that any process of `fcm` took, bytes. */
  peakBytes(): number
  /** The longest time that one took to end, ms. */
  longestStop(): number
  end(): Promise<void>
}

export async function createWorld(workerArgs: string[]): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-chaos-'))
  const [version] = KAFKA_VERSIONS
  const broker = await startBroker({ dir: join(dir, 'kafka'), version })
  const registry = await startRegistry({ dir: join(dir, 'registry') })
  const postgres = await startPostgres(postgresPrograms()!)
  const env = {
    PATH: process.env.PATH!,
    HOME: process.env.HOME!,
    KAFKA_BROKERS: broker.address,
    KAFKA_SESSION_SECONDS: String(SESSION_SECONDS),
    SCHEMA_REGISTRY_URL: registry.address,
    DATABASE_URL: postgres.url,
    FCM_DATA_DIR: join(dir, 'data'),
    FCM_CHECKPOINT_SECONDS: '5',
  }
  const workers: Worker[] = []
  let hired = 0
  let peak = 0
  let longestStop = 0

  const sampling = setInterval(() => {
    for (const worker of workers)
      worker.peakBytes = Math.max(worker.peakBytes, residentBytes(worker.child.pid!))
    peak = Math.max(peak, ...workers.map(({ peakBytes }) => peakBytes))
  }, 500)

  async function dismiss(worker: Worker, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    workers.splice(workers.indexOf(worker), 1)
    const { exitCode, signalCode, pid } = worker.child
    if (exitCode !== null || signalCode !== null)
      throw new Error(`worker ${pid} has ended by itself, with ${signalCode ?? exitCode}`)
    const ended = once(worker.child, 'exit')
    const told = Date.now()
    worker.child.kill(signal)
    const [code] = await ended
    longestStop = Math.max(longestStop, Date.now() - told)
    return code
  }

  return {
    broker,
    registry,
    postgres,
    env,
    workers,
    hire() {
      const name = `worker-${++hired}`
      const log = openSync(join(dir, `${name}.log`), 'w')
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', FCM, ...workerArgs], {
        env,
        stdio: ['ignore', log, log],
      })
      const worker = { name, child, peakBytes: 0 }
      workers.push(worker)
      return worker
    },
    dismiss,
    async fcm(args, given = env) {
      const { code, stdout, stderr } = await fcm(args, given)
      if (code !== 0) throw new Error(`fcm ${args.join(' ')} ended with ${code}: ${stderr}`)
      return stdout
    },
    peakBytes: () => peak,
    longestStop: () => longestStop,
    async end() {
      clearInterval(sampling)
      await Promise.all(workers.slice().map((worker) => dismiss(worker, 'SIGKILL')))
      await Promise.all([broker.kill(), registry.kill(), postgres.stop()])
      postgres.remove()
      if (!process.env.CHAOS_KEEP) rmSync(dir, { recursive: true, force: true })
    },
  }
}

function residentBytes(pid: number): number {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}
