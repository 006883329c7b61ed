import type { Command } from 'commander'
import { readConfig } from '../../app/config.ts'
import { openEngines } from '../../app/engines.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { withSettings } from '../settings.ts'

export function migrate(program: Command): void {
  withSettings(program.command('migrate'), ['dataDir', 'partitions'])
    .description(
      'Bring database, topics and schemas up to date; needed once for a Kafka cluster, before anything else',
    )
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://fcm@localhost/fcm npx fcm migrate')
    .action(async (flags) => {
      const engines = await openEngines(readConfig(flags), { migrate: true })
      try {
        await engines.openRun(LIVE)
      } finally {
        await engines.close()
      }
      process.stdout.write('Database, topics and schemas are up to date.\n')
    })
}
