import { Argument, type Command } from 'commander'
import { SIMULATION_LIVE } from '../../connectors/simulation/source.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { readConfig, withSettings } from '../config.ts'
import { openEngine, PROCESSING } from '../engine.ts'
import { positiveNumber, wholeNumber } from '../options.ts'
import { serve } from '../serve.ts'
import { publishSimulated } from '../simulated.ts'
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
      try {
        await engine.openRun(LIVE)
        const served = roles.includes('api') ? await serve(engine) : null
        if (served) logger.info({ url: served.url }, 'serving')
        const processing = PROCESSING.filter((role) => roles.includes(role))
        const running = await engine.start(LIVE, processing)
        const signal = AbortSignal.any([stop, engine.failed])
        try {
          if (roles.includes('source')) {
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
        } finally {
          await running.stop()
          await served?.close()
        }
      } finally {
        await engine.close()
      }
      engine.failed.throwIfAborted()
    })
}
