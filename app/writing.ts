/** Two hands never write one thing: of all that would write into a run by itself, one does. */
import { FcmError } from '../common/errors.ts'
import { runsOf } from '../pipeline/topology.ts'
import type { Engines } from './engines.ts'

/**
 * Runs `work` while nothing else of this process, and no other process on the same database, writes into the run. `held`
 * is aborted when another process might.
 * @throws FcmError RUN_BUSY; or `taken`, where another process does
 */
export type WriteAlone = <T>(
  run: string,
  work: (held: AbortSignal) => Promise<T>,
  taken?: FcmError,
) => Promise<T>

export function createWriteAlone({ store }: Pick<Engines, 'store'>): WriteAlone {
  const busy = new Set<string>()
  return async (run, work, taken = new FcmError('RUN_BUSY', { run })) => {
    if (busy.has(run)) throw new FcmError('RUN_BUSY', { run })
    busy.add(run)
    return store.runs.alone(`run ${run}`, taken, work).finally(() => busy.delete(run))
  }
}

/** @throws FcmError RUN_UNKNOWN */
export async function checkRunIsThere({ log }: Pick<Engines, 'log'>, run: string): Promise<void> {
  const runs = runsOf((await log.topics('fcm.')).map(({ name }) => name))
  if (!runs.includes(run)) throw new FcmError('RUN_UNKNOWN', { run })
}
