import { Argument, type Command } from 'commander'
import { SIMULATION_LIVE } from '../../connectors/simulation/source.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { readConfig, withSettings } from '../config.ts'
import { openEngine, PROCESSING, type Roles } from '../engine.ts'
import { positiveNumber, wholeNumber } from '../options.ts'
import { type Served, serve } from '../serve.ts'
import { checkSeed, noticeOf, publishSimulated } from '../simulated.ts'
import { stopped, stopSignal } from '../stopping.ts'

export function run(program: Command): void {
  withSettings(program.command('run'), ['dataDir', 'port', 'partitions', 'batchSize', 'preset'])
    .description('Some roles of run live, logging to standard output as lines of JSON')
    .addArgument(new Argument('<role...>', 'which').choices(['source', ...PROCESSING, 'api']))
    .option('--seed <n>', 'source: of the simulated network', '7')
    .option('--speed <x>', 'source: simulated seconds in a second', '600')
    .addHelpText('after', '\nExample:\n  npx fcm run source count sum detect store api')
    .action(async (roles: string[], flags) => {
      const stop = stopSignal()
      const seed = wholeNumber('--seed', flags.seed, 2 ** 31)
      const speed = positiveNumber('--speed', flags.speed)
      const engine = await openEngine(readConfig(flags), { logTo: 'stdout' })
      const { logger } = engine
      let served: Served | undefined
      let running: Roles | undefined
      try {
        await engine.openRun(LIVE)
        if (roles.includes('api')) {
          served = await serve(engine, roles.includes('source') ? noticeOf(seed, speed) : undefined)
          logger.info({ url: served.url }, 'serving')
        }
        running = await engine.start(
          LIVE,
          PROCESSING.filter((role) => roles.includes(role)),
        )
        const signal = AbortSignal.any([stop, running.failed])
        if (roles.includes('source')) {
          await checkSeed(engine.dir, seed)
          await publishSimulated(engine, {
            seed,
            speed,
            signal,
            onHistory: () => {},
            beforeLive: async () => logger.info({ from: new Date(SIMULATION_LIVE) }, 'live'),
            onWaiting: (error) => logger.warn({ code: error.code }, error.message),
          })
        } else {
          await stopped(signal)
        }
        running.failed.throwIfAborted()
      } finally {
        await running?.stop()
        await served?.close()
        await engine.close()
      }
    })
}
