/** The simulated network that `fcm start` watches and `fcm hub` serves. */
import { HOUR, WEEK } from '../../common/time.ts'
import { DEFAULT_START, type SimulationOptions, simulate } from '../../models/simulation/simulate.ts'
import { completeBins } from '../farcaster/completeness.ts'
import { wholeSource } from '../farcaster/whole.ts'
import type { OpenSource } from '../sources/source.ts'

/**
 * Simulated time begins here, and goes live three weeks later, when weekly habits are known, at 13:00 UTC: what is
 * planted to break hours later then does so at the busy time of the day.
 */
export const SIMULATION_START = DEFAULT_START
export const SIMULATION_LIVE = SIMULATION_START + 3 * WEEK + 13 * HOUR

/** A network in which a cascade is building up when it goes live, and is warned of an hour later. */
export const SEED = 4

export const simulation = (seed: number): SimulationOptions => ({ seed, liveAt: SIMULATION_LIVE })

/** The network as somebody who saw everything has it on record, up to `to`, ms. */
export const simulatedHistory = (seed: number, to: number): OpenSource =>
  wholeSource({ input: completeBins(simulate(simulation(seed))), to })
