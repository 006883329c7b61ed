import type { Command } from 'commander'
import { readConfig, withSettings } from '../config.ts'
import { list } from '../list.ts'

type Row = { channel: string; measure: string; from: string; to: string; reason: string | null }
type Source = { measures: { measure: string; gapRatio24h: number | null }[]; failing: number }

export function gaps(program: Command): void {
  withSettings(program.command('gaps'), ['dataDir'])
    .description('Times that a source knows it did not see, and why: the newest last')
    .option('--run <name>', 'of which run', 'live')
    .option('--channel <url>', 'of one channel only')
    .option('--json', 'as JSON, a row for each measure')
    .addHelpText('after', '\nExample:\n  npx fcm gaps --run history')
    .action((flags) => {
      const query = new URLSearchParams({
        ...{ run: flags.run, limit: '5000' },
        ...(flags.channel ? { channel: flags.channel } : {}),
      })
      return list<Row>(readConfig(flags), flags.json, `/v1/gaps?${query}`, {
        columns: ['channel', 'measures', 'from', 'to', 'length', 'reason'],
        merge: joinMeasures,
        row: (r) => [r.channel, r.measure, r.from, r.to, lengthOf(r), r.reason],
        empty: `Run "${flags.run}" has no gaps.`,
        after: async (client) =>
          summary(
            await client.json<Source>({
              path: `/v1/ops/source?${new URLSearchParams({ run: flags.run })}&limit=1`,
            }),
          ),
      })
    })
}

/** Measures of a channel that were missed together stand in one row. */
export function joinMeasures(rows: readonly Row[]): Row[] {
  const joined = new Map<string, Row>()
  for (const row of rows) {
    const key = JSON.stringify([row.channel, row.from, row.to, row.reason])
    const before = joined.get(key)
    joined.set(key, before ? { ...before, measure: `${before.measure}, ${row.measure}` } : row)
  }
  return [...joined.values()]
}

/** In the two largest units that it has, as in `2 d 3 h`. */
export function lengthOf({ from, to }: { from: string; to: string }): string {
  const minutes = Math.round((Date.parse(to) - Date.parse(from)) / 60_000)
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

export function summary({ measures, failing }: Source): string {
  const known = measures.flatMap(({ measure, gapRatio24h: ratio }) =>
    ratio === null ? [] : [`${percent(ratio)} of ${measure}`],
  )
  if (known.length === 0) return ''
  const now =
    failing > 0 ? ` At the last poll, ${failing} ${failing === 1 ? 'channel' : 'channels'} failed.` : ''
  return `\nOf the followed time of the last 24 hours (by event time) were missed: ${known.join(', ')}.${now}\n`
}

/** A little is not nothing. */
const percent = (share: number): string =>
  share > 0 && share < 0.0005 ? '< 0.1 %' : `${Number((share * 100).toFixed(1))} %`
