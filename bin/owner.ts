/** One process owns a data directory; this file tells the others where to ask it, and lets only its user do so. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type Owner = { pid: number; url: string; token: string }

const fileIn = (dir: string): string => join(dir, 'owner.json')

export async function writeOwner(dir: string, owner: Owner): Promise<void> {
  const temporary = `${fileIn(dir)}.${owner.pid}`
  await writeFile(temporary, JSON.stringify(owner), { mode: 0o600 })
  await rename(temporary, fileIn(dir))
}

export const removeOwner = (dir: string): Promise<void> => rm(fileIn(dir), { force: true })

/** The owner as written; it may have died since. Null: nobody has been there, or it ended properly. */
export async function readOwner(dir: string): Promise<Owner | null> {
  try {
    return JSON.parse(await readFile(fileIn(dir), 'utf8')) as Owner
  } catch {
    return null
  }
}
