/** Live time through hub, MCP server and source, each a process of its own: whichever dies, the result is the same. */
import { cpSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY, iso } from '../../common/time.ts'
import { completeBins } from '../../connectors/farcaster/completeness.ts'
import { wholeSource } from '../../connectors/farcaster/whole.ts'
import { SEED, SIMULATION_LIVE, simulation } from '../../connectors/simulation/simulation.ts'
import { publish } from '../../connectors/sources/publish.ts'
import { createRandom } from '../../models/random.ts'
import { type Bin, simulate } from '../../models/simulation/simulate.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { readConfig } from '../config.ts'
import { openEngines } from '../engines.ts'
import { PROCESSING } from '../roles/roles.ts'
import { startRoles } from '../roles/start.ts'
import { dataDir, exportsOf, fcm, spawnFcm, temporaryDir } from '../testing.ts'
import { noteOrigin } from './origin.ts'

const SIMULATE = ['start', '--port', '0', '--seed', String(SEED), '--sim-until']
/** What the tests compare: live time, and somewhat before. */
const SINCE = '2026-01-26T11:00:00Z'
const UNTIL = '2026-01-26T14:30:00Z'
const OFTEN = { FCM_CHECKPOINT_SECONDS: '0' }

const dirs: { dir: string; remove(): void }[] = []
function newDir(from?: string): string {
  const made = from ? temporaryDir() : dataDir()
  dirs.push(made)
  if (from) cpSync(from, made.dir, { recursive: true })
  return made.dir
}
afterAll(() => {
  for (const { remove } of dirs) remove()
})

/** Two days of history, processed: what every test goes on from. */
let history: string
let undisturbed: Record<string, string>

/** The last days before live time, which are enough for series to be judged; all three weeks take ten times as long. */
function* lastDays(): Generator<Bin> {
  for (const bin of simulate(simulation(SEED))) if (bin.start >= SIMULATION_LIVE - 2 * DAY) yield bin
}

async function processHistory(dir: string): Promise<void> {
  const engines = await openEngines(readConfig({ dataDir: dir }, {}))
  try {
    const { log, codec } = engines
    await engines.openRun(LIVE)
    await noteOrigin(log, LIVE, { kind: 'simulation', seed: SEED, speed: Number.POSITIVE_INFINITY })
    const open = wholeSource({ input: completeBins(lastDays()), to: SIMULATION_LIVE })
    expect(await publish({ log, codec, run: LIVE, open })).toEqual({ finished: true })
    const roles = await startRoles(engines, LIVE, PROCESSING)
    await roles.caughtUp(() => {}, new AbortController().signal)
    await roles.stop()
  } finally {
    await engines.close()
  }
}

beforeAll(async () => {
  history = newDir()
  await processHistory(history)
  const dir = newDir(history)
  expect(await fcm([...SIMULATE, UNTIL, '--data-dir', dir])).toMatchObject({ code: 0 })
  undisturbed = await exportsOf(dir, 'live', '--from', SINCE)
})

/** A child of `parent` that was started with `word`. */
function childOf(parent: number, word: string): number | undefined {
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  }
  const children = read(`/proc/${parent}/task/${parent}/children`).trim().split(' ')
  return children.map(Number).find((pid) => read(`/proc/${pid}/cmdline`).split('\0').includes(word))
}

test('what was polled has been counted, and warned of', () => {
  const polled = undisturbed.counts!.split('\n').filter((line) => line.split(',')[1]! >= iso(SIMULATION_LIVE))
  expect(polled.length).toBeGreaterThan(300)
  const warned = undisturbed.alerts!.split('\n').slice(1, -1)
  expect(warned.length).toBeGreaterThan(1)
})

test.each([
  ['the process', []],
  ['its hub and its MCP server', ['hub', 'mcp-server']],
])('kill -9 of %s, again and again: the exports are the same bytes', async (who, words) => {
  const dir = newDir(history)
  const random = createRandom(who)
  const start = () => spawnFcm([...SIMULATE, UNTIL, '--data-dir', dir], OFTEN)
  const killed = new Map<string, number>()
  let running = start()
  // A process needs some seconds until it polls, and one after the other is killed on the way there, or at work.
  const isOver = () => Promise.race([running.ended.then(() => true), sleep(500 + random.int(3500), false)])
  for (let kills = 0; kills < 5 && !(await isOver()); ) {
    const word = words[kills % words.length]
    if (word === undefined) {
      running.kill('SIGKILL')
      await running.ended
      running = start()
    } else {
      const pid = childOf(running.pid, word)
      if (pid === undefined) continue
      process.kill(pid, 'SIGKILL')
    }
    kills++
    killed.set(word ?? who, (killed.get(word ?? who) ?? 0) + 1)
  }
  expect(await running.ended).toMatchObject({ code: 0 })
  for (const word of words.length > 0 ? words : [who]) expect(killed.get(word), word).toBeGreaterThan(1)
  expect(await exportsOf(dir, 'live', '--from', SINCE)).toEqual(undisturbed)
})
