/** Gaps as tables, and the source in a few words. */
import type { Source as Answer, Followed } from '../api/contracts/source.ts'
import { type Gap, joinMeasures, sumChannels } from '../app/gaps.ts'
import { oneLine } from '../common/text.ts'
import { PARTS } from '../schemas/measures.js'
import { channelName } from './list.ts'

export type Source = Pick<Answer, 'failing' | 'behind'> & {
  measures: Pick<Answer['measures'][number], 'measure' | 'gapRatio24h'>[]
  round: object | null
  channels: Pick<Followed, 'channel' | 'error'>[]
}

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
  const undecided = PARTS.filter((m) => !measures.some(({ measure }) => measure === m))
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
