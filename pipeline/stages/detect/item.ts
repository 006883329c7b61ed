/** What `apply` finds and `settle` decides. An item owns all it needs. */
import type { Resolution } from '../../../common/time.ts'
import { pValues } from '../../../models/early-warning/nulls.ts'
import { PREPROCESSING, type Reading } from '../../../models/early-warning/tracker.ts'
import type { Measure } from '../../../schemas/records.ts'
import type { Bin } from './detectors/detector.ts'

/** `time`: the end of the bin. */
export type Item =
  /** The channel begins anew. What is open, as where it fell silent while an alert was, ends. */
  { kind: 'forgotten'; key: string } | SeriesItem
type SeriesItem = { key: string; measure: Measure; time: number } & (
  | ({ kind: 'bin'; count: number; reading: Reading | null; row: Float32Array | null; found: Found } & BinOf)
  /** A bin that is still open; `time`: of what filled it so far. */
  | ({ kind: 'open'; found: Found } & BinOf)
  | ({ kind: 'masked'; count: number; signals: boolean } & BinOf)
  | ({ kind: 'insufficient'; count: number; why: string } & BinOf)
  | { kind: 'idle' }
)
type BinOf = { resolution: Resolution; start: number }

/** What detectors have found, by kind. */
export type Found = Record<string, unknown>

/** The item as detectors judge it, unscored; null: there is nothing to judge. */
export function binOf(item: Item, model: string): Bin | null {
  if (item.kind !== 'bin' && item.kind !== 'open') return null
  const { measure, resolution, start, time: end, found } = item
  const reading = item.kind === 'bin' ? item.reading : null
  return {
    ...{ measure, resolution, start, end, isOpen: item.kind === 'open', reading, found, model, score: null },
    p: reading && pValues(reading, PREPROCESSING.window),
    isScorable: item.kind === 'bin' && item.row !== null,
  }
}
