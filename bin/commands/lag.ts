import type { Command } from 'commander'
import type { Lag } from '../../api/contracts/ops.ts'
import { readConfig } from '../../app/config.ts'
import { list } from '../list.ts'
import { withSettings } from '../settings.ts'

export function lag(program: Command): void {
  withSettings(program.command('lag'), ['dataDir'])
    .description('How far each role is behind, by topic and partition, in records and seconds')
    .option('--run <name>', 'of which run', 'live')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  npx fcm lag')
    .action((flags) =>
      list<Lag>(readConfig(flags), flags.json, `/v1/ops/lag?run=${encodeURIComponent(flags.run)}`, {
        columns: ['group', 'topic', 'partition', 'committed', 'end', 'records behind', 'seconds behind'],
        row: (r) => [r.group, r.topic, r.partition, r.committed, r.end, r.records, r.seconds],
        empty: `Run "${flags.run}" has no topics yet.`,
      }),
    )
}
