/** Lines of files, which may be compressed with gzip. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { FcmError } from '../../../common/errors.ts'

export const MAX_LINE_BYTES = 8 * 2 ** 20
/** What is kept of a line over the limit. */
const LINE_SAMPLE_BYTES = 64 * 2 ** 10
const CHUNK_BYTES = 2 ** 18

/** Names and bytes, as they lie on disk, of what `readLines` will read. @throws FcmError FILE_UNREADABLE */
export async function archivesAt(files: string[]): Promise<{ name: string; bytes: number }[]> {
  const found = []
  for (const file of files) {
    const handle = await openFile(file)
    const { size } = await handle.stat().finally(() => handle.close())
    found.push({ name: basename(file), bytes: size })
  }
  return found
}

/**
 * `line` counts from 1 in its file; `length` is that of the line in bytes, `bytes` only its beginning if over 8 MB.
 * `bytesRead` counts bytes on disk over all files and runs a little ahead.
 */
export type ArchiveLine = { file: string; line: number; bytes: Buffer; length: number; bytesRead: number }

/** All lines of `files`, without their newlines, whatever is in them. @throws FcmError FILE_UNREADABLE */
export async function* readLines(files: readonly string[]): AsyncGenerator<ArchiveLine, void> {
  let before = 0
  for (const file of files) {
    const source = await contentOf(file)
    let line = 0
    try {
      for await (const { bytes, length } of lines(source.content)) {
        line++
        yield { file, line, bytes, length, bytesRead: before + source.bytesRead() }
      }
    } catch (error) {
      throw unreadable(file, error, line)
    }
    before += source.bytesRead()
  }
}

/** Lines without their newlines. `length` is that of the line, `bytes` only its beginning where it is over the limit. */
async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<{ bytes: Buffer; length: number }> {
  let parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer) => {
    length += part.length
    if (length <= MAX_LINE_BYTES) parts.push(part)
    else parts = [Buffer.from(Buffer.concat([...parts, part]).subarray(0, LINE_SAMPLE_BYTES))]
  }
  const take = () => {
    const line = { bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts), length }
    parts = []
    length = 0
    return line
  }
  for await (const chunk of chunks) {
    let begin = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, begin)) {
      add(chunk.subarray(begin, end))
      yield take()
      begin = end + 1
    }
    if (begin < chunk.length) add(chunk.subarray(begin))
  }
  if (length > 0) yield take()
}

/** A file of any other kind might never be opened, or never end. @throws FcmError FILE_UNREADABLE */
const openFile = (file: string): Promise<FileHandle> =>
  attempt(file, async () => {
    const stats = await stat(file)
    if (stats.isDirectory()) throw Object.assign(new Error(file), { code: 'EISDIR' })
    if (!stats.isFile()) throw Object.assign(new Error(file), { code: 'NO_FILE' })
    return open(file)
  })

type Content = { content: AsyncIterable<Buffer>; bytesRead: () => number }

async function contentOf(file: string): Promise<Content> {
  const handle = await openFile(file)
  let bytesRead = 0
  /** What lies on disk from `position` on. */
  async function* chunks(position: number): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position)
      if (chunk.bytesRead === 0) return
      position += chunk.bytesRead
      bytesRead = Math.max(bytesRead, position)
      yield chunk.buffer.subarray(0, chunk.bytesRead)
    }
  }
  async function* content(): AsyncGenerator<Buffer> {
    try {
      if (await isGzipAt(handle, 0)) yield* unzipped(handle, chunks)
      else yield* chunks(0)
    } finally {
      await handle.close()
    }
  }
  return { content: content(), bytesRead: () => bytesRead }
}

async function isGzipAt(handle: FileHandle, position: number): Promise<boolean> {
  const magic = Buffer.alloc(2)
  await handle.read(magic, 0, 2, position)
  return magic[0] === 0x1f && magic[1] === 0x8b
}

/**
 * Every member of a gzip file. zlib takes a zero byte behind a member for the end of all, and says nothing of what is
 * behind it: padding is passed over here, and what is neither padding nor a member is an error.
 */
async function* unzipped(
  handle: FileHandle,
  chunks: (position: number) => AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer> {
  for (let start: number | null = 0; start !== null; start = await afterPadding(handle, start)) {
    if (!(await isGzipAt(handle, start))) throw Object.assign(new Error(), { code: 'NO_GZIP' })
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
    // Errors reach the reader through the stream that it reads.
    yield* pipeline(chunks(start), gunzip, () => {})
    start += gunzip.bytesWritten
  }
}

/** Where the zeros at `position` end; null where the file does. */
async function afterPadding(handle: FileHandle, position: number): Promise<number | null> {
  const buffer = Buffer.alloc(CHUNK_BYTES)
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
    if (bytesRead === 0) return null
    const end = buffer.subarray(0, bytesRead).findIndex((byte) => byte !== 0)
    if (end >= 0) return position + end
    position += bytesRead
  }
}

async function attempt<T>(file: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw unreadable(file, error)
  }
}

const REASONS: Partial<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  NO_FILE: 'it is a pipe or a device, and is read more than once: write it to a file first',
  EACCES: 'this user may not read it',
  ELOOP: 'its links lead in a circle',
  NO_GZIP: 'behind its gzip data stands something else',
  Z_BUF_ERROR: 'its gzip data ends too early: the file was cut off',
  Z_DATA_ERROR: 'its gzip data is damaged',
}

/** The coded form of what the system said of `file`; any other error as it is. */
function unreadable(file: string, error: unknown, line?: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof FcmError || code === undefined) return error
  const why = REASONS[code] ?? message
  return new FcmError('FILE_UNREADABLE', { file, why: line ? `${why}, after line ${line}` : why }, error)
}
