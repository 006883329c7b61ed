import type { Command } from 'commander'
import { readConfig, withSettings } from '../../app/config.ts'
import { openEngine } from '../../app/engine.ts'
import { LIVE } from '../../pipeline/topology.ts'

export function migrate(program: Command): void {
  withSettings(program.command('migrate'), ['dataDir', 'partitions'])
    .description(
      'Bring database, topics and schemas up to date; needed once for a Kafka cluster, before anything else',
    )
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://fcm@localhost/fcm npx fcm migrate')
    .action(async (flags) => {
      const engine = await openEngine(readConfig(flags), { register: true })
      try {
        await engine.openRun(LIVE)
      } finally {
        await engine.close()
      }
      process.stdout.write('Database, topics and schemas are up to date.\n')
    })
}
