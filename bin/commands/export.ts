import { pipeline } from 'node:stream/promises'
import { Argument, type Command, Option } from 'commander'
import { connect } from '../../app/client.ts'
import { readConfig } from '../../app/config.ts'
import { FcmError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import { time } from '../options.ts'
import { withSettings } from '../settings.ts'

const RESOLUTIONS: Record<string, string> = { '5m': '300', '1h': '3600', '6h': '21600' }

export function exportRows(program: Command): void {
  withSettings(program.command('export'), ['dataDir'])
    .description('Counts, signals or alerts of a run, to standard output')
    .addArgument(new Argument('<what>', 'what to export').choices(['counts', 'signals', 'alerts']))
    .option('--run <name>', 'of which run', 'live')
    .option('--series <series>', 'of one series only, such as casts:* or posts:https://example.com')
    .option('--channel <url>', 'of one channel only')
    .addOption(new Option('--resolution <length>', 'of counts and signals').choices(Object.keys(RESOLUTIONS)))
    .option('--from <time>', 'from here on, in UTC')
    .option('--to <time>', 'up to here, in UTC')
    .option('--fill', 'counts: also the zeros of idle times')
    .addOption(new Option('--format <form>', 'of the rows').choices(['csv', 'ndjson']).default('csv'))
    .addHelpText(
      'after',
      "\nExample:\n  npx fcm export counts --run history --resolution 1h --series 'casts:*'",
    )
    .action(async (what: string, flags) => {
      const query = new URLSearchParams({ run: flags.run, format: flags.format })
      if (flags.series) query.set('series', flags.series)
      if (flags.channel) query.set('channel', flags.channel)
      if (flags.resolution) query.set('resolution', RESOLUTIONS[flags.resolution]!)
      if (flags.from) query.set('from', iso(time('--from', flags.from)))
      if (flags.to) query.set('to', iso(time('--to', flags.to)))
      if (flags.fill) query.set('fill', 'true')
      const client = await connect(readConfig(flags))
      try {
        const rows = await client.stream({ path: `/v1/export/${what}?${query}` })
        const headers = flags.format === 'csv' ? 1 : 0
        let lines = 0
        const counted = async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            if (lines <= headers) lines += chunk.toString('latin1').split('\n').length - 1
            yield chunk
          }
        }
        await pipeline(rows, counted, process.stdout, { end: false })
        // A mistyped series must not pass for a quiet one.
        if (lines <= headers) process.stderr.write(`Run "${flags.run}" has no such ${what}.\n`)
      } catch (error) {
        // The reader (head, less) has seen enough.
        if ((error as NodeJS.ErrnoException).code === 'EPIPE') return
        if (error instanceof FcmError) throw error
        throw new FcmError('EXPORT_CUT', { why: (error as Error).message }, error)
      } finally {
        await client.close()
      }
    })
}
