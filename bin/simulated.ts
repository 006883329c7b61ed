/** The simulated network as the source of run `live`: history first, then live time. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FcmError } from '../common/errors.ts'
import { DAY, iso } from '../common/time.ts'
import { completeBins } from '../connectors/farcaster/completeness.ts'
import { position, publish } from '../connectors/farcaster/publish.ts'
import { pacedBins, SIMULATION_LIVE, SIMULATION_START, simulation } from '../connectors/simulation/source.ts'
import { groundTruth } from '../models/simulation/simulate.ts'
import { LIVE } from '../pipeline/topology.ts'
import type { Engine } from './engine.ts'

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

/** Ground truth is told this far ahead of where the simulation goes live. */
const TOLD_AHEAD = 60 * DAY

/** Publishes until `until` or the signal. What stands in the log is not published again: its end is the clock. */
export async function publishSimulated(engine: Engine, options: Simulated): Promise<{ finished: boolean }> {
  const { log, codec } = engine
  const { seed, speed, until, signal } = options
  await checkSeed(engine.dir, seed)
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

/** Writes what is planted in this simulation beside the log. @throws FcmError SEED_DIFFERS */
async function checkSeed(dir: string, seed: number): Promise<void> {
  const file = join(dir, 'ground-truth.json')
  const before = await readFile(file, 'utf8').then(
    (text) => (JSON.parse(text) as { seed: number }).seed,
    () => null,
  )
  if (before !== null && before !== seed) throw new FcmError('SEED_DIFFERS', { dir, before, seed })
  const options = simulation(seed)
  const truth = {
    seed,
    start: iso(SIMULATION_START),
    liveAt: iso(SIMULATION_LIVE),
    planted: groundTruth(options, SIMULATION_LIVE + TOLD_AHEAD),
  }
  const text = JSON.stringify(
    truth,
    (key, value) =>
      /^(start|end|breakAt|break)$/.test(key) && typeof value === 'number' ? iso(value) : value,
    2,
  )
  await writeFile(file, `${text}\n`)
}
