/** `npm run kafka:up` and `npm run kafka:down`: a broker and a registry that outlive the command. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { KAFKA_VERSIONS } from './packages.ts'
import { startBroker, startRegistry } from './servers.ts'

const DIR = join(import.meta.dirname, '.run')
const STATE = join(DIR, 'servers.json')

type State = { brokers: string; registry: string; pids: number[] }

async function up(): Promise<void> {
  const before = running()
  if (before) return tell(before)
  mkdirSync(DIR, { recursive: true })
  const [version] = KAFKA_VERSIONS
  const broker = await startBroker({ dir: join(DIR, 'kafka'), version, detached: true })
  const registry = await startRegistry({ dir: join(DIR, 'registry'), detached: true })
  const state = {
    brokers: broker.address,
    registry: registry.address,
    pids: [broker.pid, registry.pid],
  }
  writeFileSync(STATE, JSON.stringify(state))
  tell(state)
}

/** With what the broker has on disk: the registry, which keeps its schemas in memory, forgets their ids. */
async function down(): Promise<void> {
  const state = running()
  if (!state) return void process.stdout.write('Nothing is running.\n')
  for (const pid of state.pids) signal(pid, 'SIGTERM')
  for (let waited = 0; state.pids.some(isAlive); waited += 100) {
    if (waited > 15_000) for (const pid of state.pids) signal(pid, 'SIGKILL')
    await sleep(100)
  }
  rmSync(DIR, { recursive: true, force: true })
  process.stdout.write('Stopped, and their data deleted.\n')
}

function running(): State | null {
  if (!existsSync(STATE)) return null
  const state = JSON.parse(readFileSync(STATE, 'utf8')) as State
  return state.pids.some(isAlive) ? state : null
}

function tell({ brokers, registry }: State): void {
  process.stdout.write(`export KAFKA_BROKERS=${brokers}\nexport SCHEMA_REGISTRY_URL=${registry}\n`)
}

const isAlive = (pid: number): boolean => signal(pid, 0)

function signal(pid: number, what: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, what)
  } catch {
    return false
  }
}

await (process.argv[2] === 'down' ? down() : up())
