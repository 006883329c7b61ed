/** Archives through the very same roles, into a run of their own. */
import { resolve } from 'node:path'
import type { Admin } from '../api/routes/admin.ts'
import { FcmError } from '../common/errors.ts'
import { onFirst, untilItPasses } from '../common/retry.ts'
import { BASE, iso, LATENESS } from '../common/time.ts'
import { archivesAt, readArchive } from '../connectors/farcaster/archive.ts'
import { completeByLateness } from '../connectors/farcaster/completeness.ts'
import { publish } from '../connectors/farcaster/publish.ts'
import { checkRunName, LIVE } from '../pipeline/topology.ts'
import type { Engines } from './engines.ts'
import { PROCESSING } from './roles/roles.ts'
import { startRoles } from './roles/start.ts'
import { noteOrigin } from './sources/origin.ts'
import type { WriteAlone } from './writing.ts'

/**
 * Goes on where it was stopped; waits while another process writes into the run, or the database is away.
 * @throws FcmError RUN_IS_LIVE, RUN_NAME_INVALID, RUN_BUSY, FILE_UNREADABLE, ARCHIVE_DIFFERS, NO_ARCHIVE, ROLE_FAILED
 */
export const backfillOf =
  (engines: Engines, writeAlone: WriteAlone): Admin['backfill'] =>
  async (request, onProgress, signal) => {
    const run = checkRunName(request.run)
    if (run === LIVE) throw new FcmError('RUN_IS_LIVE', { run })
    const work = async (held: AbortSignal) => {
      const done = await fill(engines, request, onProgress, AbortSignal.any([signal, held]))
      if (!done.finished && !signal.aborted) held.throwIfAborted()
      return done
    }
    const taken = new FcmError('RUN_TAKEN', { run })
    const onWaiting = onFirst(({ message }) => onProgress({ phase: 'waiting', detail: message }))
    return untilItPasses(() => writeAlone(run, work, taken), onWaiting, signal)
  }

async function fill(
  engines: Engines,
  { files, run, from, to }: Parameters<Admin['backfill']>[0],
  onProgress: Parameters<Admin['backfill']>[1],
  signal: AbortSignal,
) {
  const { log, codec } = engines
  const paths = files.map((file) => resolve(file))
  const archives = await archivesAt(paths)
  const totalBytes = archives.reduce((sum, { bytes }) => sum + bytes, 0)
  await engines.openRun(run)
  const since = from === undefined ? null : iso(from)
  await noteOrigin(log, run, { kind: 'archives', from: since, files: archives })
  const roles = await startRoles(engines, run, PROCESSING)
  roles.timed(false)
  try {
    const published = await publish({
      log,
      codec,
      run,
      measures: ['posts', 'replies', 'reactions'],
      input: completeByLateness(readArchive(paths)),
      revisit: BASE + LATENESS,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      signal: AbortSignal.any([signal, roles.failed]),
      onWarning: ({ message }) => onProgress({ phase: 'waiting', detail: message }),
      onProgress: (progress) =>
        onProgress({
          phase: 'reading',
          messages: progress.messages,
          unreadable: progress.unreadable,
          bytesRead: progress.bytesRead,
          totalBytes,
          eventTime: progress.published === null ? null : iso(progress.published),
        }),
    })
    roles.failed.throwIfAborted()
    if (published.messages === 0 && published.unreadable > 0) {
      throw new FcmError('NO_ARCHIVE', { run, lines: published.unreadable })
    }
    if (!published.finished) return { run, finished: false, messages: published.messages }
    await roles.caughtUp((records) => onProgress({ phase: 'processing', records }), signal)
    return {
      run,
      finished: !signal.aborted,
      messages: published.messages,
      unreadable: published.unreadable,
      eventTime: published.published === null ? null : iso(published.published),
    }
  } finally {
    await roles.stop()
  }
}
