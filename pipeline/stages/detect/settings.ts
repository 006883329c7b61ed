import { createHash } from 'node:crypto'
import { PREPROCESSING } from '../../../models/early-warning/tracker.ts'
import { byMeasure } from '../../../schemas/measures.js'

export const PRESETS = ['calibrated', 'classic'] as const
export type Preset = (typeof PRESETS)[number]

/**
 * What decides, apart from the input, the weights and the settings of each detector: the hash of all stands in every signal
 * and alert. Bins are those of each resolution.
 */
export const defaults = {
  /** Raised when the models compute anything differently. */
  model: 3,
  /** Eligible from this many expected events in a bin, until fewer than `leave`, and after these covered hours. */
  eligible: { enter: 3, leave: 2, hours: 24 },
  /** Seconds of the shortest bin that is judged. */
  finest: byMeasure((rule) => rule.finest),
  /** After an episode none of its kind opens in the channel for this long, in event time. */
  cooldownHours: 6,
  /** Evidence that could not be judged for this long no longer holds an episode open. */
  coverageLostHours: 24,
}
export type Settings = typeof defaults & { preset: Preset }

/** Of all settings and the weights, 8 hex digits. */
export const settingsHash = (settings: Settings, model: string): string =>
  createHash('sha256')
    .update(JSON.stringify(canonical({ ...settings, ...PREPROCESSING, weights: model })))
    .digest('hex')
    .slice(0, 8)

/** The same value with the keys of objects in order. */
function canonical(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, canonical(inner)])
}
