/** The simulated network as the source of run `live`: history first, then live time. */
import { join } from 'node:path'
import { FcmError } from '../common/errors.ts'
import { DAY, iso } from '../common/time.ts'
import { completeBins } from '../connectors/farcaster/completeness.ts'
import { position, publish } from '../connectors/farcaster/publish.ts'
import { pacedBins, SIMULATION_LIVE, SIMULATION_START, simulation } from '../connectors/simulation/source.ts'
import { groundTruth } from '../models/simulation/simulate.ts'
import { LIVE } from '../pipeline/topology.ts'
import type { Engine } from './engine.ts'
import { readJson, writeJson } from './files.ts'

export type Simulated = {
  seed: number
  /** Simulated seconds in a second; infinite: no pause at all. */
  speed: number
  /** Ends here, ms. */
  until?: number
  signal: AbortSignal
  /** Published up to `time`, ms, of the history that ends at `live`. */
  onHistory(time: number, live: number): void
  /** History is published; live time begins when this resolves. */
  beforeLive(): Promise<void>
  onWaiting(error: FcmError): void
}

/** What everyone who looks at it should know. */
export const noticeOf = (seed: number, speed: number): string =>
  `Simulated network (seed ${seed}), at most ${speed} times real time`

/** Ground truth is told this far ahead of where the simulation goes live. */
const TOLD_AHEAD = 60 * DAY

/** Publishes until `until` or the signal. What stands in the log is not published again: its end is the clock. */
export async function publishSimulated(engine: Engine, options: Simulated): Promise<{ finished: boolean }> {
  const { log, codec } = engine
  const { seed, speed, until, signal } = options
  const reached = (await position(log, codec, LIVE)) ?? SIMULATION_START
  let isLive = false
  const bins = pacedBins(simulation(seed), {
    liveFrom: Math.max(reached, SIMULATION_LIVE),
    speed,
    signal,
    beforeLive: async () => {
      isLive = true
      await options.beforeLive()
    },
  })
  return publish({
    log,
    codec,
    run: LIVE,
    measures: ['posts', 'replies', 'reactions'],
    input: completeBins(bins),
    ...(until === undefined ? {} : { to: until }),
    signal,
    onProgress({ published }) {
      if (!isLive && published !== null)
        options.onHistory(published, Math.min(SIMULATION_LIVE, until ?? SIMULATION_LIVE))
    },
    onWarning: options.onWaiting,
  })
}

/** Writes what is planted in this simulation beside the log, once. @throws FcmError SEED_DIFFERS */
export async function checkSeed(dir: string, seed: number): Promise<void> {
  const file = join(dir, 'ground-truth.json')
  const before = await readJson<{ seed: number }>(file)
  if (before?.seed === seed) return
  if (before) throw new FcmError('SEED_DIFFERS', { dir, before: before.seed, seed })
  const planted = groundTruth(simulation(seed), SIMULATION_LIVE + TOLD_AHEAD)
  await writeJson(file, {
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
