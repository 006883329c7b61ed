/** Where something is missing that can't be read. */
import { BASE, floorTo } from '../../../common/time.ts'

/** [from, to), on bin boundaries, ms. */
export type Gap = { from: number; to: number; reason: string }

/** The bins from the one with `from` to the one with `to`. */
export const gapAround = (from: number, to: number, reason: string): Gap => ({
  from: floorTo(from, BASE),
  to: floorTo(to, BASE) + BASE,
  reason,
})

/** In order of time and without overlaps; where two overlap, the time is the earlier one's. */
export function disjoint(gaps: readonly Gap[]): Gap[] {
  const found: Gap[] = []
  let end = Number.NEGATIVE_INFINITY
  for (const gap of gaps.toSorted((a, b) => a.from - b.from)) {
    if (gap.to <= end) continue
    found.push({ ...gap, from: Math.max(gap.from, end) })
    end = gap.to
  }
  return found
}
