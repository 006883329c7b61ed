/** Some roles in a process of their own, as `fcm run` has them. */
import type { FcmError } from '../common/errors.ts'
import { onFirst, untilItPasses } from '../common/retry.ts'
import { needsStore } from '../pipeline/topology.ts'
import type { Config } from './config.ts'
import { type Engines, openEngines } from './engines.ts'
import { serveHealth } from './health.ts'
import { PROCESSING } from './roles/roles.ts'
import { type Roles, startRoles } from './roles/start.ts'
import { type Served, serve } from './serve.ts'
import { asOnlySource } from './sources/only-source.ts'
import { checkOrigin } from './sources/origin.ts'
import type { Simulation } from './sources/simulated.ts'
import { sourceOf } from './sources/sources.ts'
import { stopped, unlessStopped } from './stopping.ts'

export const RUNNABLE = ['source', ...PROCESSING, 'api'] as const
export type Runnable = (typeof RUNNABLE)[number]

/** `simulation`: what the role `source` watches where no MCP server is set. */
export type RunOptions = { run: string; roles: readonly Runnable[]; simulation: Simulation }

/**
 * Runs them until `stop`, waiting for what is away.
 * @throws FcmError as `openEngines`, `serve`, `startRoles` and the source do; SOURCE_DIFFERS, ROLE_FAILED
 */
export async function runRoles(
  config: Config,
  options: RunOptions,
  onWaiting: (error: FcmError) => void,
  stop: AbortSignal,
): Promise<void> {
  const work = async () => {
    const withoutDatabase = !options.roles.some((role) => role === 'api' || needsStore(role))
    const engines = await openEngines(config, { logTo: 'stdout', waiting: stop, onWaiting, withoutDatabase })
    await runOn(engines, options, stop).finally(engines.close)
  }
  await work().catch(unlessStopped(stop))
}

async function runOn(
  engines: Engines,
  { run, roles, simulation }: RunOptions,
  stop: AbortSignal,
): Promise<void> {
  const { config, log, logger } = engines
  const onWaiting = (error: FcmError) => logger.warn({ code: error.code }, error.message)
  const source = roles.includes('source') ? sourceOf(engines, simulation) : null
  let served: Served | undefined
  let running: Roles | undefined
  try {
    if (!roles.includes('api') && config.metricsPort !== undefined) {
      served = await serveHealth(engines, config.metricsPort, roles)
      logger.info({ url: served.url }, 'serving health and metrics')
    }
    await engines.openRun(run)
    if (source) await untilItPasses(() => checkOrigin(log, run, source.origin), onFirst(onWaiting), stop)
    if (roles.includes('api')) {
      served = await serve(engines)
      logger.info({ url: served.url }, 'serving')
    }
    const processing = PROCESSING.filter((role) => roles.includes(role))
    running = await startRoles(engines, run, processing)
    const signal = AbortSignal.any([stop, running.failed])
    if (source) {
      const onGoingOn = () => logger.info('polling goes on')
      const publish = async (held: AbortSignal): Promise<void> => {
        const beforeLive = async () => logger.info({ from: new Date(source.liveFrom) }, 'live')
        await source.publish({ signal: held, onWaiting, onGoingOn, onHistory: () => {}, beforeLive })
      }
      await asOnlySource(engines, source.origin, publish, onWaiting, signal)
    } else await stopped(signal)
    running.failed.throwIfAborted()
  } finally {
    await running?.stop()
    await served?.close()
  }
}
