import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import { connect } from '../../app/client.ts'
import { readConfig } from '../../app/config.ts'
import { FcmError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { time } from '../options.ts'
import { withSettings } from '../settings.ts'

/** Lengths of bins, and what the API calls them. */
const RESOLUTIONS: Record<string, string> = { '5m': '300', '1h': '3600', '6h': '21600' }

const EXAMPLES = {
  counts: "--run history --resolution 1h --series 'casts:*'",
  signals: '--channel https://onchainsummer.xyz --from 2026-01-26',
  alerts: '--run history --format ndjson',
}
type What = keyof typeof EXAMPLES

export function exportRows(program: Command): void {
  const command = program
    .command('export')
    .description('Counts, signals or alerts of a run, to standard output')
    .addHelpText('after', `\nExample:\n  npx fcm export counts ${EXAMPLES.counts}`)
  const sub = (what: What, description: string): Command =>
    withSettings(command.command(what), ['dataDir'])
      .description(description)
      .option('--run <name>', 'of which run', 'live')
      .option('--series <series>', 'of one series only, such as casts:* or posts:https://example.com')
      .option('--channel <url>', 'of one channel only')
      .option('--from <time>', 'from here on, in UTC')
      .option('--to <time>', 'up to here, in UTC')
      .addOption(new Option('--format <form>', 'of the rows').choices(['csv', 'ndjson']).default('csv'))
      .addHelpText('after', `\nExample:\n  npx fcm export ${what} ${EXAMPLES[what]}`)
      .action((flags) => exportTo(what, flags))
  const resolution = () =>
    new Option('--resolution <length>', 'of the bins').choices(Object.keys(RESOLUTIONS))
  sub('counts', 'Casts, replies, reactions and participants by bin')
    .addOption(resolution())
    .option('--fill', 'also the zeros of idle times')
  sub('signals', 'What was computed of each bin, and decided').addOption(resolution())
  sub('alerts', 'Each event of each alert, with its evidence')
}

async function exportTo(what: What, flags: Record<string, string | undefined>): Promise<void> {
  const { run = LIVE, format = 'csv' } = flags
  const query = new URLSearchParams({ run, format })
  if (flags.series) query.set('series', flags.series)
  if (flags.channel) query.set('channel', flags.channel)
  if (flags.resolution) query.set('resolution', RESOLUTIONS[flags.resolution]!)
  if (flags.from) query.set('from', iso(time('--from', flags.from)))
  if (flags.to) query.set('to', iso(time('--to', flags.to)))
  if (flags.fill) query.set('fill', 'true')
  const client = await connect(readConfig(flags))
  try {
    const rows = await client.stream({ path: `/v1/export/${what}?${query}` })
    const headers = format === 'csv' ? 1 : 0
    let lines = 0
    const counted = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        if (lines <= headers) lines += chunk.toString('latin1').split('\n').length - 1
        yield chunk
      }
    }
    await pipeline(rows, counted, process.stdout, { end: false })
    // What is named is there, so this is for a person only.
    if (lines <= headers) process.stderr.write(`Run "${run}" has no such ${what}.\n`)
  } catch (error) {
    // The reader (head, less) has seen enough.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return
    if (error instanceof FcmError) throw error
    throw new FcmError('EXPORT_CUT', { why: (error as Error).message }, error)
  } finally {
    await client.close()
  }
}
