/** What is kept in a data directory, and who may look into it. */
import { existsSync } from 'node:fs'
import { access, constants, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FcmError } from '../common/errors.ts'
import { openEmbeddedLog } from '../pipeline/log/embedded/embedded.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import { LIVE, runsOf } from '../pipeline/topology.ts'

export const hasLog = (dir: string): boolean => existsSync(join(dir, 'log.sqlite'))

/** What belongs to fcm in a data directory; `--fresh` deletes these and nothing else. */
const OURS = [
  ...['log.sqlite', 'log.sqlite-wal', 'log.sqlite-shm', 'postgres', 'postgres.incomplete', 'schemas.json'],
  ...['ground-truth.json', 'fcm.log'],
]

const UNUSABLE: Record<string, string> = {
  EACCES: 'this user may not write there',
  EROFS: 'its file system is read-only',
  EEXIST: 'it is a file',
  ENOTDIR: 'what stands before it is a file',
}

/** Makes the directory where it isn't there. @throws FcmError DATA_DIR_UNUSABLE */
export async function makeDataDirectory(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true })
    await access(dir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new FcmError('DATA_DIR_UNUSABLE', { dir, why: UNUSABLE[code ?? ''] ?? message }, error)
  }
}

/**
 * Opens the log of a data directory; `fresh`: after deleting all that is in it, whose runs are told. The log holds the
 * directory's lock, so it comes first, also before anything is deleted.
 */
export async function openLogIn(dir: string, fresh: boolean): Promise<{ log: EventLog; deleted: string[] }> {
  const log = await openEmbeddedLog(dir).catch((error) => {
    if (fresh && error instanceof FcmError && error.code === 'LOG_BROKEN') return null
    throw error
  })
  if (log && !fresh) return { log, deleted: [] }
  const runs = log ? runsOf((await log.topics('fcm.')).map(({ name }) => name)) : [LIVE]
  await log?.close()
  for (const name of OURS) await rm(join(dir, name), { recursive: true, force: true })
  return { log: await openEmbeddedLog(dir), deleted: runs }
}
