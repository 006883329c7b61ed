import type { Command } from 'commander'
import { readConfig, withSettings } from '../config.ts'
import { list } from '../list.ts'

type Row = { channel: string; measure: string; from: string; to: string; reason: string | null }

export function gaps(program: Command): void {
  withSettings(program.command('gaps'), ['dataDir'])
    .description('Times that a source knows it did not see, and why')
    .option('--run <name>', 'of which run', 'live')
    .option('--channel <url>', 'of one channel only')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  npx fcm gaps --run history')
    .action((flags) => {
      const query = new URLSearchParams({
        run: flags.run,
        ...(flags.channel ? { channel: flags.channel } : {}),
      })
      return list<Row>(readConfig(flags), flags.json, `/v1/gaps?${query}`, {
        columns: ['channel', 'measure', 'from', 'to', 'reason'],
        row: (r) => [r.channel, r.measure, r.from, r.to, r.reason],
        empty: `Run "${flags.run}" has no gaps.`,
      })
    })
}
