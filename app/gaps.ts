/** Gaps of a run as people count them: what was missed together is one, and channels have sums. */
import type { Gap as Contract } from '../api/contracts/channels.ts'
import { PARTS } from '../schemas/measures.js'

/** `measure`: one, or several that were missed together. */
export type Gap = Omit<Contract, 'measure'> & { measure: string }
/** All gaps of a channel. `ms`: how long something of it was missed; `reason`: of the one that ends last. */
type Sum = {
  channel: string
  measures: string[]
  gaps: number
  ms: number
  to: string
  reason: string | null
}

/** Measures of a channel that were missed together stand in one row. */
export function joinMeasures(rows: readonly Gap[]): Gap[] {
  const joined = new Map<string, Gap>()
  for (const row of rows) {
    const key = JSON.stringify([row.channel, row.from, row.to, row.reason])
    const before = joined.get(key)
    joined.set(key, before ? { ...before, measure: `${before.measure}, ${row.measure}` } : row)
  }
  return [...joined.values()]
}

/** A row for each channel, the one whose last gap is the newest last. `rows`: by `from`. */
export function sumChannels(rows: readonly Gap[]): Sum[] {
  const sums = new Map<string, Sum & { end: number }>()
  const gaps = new Map<string, number>()
  for (const { channel } of joinMeasures(rows)) gaps.set(channel, (gaps.get(channel) ?? 0) + 1)
  for (const { channel, measure, from, to, reason } of rows) {
    const before = sums.get(channel)
    const [begin, end] = [Date.parse(from), Date.parse(to)]
    // Time that several measures missed counts once.
    const ms = Math.max(0, end - Math.max(begin, before?.end ?? begin))
    const isLast = !before || end > before.end
    sums.set(channel, {
      channel,
      measures: PARTS.filter((m) => m === measure || before?.measures.includes(m)),
      gaps: gaps.get(channel)!,
      ms: (before?.ms ?? 0) + ms,
      ...(isLast ? { to, reason, end } : { to: before.to, reason: before.reason, end: before.end }),
    })
  }
  return [...sums.values()]
    .sort((a, b) => a.end - b.end || (a.channel < b.channel ? -1 : 1))
    .map(({ end: _, ...sum }) => sum)
}
