/** Warnings that a value gives when it reaches a threshold, one episode at a time. */

/** What one value did over a stretch of a series: its bins in order, and when the event comes to its height. */
export type Course = { bins: ArrayLike<number>; values: ArrayLike<number>; end: number }

/** After a warning there is none for 6 hours, as in the stream. */
const COOLDOWN = 72
const BINS_PER_DAY = 288

/** The bins at which the value is at or above the threshold, not within the cool-down of one before. */
export function warningsAt({ bins, values }: Course, threshold: number): number[] {
  const warnings: number[] = []
  for (let i = 0; i < bins.length; i++) {
    const last = warnings.at(-1)
    if (values[i]! >= threshold && (last === undefined || bins[i]! - last >= COOLDOWN))
      warnings.push(bins[i]!)
  }
  return warnings
}

export const daysOf = (courses: readonly Course[]): number =>
  courses.reduce((sum, { bins }) => sum + bins.length, 0) / BINS_PER_DAY

export const warningsPerDay = (courses: readonly Course[], threshold: number): number =>
  courses.reduce((sum, course) => sum + warningsAt(course, threshold).length, 0) / daysOf(courses)

/** The least of the values themselves at which there are at most `budget` warnings a day, or just above them all. */
export function thresholdFor(courses: readonly Course[], budget: number): number {
  const values = [...new Set(courses.flatMap((course) => Array.from(course.values)))]
    .filter((x) => !Number.isNaN(x))
    .sort((a, b) => a - b)
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (warningsPerDay(courses, values[middle]!) <= budget) high = middle
    else low = middle + 1
  }
  const most = values.at(-1) ?? 0
  return values[low] ?? most + 1e-9 * (1 + Math.abs(most))
}

/** Of courses that tip: the share that was warned of before the end, and the median of how many hours before. */
export function found(courses: readonly Course[], threshold: number): { share: number; leadHours: number } {
  const leads: number[] = []
  for (const course of courses) {
    const [first] = warningsAt(course, threshold)
    if (first !== undefined && first < course.end) leads.push((24 * (course.end - first)) / BINS_PER_DAY)
  }
  leads.sort((a, b) => a - b)
  const middle = leads.length >> 1
  const leadHours =
    leads.length % 2 === 1
      ? leads[middle]!
      : ((leads[middle - 1] ?? Number.NaN) + (leads[middle] ?? Number.NaN)) / 2
  return { share: leads.length / courses.length, leadHours }
}
