import { type Command, Option } from 'commander'
import { readConfig, SOURCE_SETTINGS } from '../../app/config.ts'
import { startAll } from '../../app/start.ts'
import { stopSignal } from '../../app/stopping.ts'
import { FcmError } from '../../common/errors.ts'
import { parseFault } from '../../connectors/farcaster/hub-simulator/faults.ts'
import { parseFollow } from '../../connectors/farcaster/source/follow.ts'
import { SEED, SIMULATION_LIVE } from '../../connectors/simulation/simulation.ts'
import { duration, positiveNumber, time, wholeNumber } from '../options.ts'
import { showProgress } from '../progress.ts'
import { withSettings } from '../settings.ts'

/** Two bins of five minutes in a second: fast enough to see something happen, slow enough to follow it. */
const SPEED = 600

export function start(program: Command): void {
  withSettings(program.command('start'), [
    ...(['dataDir', 'port', 'partitions', 'batchSize', 'preset', 'scorer'] as const),
    ...SOURCE_SETTINGS,
  ])
    .description(
      'Everything in one process, watching a simulated network, or Farcaster through an MCP server',
    )
    .option('--fresh', 'begin anew: delete all runs in the data directory, backfilled ones too')
    .option('--seed <n>', 'of the simulated network', String(SEED))
    .option('--speed <x>', 'simulated seconds in a second of live time, at most', String(SPEED))
    .option('--sim-until <time>', 'run without pause up to a time, or so long after going live, then exit')
    .addOption(
      new Option(
        '--fault <spec...>',
        'what the simulated hub does wrong: slow, hang, 429, 500, cut, garbage or dangling, each with [,rate=][,seconds=][,match=][,from=][,to=]',
      ).default([], 'nothing'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  npx fcm start --fresh --seed 7\n  npx fcm start --sim-until 12h --data-dir ./twelve-hours\n' +
        "  npx fcm start --data-dir ./farcaster --mcp 'npx fcm mcp-server --hub https://hub.pinata.cloud' --follow base,art",
    )
    .action(async (flags, command: Command) => {
      const config = readConfig(flags)
      if (config.mcp !== undefined) refuseSimulation(command)
      const until = flags.simUntil === undefined ? undefined : simulatedTime(flags.simUntil)
      const simulation = {
        seed: wholeNumber('--seed', flags.seed, 2 ** 31),
        speed: positiveNumber('--speed', flags.speed),
        faults: flags.fault as string[],
        ...(until === undefined ? {} : { until }),
      }
      for (const spec of simulation.faults) parseFault(spec)
      parseFollow(config.follow, config.minFollowers)
      const tell = {
        say: (line: string) => void process.stdout.write(`${line}\n`),
        onWaiting: ({ message }: Error) => void process.stderr.write(`${message}\n`),
        history: showProgress('History'),
      }
      await startAll(config, { simulation, fresh: flags.fresh === true }, tell, stopSignal())
    })
}

/** A time, or a length of time after the simulation goes live: ms. */
const simulatedTime = (value: string): number =>
  /^\d+\w$/.test(value) ? SIMULATION_LIVE + duration('--sim-until', value) : time('--sim-until', value)

/** @throws FcmError OPTION_INVALID for an option that only a simulation has */
function refuseSimulation(command: Command): void {
  const options = { seed: '--seed', speed: '--speed', simUntil: '--sim-until', fault: '--fault' }
  const given = Object.entries(options).find(([name]) => command.getOptionValueSource(name) === 'cli')
  if (given)
    throw new FcmError('OPTION_INVALID', {
      option: given[1],
      why: 'is of the simulation, and --mcp (or FCM_MCP) polls a server',
      hint: 'Leave one of them away',
    })
}
