/** What is kept in a data directory, and who may look into it. */
import { existsSync } from 'node:fs'
import { access, constants, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FcmError } from '../common/errors.ts'
import { openEmbeddedLog } from '../pipeline/log/embedded/embedded.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import { LIVE, runsOf } from '../pipeline/topology.ts'
import { makeDirectory } from './files.ts'

export const hasLog = (dir: string): boolean => existsSync(join(dir, 'log.sqlite'))

/** What belongs to fcm in a data directory; `--fresh` deletes these and nothing else. */
const OURS = [
  ...['log.sqlite', 'log.sqlite-wal', 'log.sqlite-shm', 'postgres', 'postgres.incomplete', 'schemas.json'],
  ...['ground-truth.json', 'fcm.log', 'fcm.pid'],
]

const UNUSABLE: Record<string, string> = {
  EACCES: 'this user may not write there',
  EROFS: 'its file system is read-only',
  ENOENT: 'its file system takes no directories',
  ENOTDIR: 'what stands before it is a file',
}

/** Makes the directory, for this user alone, where it isn't there. @throws FcmError DATA_DIR_UNUSABLE */
export async function makeDataDirectory(dir: string): Promise<void> {
  try {
    await makeDirectory(dir, 0o700)
    if (!(await stat(dir)).isDirectory()) throw new Error('it is a file')
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
  const log = await openLocked(dir).catch((error) => {
    if (fresh && error instanceof FcmError && error.code === 'LOG_BROKEN') return null
    throw error
  })
  if (log && !fresh) return { log, deleted: [] }
  const runs = log ? runsOf((await log.topics('fcm.')).map(({ name }) => name)) : [LIVE]
  await log?.close()
  for (const name of OURS) await rm(join(dir, name), { recursive: true, force: true })
  return { log: await openLocked(dir), deleted: runs }
}

const pidIn = (dir: string): string => join(dir, 'fcm.pid')

/** @throws FcmError DATA_DIR_LOCKED with the process that has it */
async function openLocked(dir: string): Promise<EventLog> {
  try {
    const log = await openEmbeddedLog(dir)
    // Only whoever finds the directory locked reads it, so that it may stay behind.
    await writeFile(pidIn(dir), `${process.pid}\n`).catch(() => {})
    return log
  } catch (error) {
    if (!(error instanceof FcmError && error.code === 'DATA_DIR_LOCKED')) throw error
    const pid = Number(await readFile(pidIn(dir), 'utf8').catch(() => ''))
    throw new FcmError('DATA_DIR_LOCKED', { dir, ...(pid > 0 && { pid }) }, error)
  }
}
