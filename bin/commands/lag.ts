import type { Command } from 'commander'
import type { Lag } from '../../api/contracts/ops.ts'
import type { Client } from '../../app/client.ts'
import { type Config, readConfig } from '../../app/config.ts'
import { hasBegun, LATE_SECONDS, rolesOfLive, workFinding } from '../../app/doctor/work.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { list } from '../list.ts'
import { withSettings } from '../settings.ts'

export function lag(program: Command): void {
  withSettings(program.command('lag'), ['dataDir'])
    .description('How far each role is behind, by topic and partition, in records and seconds')
    .option('--run <name>', 'of which run', 'live')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `\nExample:\n  npx fcm lag\n\nIt ends with 1 when a role is behind by more than ${LATE_SECONDS} s, or one of run live is not at work.`,
    )
    .action((flags) => {
      const config = readConfig(flags)
      return list<Lag>(config, flags.json, `/v1/ops/lag?run=${encodeURIComponent(flags.run)}`, {
        columns: ['group', 'topic', 'partition', 'committed', 'end', 'records behind', 'seconds behind'],
        row: (r) => [r.group, r.topic, r.partition, r.committed, r.end, r.records, r.seconds],
        empty: `Run "${flags.run}" has no topics yet.`,
        check: (rows, client) => check(rows, client, config, flags.run),
      })
    })
}

async function check(rows: readonly Lag[], client: Client, config: Config, run: string): Promise<void> {
  if (rows.some(({ seconds }) => seconds > LATE_SECONDS)) process.exitCode = 1
  if (run !== LIVE) return
  const { state, found, mend } = workFinding(await rolesOfLive(client, config), hasBegun(rows))
  if (state !== 'broken') return
  process.exitCode = 1
  process.stderr.write(`Run ${LIVE}: ${found}. ${mend}\n`)
}
