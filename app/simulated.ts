/**
 * The simulated network as the source of run `live`: its history at once, as an archive would give it; then live time,
 * polled from a simulated hub through our MCP server, as a real one would be.
 */
import { join } from 'node:path'
import type { FcmError } from '../common/errors.ts'
import { DAY, iso } from '../common/time.ts'
import { completeBins } from '../connectors/farcaster/completeness.ts'
import { position, publish } from '../connectors/farcaster/publish.ts'
import { simulatedClock } from '../connectors/farcaster/source/clock.ts'
import type { FarcasterServer } from '../connectors/farcaster/source/port.ts'
import { SIMULATION_LIVE, SIMULATION_START, simulation } from '../connectors/simulation/source.ts'
import { groundTruth, simulate } from '../models/simulation/simulate.ts'
import { LIVE } from '../pipeline/topology.ts'
import type { Engine } from './engine.ts'
import { writeJson } from './files.ts'
import { type HubProcess, ITSELF, startHub } from './hub-process.ts'
import { connect, pollServer } from './polling.ts'

export type Simulated = {
  seed: number
  /** Simulated seconds in a second; infinite: no pause at all. */
  speed: number
  /** What the hub does wrong: `fcm hub --fault`. */
  faults: string[]
  /** Ends here, ms. */
  until?: number
  signal: AbortSignal
  /** Published up to `time`, ms, of the history that ends at `live`. */
  onHistory(time: number, live: number): void
  /** History is published; live time begins when this resolves. */
  beforeLive(): Promise<void>
  onWaiting(error: FcmError): void
}

/** Ground truth is told this far ahead of where the simulation goes live. */
const TOLD_AHEAD = 60 * DAY

/** Publishes until `until` or the signal. What stands in the log is not published again: its end is the clock. */
export async function publishSimulated(engine: Engine, options: Simulated): Promise<{ finished: boolean }> {
  const { dir, log, codec } = engine
  const { seed, until, signal, onWaiting } = options
  await writeTruth(dir, seed)
  const live = Math.min(SIMULATION_LIVE, until ?? SIMULATION_LIVE)
  const isPolled = until === undefined || until > SIMULATION_LIVE
  // They start while history is published.
  const opening = isPolled ? openNetwork(engine, options) : null
  opening?.catch(() => {})
  try {
    if (((await position(log, codec, LIVE)) ?? 0) < live) {
      const { finished } = await publish({
        ...{ log, codec, run: LIVE, to: live, signal },
        measures: ['posts', 'replies', 'reactions'],
        input: completeBins(simulate(simulation(seed))),
        onProgress: ({ published }) => published !== null && options.onHistory(published, live),
        onWarning: onWaiting,
      })
      if (!finished) return { finished }
    }
    if (!opening) return { finished: true }
    await options.beforeLive()
    const { hub, server } = await opening
    const clock = simulatedClock({ start: live, speed: options.speed, drive: hub.drive, signal })
    return await pollServer(engine, {
      ...{ server, clock, signal, onWaiting },
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
  { logger }: Engine,
  { seed, faults, signal, onWaiting }: Simulated,
): Promise<{ hub: HubProcess; server: FarcasterServer }> {
  const hub = await startHub(
    ['--seed', String(seed), ...faults.flatMap((fault) => ['--fault', fault])],
    logger,
    signal,
  )
  try {
    const [command, ...args] = [...ITSELF, 'mcp-server', '--hub', hub.url]
    return { hub, server: await connect({ command: command!, args }, onWaiting, signal) }
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
