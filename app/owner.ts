/** One process owns a data directory; this file tells the others where to ask it, and lets only its user do so. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FcmError } from '../common/errors.ts'
import { readJson, writeJson } from './files.ts'

export type Owner = { pid: number; url: string; token: string }

const fileIn = (dir: string): string => join(dir, 'owner.json')

export const writeOwner = (dir: string, owner: Owner): Promise<void> => writeJson(fileIn(dir), owner, 0o600)
export const removeOwner = (dir: string): Promise<void> => rm(fileIn(dir), { force: true })

/** The owner as written; null when nobody has been there, it ended properly, or its process is no more. */
export async function readOwner(dir: string): Promise<Owner | null> {
  const owner = await readJson<Owner>(fileIn(dir)).catch((error: FcmError) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code !== 'EACCES') return null
    throw new FcmError('DATA_DIR_UNUSABLE', { dir, why: 'it belongs to another user' }, error)
  })
  return owner && isAlive(owner.pid) ? owner : null
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
