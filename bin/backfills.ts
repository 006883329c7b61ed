/** Which archives each run was made from: a backfill goes on only with those it was begun with. */
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { FcmError } from '../common/errors.ts'

type Archive = { name: string; bytes: number }

/**
 * Notes the archives of a run. A run's position is a time, so nothing could be told of lines that came in between; more
 * behind what was there is all right: the last file may have grown, and files may follow.
 * @throws FcmError ARCHIVE_DIFFERS
 */
export async function noteArchives(dir: string, run: string, files: string[]): Promise<void> {
  const file = join(dir, 'backfills.json')
  const all: Record<string, Archive[]> = await readFile(file, 'utf8').then(JSON.parse, () => ({}))
  const given = await Promise.all(
    files.map(async (path) => ({ name: basename(path), bytes: (await stat(path)).size })),
  )
  const before = all[run] ?? []
  const same = before.every(({ name, bytes }, i) => {
    const now = given[i]
    return now?.name === name && (i < before.length - 1 ? now.bytes === bytes : now.bytes >= bytes)
  })
  if (!same) throw new FcmError('ARCHIVE_DIFFERS', { run, names: before.map(({ name }) => name).join(', ') })
  await writeFile(`${file}.new`, JSON.stringify({ ...all, [run]: given }, null, 2))
  await rename(`${file}.new`, file)
}

export async function forgetArchives(dir: string, run: string): Promise<void> {
  const file = join(dir, 'backfills.json')
  const all = await readFile(file, 'utf8').then(JSON.parse, () => ({}))
  delete all[run]
  await writeFile(`${file}.new`, JSON.stringify(all, null, 2))
  await rename(`${file}.new`, file)
}
