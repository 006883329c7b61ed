import type { Command } from 'commander'
import type { Requests } from '../../api/contracts/source.ts'
import { readConfig } from '../../app/config.ts'
import { channelName, given, list } from '../list.ts'
import { withSettings } from '../settings.ts'

export function requests(program: Command): void {
  withSettings(program.command('requests'), ['dataDir'])
    .description('Requests that the source made, by channel and hour of its clock: the newest last')
    .option('--run <name>', 'of which run', 'live')
    .option('--channel <url>', 'of one channel only; "*" for the sum of all')
    .option('--from <time>', 'hours that begin at this time or later, as 2024-02-05T00:00:00Z')
    .option('--to <time>', 'hours that begin before this time')
    .option('--json', 'as JSON')
    .addHelpText('after', "\nExample:\n  npx fcm requests --channel '*'")
    .action((flags) => {
      const { run, channel, from, to } = flags
      const filter = given({ channel, from, to })
      const query = new URLSearchParams({ run, limit: '5000', ...filter })
      return list<Requests>(readConfig(flags), flags.json, `/v1/ops/requests?${query}`, {
        columns: ['channel', 'hour', 'requests', 'failed'],
        row: (r) => [channelName(r.channel), r.hour, r.requests, r.failed],
        empty: `The source of run "${run}" has made no requests${Object.keys(filter).length > 0 ? ' of these' : ''}.`,
      })
    })
}
