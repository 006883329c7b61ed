/** When a simulated series is on its way to a cascade, and at which moments it is looked at. */
import type { Random } from '../random.ts'
import type { Series } from '../simulation/series/series.ts'

/** Of the way from its own ratio to its top: from here on a window is of a series that tips, up to there it is not. */
const TIPS_FROM = 0.4
const QUIET_TO = 0.05
/** Bins: the warning that comes so long after the break is none; what is so long over leaves no trace. */
export const LATE = 6
const OVER = 12

/** Whether the series is on its way to a cascade at a bin; null where neither yes nor no is a fair answer. */
export function labelAt({ kind, ratio, event }: Series, bin: number): 0 | 1 | null {
  if (kind !== 'tipping' && kind !== 'flat') return 0
  const { start, end, calm } = event
  if (bin < start || bin >= calm + OVER) return 0
  if (bin >= end) return bin < Math.min(calm, end + LATE) ? 1 : null
  const way = (ratio[bin]! - ratio[0]!) / (ratio[end]! - ratio[0]!)
  return way >= TIPS_FROM ? 1 : way < QUIET_TO ? 0 : null
}

/**
 * Moments to look at, whatever the kind: two while the event builds up, until `late` bins after it has come to its
 * height; at times one before and one after it.
 */
export function drawMoments(random: Random, { event, posts }: Series, late: number): Set<number> {
  const { start, end, calm } = event
  const anywhere = (from: number, to: number): number => from + random.int(Math.max(1, to - from))
  const from = start + Math.round(0.4 * (end - start))
  const moments = new Set([anywhere(from, end + late), anywhere(from, end + late)])
  if (random.next() < 0.4) moments.add(anywhere(start - 72, start))
  if (random.next() < 0.4) moments.add(anywhere(calm + OVER, posts.length))
  return moments
}
