import { Argument, type Command } from 'commander'
import { readConfig, SOURCE_SETTINGS, withSettings } from '../../app/config.ts'
import { type Engine, openEngine, PROCESSING, type Roles } from '../../app/engine.ts'
import { serveHealth } from '../../app/health.ts'
import { checkOrigin, type Origin } from '../../app/origin.ts'
import { pollLive } from '../../app/polling.ts'
import { type Served, serve } from '../../app/serve.ts'
import { publishSimulated } from '../../app/simulated.ts'
import { asOnlySource } from '../../app/source.ts'
import { stopped, stopSignal, unlessStopped } from '../../app/stopping.ts'
import { FcmError } from '../../common/errors.ts'
import { onFirst, untilItPasses } from '../../common/retry.ts'
import { parseFollow } from '../../connectors/farcaster/source/follow.ts'
import { SEED, SIMULATION_LIVE } from '../../connectors/simulation/source.ts'
import { checkRunName, LIVE } from '../../pipeline/topology.ts'
import { positiveNumber, wholeNumber } from '../options.ts'

export function run(program: Command): void {
  withSettings(program.command('run'), [
    ...(['dataDir', 'port', 'partitions', 'batchSize', 'preset', 'scorer'] as const),
    ...SOURCE_SETTINGS,
  ])
    .description('Some roles, logging to standard output as lines of JSON')
    .addArgument(new Argument('<role...>', 'which').choices(['source', ...PROCESSING, 'api']))
    .option('--run <name>', 'which run; a source writes into live only', LIVE)
    .option('--seed <n>', 'source: of the simulated network', String(SEED))
    .option('--speed <x>', 'source: simulated seconds in a second', '600')
    .addHelpText('after', '\nExample:\n  npx fcm run source count sum detect store api')
    .action(async (roles: string[], flags) => {
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
      const work = async (): Promise<void> => {
        const engine = await openEngine(config, {
          logTo: 'stdout',
          waiting: stop,
          onWaiting: ({ message }) => process.stderr.write(`${message}\n`),
        })
        const { logger } = engine
        const onWaiting = (error: FcmError) => logger.warn({ code: error.code }, error.message)
        let served: Served | undefined
        let running: Roles | undefined
        try {
          if (!roles.includes('api') && config.metricsPort !== undefined) {
            served = await serveHealth(engine, config.metricsPort, roles)
            logger.info({ url: served.url }, 'serving health and metrics')
          }
          await engine.openRun(run)
          const origin: Origin =
            config.mcp === undefined ? { kind: 'simulation', seed, speed } : { kind: 'server' }
          if (roles.includes('source'))
            await untilItPasses(() => checkOrigin(engine.log, run, origin), onFirst(onWaiting), stop)
          if (roles.includes('api')) {
            served = await serve(engine)
            logger.info({ url: served.url }, 'serving')
          }
          running = await engine.start(
            run,
            PROCESSING.filter((role) => roles.includes(role)),
          )
          const signal = AbortSignal.any([stop, running.failed])
          if (roles.includes('source')) {
            const work = (held: AbortSignal) => runSource(engine, { seed, speed, signal: held, onWaiting })
            await asOnlySource(engine, origin, work, onWaiting, signal)
          } else {
            await stopped(signal)
          }
          running.failed.throwIfAborted()
        } finally {
          await running?.stop()
          await served?.close()
          await engine.close()
        }
      }
      await work().catch(unlessStopped(stop))
    })
}

type SourceOptions = {
  seed: number
  speed: number
  signal: AbortSignal
  onWaiting(error: FcmError): void
}

/** Polls an MCP server, or a simulated network where none is set, until the signal. */
async function runSource(engine: Engine, { seed, speed, signal, onWaiting }: SourceOptions): Promise<void> {
  const { config, logger } = engine
  if (config.mcp !== undefined) {
    return pollLive(engine, config.mcp, { signal, onWaiting, onLive: () => logger.info('live') })
  }
  await publishSimulated(engine, {
    ...{ seed, speed, signal, onWaiting },
    faults: [],
    onHistory: () => {},
    beforeLive: async () => logger.info({ from: new Date(SIMULATION_LIVE) }, 'live'),
  })
}
