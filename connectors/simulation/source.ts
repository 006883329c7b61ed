/** The simulated network as a source: its history as fast as it can be read, then at the pace of a clock. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BASE, floorTo, HOUR, WEEK } from '../../common/time.ts'
import {
  type Bin,
  DEFAULT_START,
  type SimulationOptions,
  simulate,
} from '../../models/simulation/simulate.ts'

/**
 * Simulated time begins here, and goes live three weeks later, when weekly habits are known, at 13:00 UTC: what is
 * planted to break hours later then does so at the busy time of the day.
 */
export const SIMULATION_START = DEFAULT_START
export const SIMULATION_LIVE = SIMULATION_START + 3 * WEEK + 13 * HOUR

export const simulation = (seed: number): SimulationOptions => ({ seed, liveAt: SIMULATION_LIVE })

export type Pace = {
  /** Bins that end by then come at once: they are history, or stand in the log already. ms */
  liveFrom: number
  /** Simulated seconds in a second, at most; infinite: no pause at all. */
  speed: number
  signal: AbortSignal
  /** Called once, before the first bin that is paced; time stands until it resolves. */
  beforeLive(): Promise<void>
  /** Monotonic clock in ms. */
  now?: () => number
}

/**
 * The bins of a simulated network. Live ones come when simulated time has passed their end. That time runs from
 * `liveFrom`, only while this is read, and a delay is not made up for.
 */
export async function* pacedBins(
  options: SimulationOptions,
  { liveFrom, speed, signal, beforeLive, now = () => performance.now() }: Pace,
): AsyncGenerator<Bin, void> {
  let due: number | null = null
  for (const bin of simulate(options)) {
    if (bin.start + BASE > floorTo(liveFrom, BASE)) {
      if (due === null) {
        await beforeLive()
        due = now()
      }
      due = Math.max(now(), due + BASE / speed)
      const wait = due - now()
      if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {})
    }
    if (signal.aborted) return
    yield bin
  }
}
