/** Archives through the very same roles, into a run of their own. */
import { join, resolve } from 'node:path'
import type { Admin } from '../api/routes/admin.ts'
import { FcmError } from '../common/errors.ts'
import { onFirst, untilItPasses } from '../common/retry.ts'
import { BASE, iso, LATENESS } from '../common/time.ts'
import { type Archive, openArchive } from '../connectors/farcaster/archive/archive.ts'
import { archivesAt } from '../connectors/farcaster/archive/lines.ts'
import { type Progress, position, wholeSource } from '../connectors/farcaster/whole.ts'
import { publish } from '../connectors/sources/publish.ts'
import { checkRunName, LIVE } from '../pipeline/topology.ts'
import type { Engines } from './engines.ts'
import { PROCESSING } from './roles/roles.ts'
import { startRoles } from './roles/start.ts'
import { archivesNoted, checkOrigin, noteOrigin, type Origin } from './sources/origin.ts'
import type { WriteAlone } from './writing.ts'

/**
 * Goes on where it was stopped; waits while another process writes into the run, or the database is away.
 * @throws FcmError RUN_IS_LIVE, RUN_NAME_INVALID, RUN_BUSY, FILE_UNREADABLE, ARCHIVE_DIFFERS, ARCHIVE_GREW, NO_ARCHIVE,
 * ROLE_FAILED
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

/** The end of an archive closes its last bins early: what has come to them since is late instead of lost. */
const REVISIT = BASE + LATENESS

type Request = Parameters<Admin['backfill']>[0]
type OnProgress = Parameters<Admin['backfill']>[1]

async function fill(engines: Engines, request: Request, onProgress: OnProgress, signal: AbortSignal) {
  const { log, codec } = engines
  const { run, from, to } = request
  await engines.openRun(run)
  const { archive, totalBytes } = await openFor(engines, request, onProgress, signal)
  const { wrongClocks, others, files } = archive.survey
  const lines = files.reduce((sum, file) => sum + file.lines, -others)
  const roles = await startRoles(engines, run, PROCESSING)
  roles.timed(false)
  try {
    let read: Progress = { messages: 0, unreadable: 0, bytesRead: 0, published: null }
    const open = wholeSource({
      ...{ input: archive.items(), revisit: REVISIT, from, to },
      onProgress(progress) {
        read = progress
        const { messages, unreadable, bytesRead, published } = progress
        const eventTime = published === null ? null : iso(published)
        onProgress({ phase: 'reading', messages, unreadable, bytesRead, totalBytes, eventTime })
      },
    })
    const { finished } = await publish({
      ...{ log, codec, run, open },
      signal: AbortSignal.any([signal, roles.failed]),
      onWarning: ({ message }) => onProgress({ phase: 'waiting', detail: message }),
    })
    const { messages, unreadable, published } = read
    roles.failed.throwIfAborted()
    if (finished && messages === 0)
      throw new FcmError('NO_ARCHIVE', { run, lines: unreadable, others, wrongClocks })
    if (!finished) return { run, finished, messages }
    await roles.caughtUp((records) => onProgress({ phase: 'processing', records }), signal)
    return {
      run,
      finished: !signal.aborted,
      messages,
      unreadable,
      ...{ wrongClocks, lines },
      eventTime: published === null ? null : iso(published),
    }
  } finally {
    await roles.stop()
  }
}

/** Looks at the whole archive, and notes it as what the run is made from. */
async function openFor(
  { dir, log, codec }: Engines,
  { files, run, from, believeClocks }: Request,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<{ archive: Archive; totalBytes: number }> {
  const paths = files.map((file) => resolve(file))
  const onDisk = await archivesAt(paths)
  const totalBytes = onDisk.reduce((sum, { bytes }) => sum + bytes, 0)
  const originOf = (files: typeof onDisk): Origin => ({
    ...{ kind: 'archives', from: from === undefined ? null : iso(from), files },
    ...(believeClocks && { believeClocks }),
  })
  await checkOrigin(log, run, originOf(onDisk))
  const noted = await archivesNoted(log, run)
  const archive = await openArchive(paths, {
    dir: join(dir, 'tmp'),
    onRead: (bytesRead) => onProgress({ phase: 'ordering', bytesRead, totalBytes }),
    ...{ signal, believeClocks },
    ...(noted ? { known: noted.map(({ lines }) => lines ?? Number.POSITIVE_INFINITY) } : {}),
  })
  const { earliestNew, files: surveyed } = archive.survey
  const decided = await position(log, codec, run)
  if (decided !== null && earliestNew < decided - REVISIT)
    throw new FcmError('ARCHIVE_GREW', { run, decided: iso(decided), earliest: iso(earliestNew) })
  await noteOrigin(log, run, originOf(onDisk.map((file, i) => ({ ...file, lines: surveyed[i]!.lines }))))
  return { archive, totalBytes }
}
