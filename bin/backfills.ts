/** Which archives each run was made from, and from when on: a backfill goes on only with what it was begun with. */
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { FcmError } from '../common/errors.ts'
import { iso } from '../common/time.ts'
import { readJson, writeJson } from './files.ts'

type Backfill = { from: string | null; files: { name: string; bytes: number }[] }

const fileIn = (dir: string): string => join(dir, 'backfills.json')
const readAll = async (dir: string) => (await readJson<Record<string, Backfill>>(fileIn(dir))) ?? {}

/**
 * Notes what a run is made from. A run's position is a time, so nothing could be told of lines that came in between. More
 * behind what was there is all right: the last file may have grown, and files may follow.
 * @throws FcmError ARCHIVE_DIFFERS
 */
export async function noteArchives(
  dir: string,
  run: string,
  paths: string[],
  from: number | null,
): Promise<void> {
  const all = await readAll(dir)
  const files = await Promise.all(
    paths.map(async (path) => ({ name: basename(path), bytes: (await stat(path)).size })),
  )
  const given: Backfill = { from: from === null ? null : iso(from), files }
  const before = all[run] ?? given
  const isSame = before.files.every(({ name, bytes }, i) => {
    const now = files[i]
    return now?.name === name && (i < before.files.length - 1 ? now.bytes === bytes : now.bytes >= bytes)
  })
  if (!isSame || before.from !== given.from) {
    const names = before.files.map(({ name }) => name).join(', ')
    throw new FcmError('ARCHIVE_DIFFERS', {
      run,
      with: before.from ? `${names} --from ${before.from}` : names,
    })
  }
  await writeJson(fileIn(dir), { ...all, [run]: given })
}

export async function forgetArchives(dir: string, run: string): Promise<void> {
  const { [run]: _, ...rest } = await readAll(dir)
  await writeJson(fileIn(dir), rest)
}
