/** What only the owner of a data directory can do. The admin routes lead here. */
import type { Admin } from '../api/routes/admin.ts'
import { FcmError } from '../common/errors.ts'
import { LIVE, topicSpecs } from '../pipeline/topology.ts'
import { backfillOf } from './backfill.ts'
import type { Engines } from './engines.ts'
import { listDeadLetters, redriveOf } from './redrive.ts'
import { checkRunIsThere, createWriteAlone, type WriteAlone } from './writing.ts'

/** `token`: what the admin routes ask for. */
export function adminOf(engines: Engines, token: string): Admin {
  const writeAlone = createWriteAlone(engines)
  return {
    token,
    atWork: () => [...engines.atWork],
    backfill: backfillOf(engines, writeAlone),
    deleteRun: deleteRunOf(engines, writeAlone),
    deadLetters: listDeadLetters(engines),
    redrive: redriveOf(engines, writeAlone),
  }
}

/** Takes a run away: its topics, and what the database has of it. @throws FcmError RUN_IS_LIVE, RUN_UNKNOWN, RUN_BUSY */
export const deleteRunOf =
  (engines: Engines, writeAlone: WriteAlone): Admin['deleteRun'] =>
  async (run) => {
    if (run === LIVE) throw new FcmError('RUN_IS_LIVE', { run })
    await writeAlone(run, async () => {
      await checkRunIsThere(engines, run)
      // First what it is made from: who is started again meanwhile finds nothing to begin the run anew with.
      await engines.log.deleteTopics(topicSpecs(run, 1).map(({ name }) => name))
      await engines.store.runs.delete(run)
    })
  }
