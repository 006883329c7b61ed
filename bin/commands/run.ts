import { Argument, type Command } from 'commander'
import { readConfig, SOURCE_SETTINGS } from '../../app/config.ts'
import { RUNNABLE, type Runnable, runRoles } from '../../app/run.ts'
import { stopSignal } from '../../app/stopping.ts'
import { FcmError } from '../../common/errors.ts'
import { parseFollow } from '../../connectors/farcaster/source/follow.ts'
import { SEED } from '../../connectors/simulation/simulation.ts'
import { checkRunName, LIVE } from '../../pipeline/topology.ts'
import { positiveNumber, wholeNumber } from '../options.ts'
import { withSettings } from '../settings.ts'

export function run(program: Command): void {
  withSettings(program.command('run'), [
    ...(['dataDir', 'port', 'partitions', 'batchSize', 'preset', 'scorer'] as const),
    ...SOURCE_SETTINGS,
  ])
    .description('Some roles, logging to standard output as lines of JSON')
    .addArgument(new Argument('<role...>', 'which').choices(RUNNABLE))
    .option('--run <name>', 'which run; a source writes into live only', LIVE)
    .option('--seed <n>', 'source: of the simulated network', String(SEED))
    .option('--speed <x>', 'source: simulated seconds in a second', '600')
    .addHelpText('after', '\nExample:\n  npx fcm run source count sum detect store api')
    .action(async (roles: Runnable[], flags) => {
      const stop = stopSignal()
      const seed = wholeNumber('--seed', flags.seed, 2 ** 31)
      const speed = positiveNumber('--speed', flags.speed)
      const run = checkRunName(flags.run)
      if (run !== LIVE && roles.includes('source'))
        throw new FcmError('OPTION_INVALID', {
          option: `--run ${run}`,
          why: 'is no place for a source, which writes into live',
          hint: '`fcm backfill` fills other runs',
        })
      const config = readConfig(flags)
      parseFollow(config.follow, config.minFollowers)
      const onWaiting = ({ message }: Error) => void process.stderr.write(`${message}\n`)
      await runRoles(config, { run, roles, simulation: { seed, speed, faults: [] } }, onWaiting, stop)
    })
}
