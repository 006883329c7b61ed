/** Everything in one process, as `fcm start` has it. */
import type { FcmError } from '../common/errors.ts'
import { iso } from '../common/time.ts'
import { LIVE } from '../pipeline/topology.ts'
import { announcer } from './announce.ts'
import type { Config } from './config.ts'
import { type Engines, openEngines } from './engines.ts'
import { PROCESSING } from './roles/roles.ts'
import { type Roles, startRoles } from './roles/start.ts'
import { serve } from './serve.ts'
import type { LiveSource, Watching } from './sources/live-source.ts'
import { asOnlySource } from './sources/only-source.ts'
import { checkOrigin } from './sources/origin.ts'
import type { Simulation } from './sources/simulated.ts'
import { sourceOf } from './sources/sources.ts'

/** Who is told how it goes. */
export type Teller = {
  say(line: string): void
  onWaiting(error: FcmError): void
  /** How much of the history is done: `share` 0-1. */
  history: { update(share: number, detail: string): void; done(detail: string): void; end(): void }
}

/**
 * Opens a data directory, `fresh`: after deleting what is in it, and watches run `live` until the source ends or `stop`.
 * @throws FcmError as `openEngines`, `serve`, `startRoles` and the source do; SOURCE_DIFFERS, ROLE_FAILED
 */
export async function startAll(
  config: Config,
  { simulation, fresh }: { simulation: Simulation; fresh: boolean },
  tell: Teller,
  stop: AbortSignal,
): Promise<void> {
  const { say, onWaiting } = tell
  say(`Opening ${config.dataDir} ...`)
  const onDeleted = (runs: string[]) => say(`Deleted: ${runs.join(', ')}.`)
  // On Kafka others may be at work.
  const migrate = config.kafkaBrokers === undefined
  const engines = await openEngines(config, { fresh, early: true, migrate, onWaiting, onDeleted })
  try {
    if (!stop.aborted) await watch(engines, sourceOf(engines, simulation), simulation.until, tell, stop)
  } finally {
    tell.history.end()
    await engines.close()
  }
  say('Stopped.')
}

async function watch(
  engines: Engines,
  source: LiveSource,
  until: number | undefined,
  tell: Teller,
  stop: AbortSignal,
): Promise<void> {
  const { logger } = engines
  const onWaiting = (error: FcmError) => {
    logger.warn({ code: error.code }, error.message)
    tell.onWaiting(error)
  }
  const onGoingOn = () => {
    logger.info('polling goes on')
    tell.say('Polling goes on.')
  }
  await engines.openRun(LIVE)
  await checkOrigin(engines.log, LIVE, source.origin)
  const served = await serve(engines)
  tell.say(`Dashboard: ${served.url}`)
  let roles: Roles | undefined
  try {
    const started = await startRoles(engines, LIVE, PROCESSING, announcer(source.liveFrom, tell.say))
    roles = started
    const signal = AbortSignal.any([stop, started.failed])
    const work = (held: AbortSignal) =>
      publishLive(source, started, until, tell, { signal: held, onWaiting, onGoingOn })
    await asOnlySource(engines, source.origin, work, onWaiting, signal)
    started.failed.throwIfAborted()
  } finally {
    await roles?.stop()
    await served.close()
  }
}

/** Publishes, and sees to it that history is processed before live time begins. */
async function publishLive(
  source: LiveSource,
  roles: Roles,
  until: number | undefined,
  { say, history }: Teller,
  told: Pick<Watching, 'signal' | 'onWaiting' | 'onGoingOn'>,
): Promise<void> {
  const { signal } = told
  roles.timed(!source.hasHistory)
  const caughtUp = () =>
    roles.caughtUp((records) => history.update(1, `${records} records to process`), signal)
  const watching: Watching = {
    ...told,
    onHistory: (share, time) => history.update(share, `simulated up to ${iso(time)}`),
    async beforeLive() {
      // Without a pause there is no live time.
      if (until !== undefined) return
      if (source.hasHistory) {
        await caughtUp()
        if (signal.aborted) return
        roles.timed(true)
        history.done('processed.')
      }
      say(`Live: ${source.pace}. Ctrl-C stops it; the same command goes on from there.`)
    },
  }
  const { finished } = await source.publish(watching)
  if (!finished || until === undefined) return
  await caughtUp()
  history.done(`simulated and processed up to ${iso(until)}.`)
}
