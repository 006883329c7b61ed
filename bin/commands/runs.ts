import type { Command } from 'commander'
import type { Run } from '../../api/contracts/ops.ts'
import { connect } from '../../app/client.ts'
import { readConfig } from '../../app/config.ts'
import { list } from '../list.ts'
import { withSettings } from '../settings.ts'

export function runs(program: Command): void {
  const command = program.command('runs').description('The runs in a data directory')
  withSettings(command.command('list'), ['dataDir'])
    .description('List them')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  npx fcm runs list')
    .action((flags) =>
      list<Run>(readConfig(flags), flags.json, '/v1/runs', {
        columns: ['run', 'channels', 'from', 'to', 'alerts', 'late'],
        row: (r) => [r.run, r.channels, r.firstAt ?? '-', r.lastAt ?? '-', r.alerts, r.late],
        empty: 'There are no runs yet. `npm start` makes one, and so does `fcm backfill`.',
      }),
    )
  withSettings(command.command('delete <run>'), ['dataDir'])
    .description('Delete a run: its topics and what the database has of it')
    .addHelpText('after', '\nExample:\n  npx fcm runs delete history')
    .action(async (run: string, flags) => {
      const client = await connect(readConfig(flags))
      try {
        await client.json({ method: 'DELETE', path: `/admin/runs/${encodeURIComponent(run)}` })
        process.stdout.write(`Run "${run}" is deleted.\n`)
      } finally {
        await client.close()
      }
    })
}
