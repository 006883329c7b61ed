/** Small files in a data directory: read whole, written whole or not at all. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FcmError } from '../common/errors.ts'

/**
 * Makes a directory, and those that it is to stand in; what is there already, file or directory, stays. Node's own
 * `recursive` never ends where a file system (`/proc`) has the parent and takes no directory in it.
 */
export async function makeDirectory(dir: string, mode = 0o777): Promise<void> {
  const make = () =>
    mkdir(dir, { mode }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  try {
    await make()
  } catch (error) {
    const parent = dirname(dir)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existsSync(parent)) throw error
    await makeDirectory(parent, mode)
    await make()
  }
}

/** The JSON in a file; null where there is none. @throws FcmError FILE_UNREADABLE when it is there and damaged */
export async function readJson<T>(file: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new FcmError('FILE_UNREADABLE', { file, why: (error as Error).message }, error)
  }
}

/** Replaces the file in one step. @throws FcmError LOG_FULL, DATA_DIR_UNUSABLE */
export async function writeJson(file: string, content: unknown, mode = 0o644): Promise<void> {
  const temporary = `${file}.${process.pid}`
  try {
    await writeFile(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode })
    await rename(temporary, file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new FcmError('LOG_FULL', { file }, error)
    throw new FcmError('DATA_DIR_UNUSABLE', { dir: file, why: message }, error)
  }
}
