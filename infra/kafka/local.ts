/** `npm run kafka:up` and `npm run kafka:down`: a broker and a registry that outlive the command. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KAFKA_VERSIONS } from './packages.ts'
import { startBroker, startRegistry } from './servers.ts'

const DIR = join(import.meta.dirname, '.run')
const STATE = join(DIR, 'servers.json')

const STOP_MS = 15_000

type State = { brokers: string; registry: string; pids: number[] }

async function up(): Promise<void> {
  const before = running()
  if (before) return tell(before)
  mkdirSync(DIR, { recursive: true })
  const [version] = KAFKA_VERSIONS
  process.stderr.write(`Starting Kafka ${version} and a schema registry ...\n`)
  const broker = await startBroker({ dir: join(DIR, 'kafka'), version, detached: true })
  const registry = await startRegistry({ dir: join(DIR, 'registry'), detached: true }).catch(
    async (error) => {
      // Nothing is told of it yet, so nobody could end it.
      await broker.kill()
      throw error
    },
  )
  const state = {
    brokers: broker.address,
    registry: registry.address,
    pids: [broker.pid, registry.pid],
  }
  writeFileSync(STATE, JSON.stringify(state))
  tell(state)
}

/** Nothing is left of them: this is for trying things. */
async function down(): Promise<void> {
  const state = running()
  if (!state) return void process.stdout.write('Nothing is running.\n')
  for (const pid of state.pids) signal(pid, 'SIGTERM')
  for (let waited = 0; state.pids.some(isOurs); waited += 100) {
    if (waited > STOP_MS) for (const pid of state.pids) signal(pid, 'SIGKILL')
    await sleep(100)
  }
  rmSync(DIR, { recursive: true, force: true })
  process.stdout.write('Stopped, and their data deleted.\n')
}

function running(): State | null {
  if (!existsSync(STATE)) return null
  const state = JSON.parse(readFileSync(STATE, 'utf8')) as State
  return state.pids.some(isOurs) ? state : null
}

function tell({ brokers, registry }: State): void {
  process.stdout.write(`export KAFKA_BROKERS=${brokers}\nexport SCHEMA_REGISTRY_URL=${registry}\n`)
}

/** The number may be another process's by now. */
function isOurs(pid: number): boolean {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(DIR)
  } catch {
    return false
  }
}

function signal(pid: number, what: NodeJS.Signals): void {
  if (isOurs(pid)) process.kill(pid, what)
}

await (process.argv[2] === 'down' ? down() : up())
