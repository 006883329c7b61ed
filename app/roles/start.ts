/** The life of roles: started together, stopped upstream first, cut off when they don't end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FcmError } from '../../common/errors.ts'
import { untilItPasses } from '../../common/retry.ts'
import { SECOND } from '../../common/time.ts'
import type { AlertChange } from '../../connectors/postgres/alerts/alerts.ts'
import { BEGINNING } from '../../connectors/postgres/alerts/place.ts'
import type { Host, Running } from '../../pipeline/runtime/host.ts'
import { backlog } from '../../pipeline/runtime/lag.ts'
import { type Outbox, runWorker, type Worker } from '../../pipeline/runtime/run-worker.ts'
import type { Engines } from '../engines.ts'
import { type Processing, roles } from './roles.ts'

/** Roles of one run. */
export type Roles = Running & {
  /** Aborted, with FcmError ROLE_FAILED as its reason, when one of them has ended for good. */
  failed: AbortSignal
  /** Whether alerts are timed (at first they are): history comes as fast as it can, and says nothing of latency. */
  timed(on: boolean): void
  /** Resolves once they have dealt with all that is in the log, or at `signal`. @throws FcmError ROLE_FAILED */
  caughtUp(onWait: (records: number) => void, signal: AbortSignal): Promise<void>
}

/** Roles that wait for something may take so long to stop; then they are cut off. */
const STOP_MS = 6 * SECOND

/** A worker that is no role of a deployment, but of one process: told of what happens in the run as the others are run. */
type Companion = Worker<AlertChange, AlertChange['place']>

/** Starts roles of a run. Where one can't start, none is left running. */
export async function startRoles(
  engines: Engines,
  run: string,
  names: readonly Processing[],
  ...companions: Companion[]
): Promise<Roles> {
  const { log, measured, patience } = engines
  const failing = new AbortController()
  const forcing = new AbortController()
  const force = () => forcing.abort(patience.waiting?.reason)
  if (patience.waiting?.aborted) force()
  else patience.waiting?.addEventListener('abort', force)
  const hostOf = (role: string) => host(engines, run, role, failing, forcing.signal)
  const atWork = names.map((role) => ({ run, role }))
  const started = await Promise.allSettled(names.map((name) => roles[name](hostOf(name), engines)))
  patience.waiting?.removeEventListener('abort', force)
  const running = started.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  const outbox = outboxOf(engines, run)
  for (const worker of companions) running.push(runWorker(hostOf(worker.name), outbox, worker))
  // Upstream first: what a role still writes is then seen by the next before that one stops.
  const stop = async (): Promise<void> => {
    for (const one of atWork) engines.atWork.delete(one)
    const timer = setTimeout(force, STOP_MS)
    try {
      for (const one of running) await one.stop()
    } finally {
      clearTimeout(timer)
    }
  }
  const missing = started.find((one) => one.status === 'rejected')
  if (missing) {
    await stop()
    throw missing.reason
  }
  for (const one of atWork) engines.atWork.add(one)
  // They end together.
  failing.signal.addEventListener('abort', () => {
    for (const one of atWork) engines.atWork.delete(one)
  })
  return {
    failed: failing.signal,
    timed(on) {
      if (on) measured.latency.untimed.delete(run)
      else measured.latency.untimed.add(run)
    },
    stop,
    async caughtUp(onWait, signal) {
      for (;;) {
        failing.signal.throwIfAborted()
        const counting = untilItPasses(
          () => backlog(log, run, names),
          () => {},
          signal,
        )
        const records = await counting.catch((error) => {
          if (signal.aborted) return 0
          throw error
        })
        if (records === 0 || signal.aborted) return
        onWait(records)
        await sleep(50)
      }
    },
  }
}

/** What happens in a run, as workers read it. */
const outboxOf = ({ store }: Engines, run: string): Outbox<AlertChange, AlertChange['place']> => ({
  last: async () => (await store.alerts.lastPlaces([run])).get(run) ?? BEGINNING,
  changes: (behind, limit) => store.alerts.changes(run, behind, limit),
})

/** What a role runs on. */
function host(
  { config, log, codec, logger, measured, failures, patience, atWork }: Engines,
  run: string,
  role: string,
  failing: AbortController,
  forced: AbortSignal,
): Host {
  return {
    ...{ run, log, codec, logger, metrics: measured, forced },
    batchSize: config.batchSize,
    checkpointMs: config.checkpointSeconds * SECOND,
    now: Date.now,
    onFailure(error) {
      if (forced.aborted) return
      const isOurs = error instanceof FcmError
      // Ended, it would be started again, only to be given partitions of the group and end anew.
      if (isOurs && error.code === 'STATE_VERSION' && config.kafkaBrokers !== undefined) {
        const replaced = new FcmError('ROLE_REPLACED', { run, ...error.details }, error)
        logger.warn({ run, role, code: replaced.code }, replaced.message)
        patience.onWaiting?.(replaced)
        failures.push(replaced.message)
        for (const one of atWork) if (one.run === run && one.role === role) atWork.delete(one)
        return
      }
      logger.error({ run, role, err: error }, 'role ended')
      const why = isOurs ? error.message : 'This is a fault of the program; it is in fcm.log.'
      const failure = new FcmError('ROLE_FAILED', { why: `${role} of run ${run}: ${why}` }, error)
      failures.push(failure.message)
      failing.abort(failure)
    },
    onWaiting: (error) => patience.onWaiting?.(error),
  }
}
