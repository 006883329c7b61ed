/**
 * Surges: what an open bin already holds is more than is to be expected of the whole. The open 5 minutes are judged at
 * milestones, the open hour then too and whenever 5 minutes close; so at once, in every series whatever its size. They
 * are followed by closed bins until they are over.
 */
import { BASE, BASE_SECONDS, HOUR } from '../../../common/time.ts'
import {
  createLevel,
  decayLevel,
  dispersion,
  expected,
  meanOf,
  shape,
} from '../../../models/early-warning/expected.ts'
import { sf } from '../../../models/early-warning/negative-binomial.ts'
import { coveredSince, type Scale, type Series } from './series.ts'
import type { Settings } from './settings.ts'

/** `level`: events in a base bin of the mean hour when it began, at `since`, which later bins are held against. */
export type Surge = { level: number; since: number; calm: number }

/** What was seen in a bin, so far or in all, and the chance of at least so much. */
export type Surging = {
  resolution: SurgeResolution
  start: number
  count: number
  expected: number
  dispersion: number
  p: number
  held: boolean
  /** It has gone on for so long that it is the new usual: it is over. */
  lasted: boolean
}

/** Seconds of the bins that are judged while open. Longer ones are not at once. */
export type SurgeResolution = 300 | 3600
export type SurgeScale = Scale & { seconds: SurgeResolution }

/** Whether the bin that begins at `start` belongs to a surge: bins before it may close later than it was seen. */
export const surgesAt = (scale: Scale, start: number): scale is SurgeScale =>
  scale.surge !== null && start >= scale.surge.since

/** The scales of a series on which surges are looked for. */
export const surgeScales = ({ measure, scales }: Series, { finest }: Settings): SurgeScale[] =>
  scales.filter((s): s is SurgeScale => s.seconds !== 21600 && s.seconds >= finest[measure])

/** Judges an open bin that holds `count` so far, and marks its series as surging; null when it is no surge. */
export function judgeOpen(
  s: Series,
  scale: SurgeScale,
  count: number,
  start: number,
  settings: Settings,
): Surging | null {
  const { onset } = settings
  const { seconds } = scale
  if (count < onset.least || s.covered * BASE < onset.hours * HOUR) return null
  // The last bins or the weeks, whichever allow more: falling back to the usual is no surge.
  const level = Math.max(levelAt(s, scale, start), meanOf(s.profile), onset.leastExpected)
  // As it was known when the bin began: the profile learns from what is judged here.
  const isBegun = scale.sum.bins > 0 && scale.sum.start === start
  const mean = level * (isBegun ? scale.shape : shape(s.profile, start, seconds))
  if (count < onset.factor * mean) return null
  const phi = dispersionOf(s, scale, mean, settings)
  const p = sf(count - 1, mean, phi)
  if (p >= onset.p[seconds]) return null
  scale.surge ??= { level, since: start, calm: 0 }
  scale.surge.calm = 0
  return { resolution: seconds, start, count, expected: mean, dispersion: phi, p, held: true, lasted: false }
}

/** Judges a closed bin of a scale that surges, whose profile is `form`: it is over after `exitBins` calm ones. */
export function judgeClosed(
  s: Series,
  scale: SurgeScale,
  count: number,
  start: number,
  form: number,
  settings: Settings,
): Surging {
  const surge = scale.surge!
  const mean = surge.level * form
  const phi = dispersionOf(s, scale, mean, settings)
  const p = sf(count - 1, mean, phi)
  const { exitP, exitBins, longestHours } = settings.onset
  const held = p < exitP
  const lasted = held && start - surge.since >= longestHours * HOUR
  surge.calm = held ? 0 : surge.calm + 1
  if (lasted || surge.calm >= exitBins) scale.surge = null
  return { resolution: scale.seconds, start, count, expected: mean, dispersion: phi, p, held, lasted }
}

/** Events in a base bin of the mean hour, as the last bins say; idle time counts as the zeros that it stands for. */
function levelAt(s: Series, { tracker, seconds }: SurgeScale, start: number): number {
  if (!s.idle) return expected(tracker.level, 1)
  const level = { ...createLevel(), ...tracker.level }
  const bins = seconds / BASE_SECONDS
  decayLevel(level, coveredSince(s, start) / bins, bins)
  return expected(level, 1)
}

/** At least what talk that answers itself has: in small series it is not known, and taken for it. */
function dispersionOf(
  s: Series,
  { tracker, seconds }: SurgeScale,
  mean: number,
  { onset }: Settings,
): number {
  const known = tracker.usual ? dispersion(tracker.usual, mean) : 0
  const excess = onset.excess[s.measure] * (seconds === BASE_SECONDS ? 1 : onset.hour)
  return Math.max(known, excess / mean)
}
