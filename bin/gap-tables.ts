/** Gaps as tables, and the source in a few words. */
import type { Gap as Contract } from '../api/contracts/channels.ts'
import type { Source as Answer, Followed } from '../api/contracts/source.ts'
import { oneLine } from '../common/text.ts'
import { channelName } from './list.ts'

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
export type Source = Pick<Answer, 'failing' | 'behind'> & {
  measures: Pick<Answer['measures'][number], 'measure' | 'gapRatio24h'>[]
  round: object | null
  channels: Pick<Followed, 'channel' | 'error'>[]
}

/** What a source that polls can tell of. */
const MEASURES = ['posts', 'replies', 'reactions']
const ERROR_LIMIT = 160

export const ONE_BY_ONE = {
  columns: ['channel', 'measures', 'from', 'to', 'length', 'reason'],
  rows: (items: Gap[]) =>
    joinMeasures(items).map((r) => [
      ...[channelName(r.channel), r.measure, r.from, r.to, lengthOf(msOf(r)), r.reason],
    ]),
}
export const BY_CHANNEL = {
  columns: ['channel', 'measures', 'gaps', 'length', 'last to', 'last reason'],
  rows: (items: Gap[]) =>
    sumChannels(items).map((s) => [
      ...[channelName(s.channel), s.measures.join(', '), s.gaps, lengthOf(s.ms), s.to, s.reason],
    ]),
}

const msOf = ({ from, to }: { from: string; to: string }): number => Date.parse(to) - Date.parse(from)

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
      measures: MEASURES.filter((m) => m === measure || before?.measures.includes(m)),
      gaps: gaps.get(channel)!,
      ms: (before?.ms ?? 0) + ms,
      ...(isLast ? { to, reason, end } : { to: before.to, reason: before.reason, end: before.end }),
    })
  }
  return [...sums.values()]
    .sort((a, b) => a.end - b.end || (a.channel < b.channel ? -1 : 1))
    .map(({ end: _, ...sum }) => sum)
}

/** ms, in the two largest units that it has, as in `2 d 3 h`. */
export function lengthOf(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  const parts = [
    [Math.floor(minutes / 1440), 'd'],
    [Math.floor(minutes / 60) % 24, 'h'],
    [minutes % 60, 'min'],
  ] as const
  const first = parts.findIndex(([n]) => n > 0)
  if (first < 0) return '< 1 min'
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ')
}

/** How the whole source is doing, whatever gaps were asked for; nothing of a run that has none. */
export function summary({ measures, round, failing, behind, channels }: Source): string {
  if (measures.length === 0 && round === null) return ''
  const known = measures.flatMap(({ measure, gapRatio24h: ratio }) =>
    ratio === null ? [] : [`${percent(ratio)} of ${measure}`],
  )
  const undecided = MEASURES.filter((m) => !measures.some(({ measure }) => measure === m))
  const failed = channels.flatMap(({ channel, error }) =>
    error === null ? [] : [`  ${oneLine(channelName(channel))}: ${oneLine(error, ERROR_LIMIT)}`],
  )
  const lines = [
    known.length > 0 &&
      `Of the followed time of the last 24 hours (by event time) were missed: ${known.join(', ')}.`,
    undecided.length > 0 && `Nothing is decided yet of ${undecided.join(' and ')}.`,
    failing > 0 && `At the last poll, ${channelsOf(failing)} failed:`,
    ...failed,
    failing > failed.length && failed.length > 0 && `  and ${failing - failed.length} more`,
    behind > 0 &&
      `${channelsOf(behind)} ${behind === 1 ? 'is' : 'are'} behind: posts not decided for an hour, or replies or reactions for three.`,
  ]
  return `\n${lines.filter((line) => line !== false).join('\n')}\n`
}

const channelsOf = (n: number): string => `${n} ${n === 1 ? 'channel' : 'channels'}`

/** A little is not nothing. */
const percent = (share: number): string =>
  share > 0 && share < 0.0005 ? '< 0.1 %' : `${Number((share * 100).toFixed(1))} %`
