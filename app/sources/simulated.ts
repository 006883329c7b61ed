/**
 * The simulated network as the source of run `live`: its history at once, as an archive would give it; then live time,
 * polled from a simulated hub through our MCP server, as a real one would be.
 */
import { join } from 'node:path'
import { DAY, iso } from '../../common/time.ts'
import { simulatedClock } from '../../connectors/farcaster/source/clock.ts'
import type { FarcasterServer } from '../../connectors/farcaster/source/port.ts'
import { position } from '../../connectors/farcaster/whole.ts'
import {
  SIMULATION_LIVE,
  SIMULATION_START,
  simulatedHistory,
  simulation,
} from '../../connectors/simulation/simulation.ts'
import { publish } from '../../connectors/sources/publish.ts'
import { groundTruth } from '../../models/simulation/simulate.ts'
import { LIVE } from '../../pipeline/topology.ts'
import type { Engines } from '../engines.ts'
import { writeJson } from '../files.ts'
import { type HubProcess, ITSELF, startHub } from './hub-process.ts'
import type { LiveSource, Watching } from './live-source.ts'
import { connect, pollServer } from './polling.ts'

export type Simulation = {
  seed: number
  /** Simulated seconds in a second; infinite: no pause at all. */
  speed: number
  /** What the hub does wrong: `fcm hub --fault`. */
  faults: readonly string[]
  /** Ends here, ms, and goes there without pause. */
  until?: number
}

/** Ground truth is told this far ahead of where the simulation goes live. */
const TOLD_AHEAD = 60 * DAY

export const simulatedSource = (engines: Engines, simulation: Simulation): LiveSource => ({
  origin: { kind: 'simulation', seed: simulation.seed, speed: simulation.speed },
  liveFrom: SIMULATION_LIVE,
  hasHistory: true,
  pace: `${simulation.speed} simulated seconds a second`,
  publish: (watching) => publishSimulated(engines, simulation, watching),
})

/** Publishes until `until` or the signal. What stands in the log is not published again: its end is the clock. */
async function publishSimulated(
  engines: Engines,
  plan: Simulation,
  watching: Watching,
): Promise<{ finished: boolean }> {
  const { dir, log, codec } = engines
  const { signal, onWaiting, onGoingOn } = watching
  const { seed, until } = plan
  await writeTruth(dir, seed)
  const live = Math.min(SIMULATION_LIVE, until ?? SIMULATION_LIVE)
  const isPolled = until === undefined || until > SIMULATION_LIVE
  // They start while history is published.
  const opening = isPolled ? openNetwork(engines, plan, watching) : null
  opening?.catch(() => {})
  try {
    if (((await position(log, codec, LIVE)) ?? 0) < live) {
      const { finished } = await publish({
        ...{ log, codec, run: LIVE, signal },
        open: simulatedHistory(seed, live),
        onPublished(at) {
          if (at !== null) watching.onHistory((at - SIMULATION_START) / (live - SIMULATION_START), at)
        },
        onWarning: onWaiting,
      })
      if (!finished) return { finished }
    }
    if (!opening) return { finished: true }
    await watching.beforeLive()
    const { hub, server } = await opening
    const speed = until === undefined ? plan.speed : Number.POSITIVE_INFINITY
    const clock = simulatedClock({ start: live, speed, drive: hub.drive, signal })
    return await pollServer(engines, {
      ...{ server, clock, signal, onWaiting, onGoingOn },
      ...(until === undefined ? {} : { until }),
    })
  } finally {
    const network = await opening?.catch(() => null)
    await network?.server.close()
    await network?.hub.close()
  }
}

/** A simulated hub, and our MCP server over it. */
async function openNetwork(
  engines: Engines,
  { seed, faults }: Simulation,
  { signal, onWaiting }: Watching,
): Promise<{ hub: HubProcess; server: FarcasterServer }> {
  const hub = await startHub(
    ['--seed', String(seed), ...faults.flatMap((fault) => ['--fault', fault])],
    engines.logger,
    signal,
  )
  try {
    const [command, ...args] = [...ITSELF, 'mcp-server', '--hub', hub.url]
    return { hub, server: await connect({ command: command!, args }, engines, onWaiting, signal) }
  } catch (error) {
    await hub.close()
    throw error
  }
}

/** Writes what is planted in the simulation beside the log. */
async function writeTruth(dir: string, seed: number): Promise<void> {
  const planted = groundTruth(simulation(seed), SIMULATION_LIVE + TOLD_AHEAD)
  await writeJson(join(dir, 'ground-truth.json'), {
    seed,
    start: iso(SIMULATION_START),
    liveAt: iso(SIMULATION_LIVE),
    planted: planted.map(readable),
  })
}

/** Times in ISO 8601, wherever they stand. */
function readable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readable)
  if (typeof value === 'number') return value > SIMULATION_START ? iso(value) : value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]))
}
