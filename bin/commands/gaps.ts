import type { Command } from 'commander'
import { readConfig } from '../../app/config.ts'
import type { Gap } from '../../app/gaps.ts'
import { BY_CHANNEL, ONE_BY_ONE, type Source, summary } from '../gap-tables.ts'
import { given, list } from '../list.ts'
import { withSettings } from '../settings.ts'

/** Channels whose errors are told. */
const NAMED = 3

export function gaps(program: Command): void {
  withSettings(program.command('gaps'), ['dataDir'])
    .description('Times that a source knows it did not see, and why: the newest last')
    .option('--run <name>', 'of which run', 'live')
    .option('--channel <url>', 'of one channel only; "_" for casts in none')
    .option('--from <time>', 'those that end after this time, as 2024-02-05T00:00:00Z')
    .option('--to <time>', 'those that begin before this time')
    .option('--all', 'each of them, not a line for each channel')
    .option('--json', 'as JSON, each of them, a row for each measure')
    .addHelpText('after', '\nExamples:\n  npx fcm gaps --run history\n  npx fcm gaps --channel _ --all')
    .action((flags) => {
      const { run, channel, from, to, all } = flags
      const filter = given({ channel, from, to })
      const query = new URLSearchParams({ run, limit: '5000', ...filter })
      return list<Gap>(readConfig(flags), flags.json, `/v1/gaps?${query}`, {
        ...(all ? ONE_BY_ONE : BY_CHANNEL),
        empty: `Run "${run}" has no gaps${Object.keys(filter).length > 0 ? ' of these' : ''}.`,
        after: async (client) => {
          const path = `/v1/ops/source?${new URLSearchParams({ run, limit: String(NAMED) })}`
          return summary(await client.json<Source>({ path }))
        },
      })
    })
}
