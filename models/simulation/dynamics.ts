import { HOUR, MINUTE, SECOND } from '../../common/time.ts'
import type { Random } from '../random.ts'

/**
 * A delay drawn from a mixture of exponentials. Answers to a cast come after minutes, some after hours, as in the real
 * network (there: a quarter within 1 minute, half within 8); the very slow tail is left out, which only adds a floor.
 */
type Delay = readonly { share: number; mean: number }[]
export const CAST_DELAY: Delay = [
  { share: 0.55, mean: 2.5 * MINUTE },
  { share: 0.38, mean: 18 * MINUTE },
  { share: 0.07, mean: 2 * HOUR },
]
export const REACTION_DELAY: Delay = [
  { share: 0.5, mean: 4 * MINUTE },
  { share: 0.38, mean: 40 * MINUTE },
  { share: 0.12, mean: 4 * HOUR },
]
export const REMOVAL_DELAY: Delay = [
  { share: 0.7, mean: 4 * MINUTE },
  { share: 0.3, mean: 5 * HOUR },
]

/** In ms, whole seconds and at least one, so that an effect never shares its cause's second. */
export function drawDelay(delay: Delay, random: Random): number {
  const u = random.next()
  let below = 0
  for (const { share, mean } of delay) {
    below += share
    if (u < below) return wholeSeconds(random.exponential(mean))
  }
  return wholeSeconds(random.exponential(delay[0]!.mean))
}

const wholeSeconds = (ms: number): number => SECOND * (1 + Math.floor(ms / SECOND))

/**
 * A branching ratio that climbs in a straight line to 1 at `breakAt`, on to `peakRatio` at `calmAt`, and is over. While
 * the channel is at more than `cap` times its usual level, nobody can read it all and the ratio is below 1.
 */
export type Climb = { start: number; breakAt: number; calmAt: number; peakRatio: number; cap: number }
const CAPPED_RATIO = 0.8

/** `load`: the level over the usual one. */
export function climbingRatio(climb: Climb, ratio: number, time: number, load: number): number {
  const { start, breakAt, calmAt, peakRatio, cap } = climb
  if (time < start || time >= calmAt) return ratio
  if (load > cap) return CAPPED_RATIO
  if (time < breakAt) return ratio + ((1 - ratio) * (time - start)) / (breakAt - start)
  return 1 + ((peakRatio - 1) * (time - breakAt)) / (calmAt - breakAt)
}

const STEP = MINUTE

/**
 * A self-exciting process's mean rate under a climbing ratio, and the factor by which spontaneous posts must grow for the
 * same mean under the constant `ratio`. Solves the Hawkes mean equation rate(t) = spontaneous + ∫ ratio(s) rate(s)
 * g(t - s) ds, exactly in its exponential parts, in steps of one minute from `climb.start`, where rate = 1.
 * (Hawkes 1971, eq. 8; the mixture makes it a system of ordinary differential equations.)
 */
export function twinRamp(
  climb: Climb,
  ratio: number,
  end: number,
): { mean: Float64Array; drive: Float64Array } {
  const steps = Math.ceil((end - climb.start) / STEP)
  const mean = new Float64Array(steps)
  const drive = new Float64Array(steps)
  const spontaneous = 1 - ratio
  const excited = CAST_DELAY.map(({ share }) => share * ratio)
  const steady = CAST_DELAY.map(({ share }) => share * ratio)
  for (let i = 0; i < steps; i++) {
    const rate = spontaneous + sum(excited)
    mean[i] = rate
    drive[i] = Math.max(0, rate - sum(steady)) / spontaneous
    const now = climbingRatio(climb, ratio, climb.start + i * STEP, rate)
    CAST_DELAY.forEach(({ share, mean }, j) => {
      const kept = Math.exp(-STEP / mean)
      excited[j] = excited[j]! * kept + share * now * rate * (1 - kept)
      steady[j] = steady[j]! * kept + share * ratio * rate * (1 - kept)
    })
  }
  return { mean, drive }
}

/** The value of a path of one-minute steps that begins at `start`. */
export const along = (path: Float64Array, start: number, time: number): number =>
  path[Math.min(path.length - 1, Math.floor((time - start) / STEP))]!

const sum = (values: number[]): number => values.reduce((total, x) => total + x, 0)
