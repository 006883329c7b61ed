/** Archives: hub messages as JSON, one a line, in files that may be compressed with gzip. */
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { FcmError } from '../../common/errors.ts'
import { MINUTE } from '../../common/time.ts'
import type { Message } from '../../schemas/message.ts'
import { parseHubMessage } from './hub-message.ts'

export type ArchiveItem =
  | { kind: 'message'; message: Message; bytesRead: number }
  | { kind: 'unreadable'; file: string; line: number; bytes: Buffer; why: string }

const MAX_LINE_BYTES = 8 * 2 ** 20
/** What is kept of a line over the limit. */
const LINE_SAMPLE_BYTES = 64 * 2 ** 10
/** The protocol refuses what is signed further ahead: there it is a broken clock or line. */
const MAX_AHEAD = 10 * MINUTE

/** Names and bytes, as they lie on disk, of what `readArchive` will read. @throws FcmError FILE_UNREADABLE */
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
 * The messages of `files`, file after file, line after line; types that aren't kept and blank lines are passed over.
 * `bytesRead` counts bytes on disk over all files and runs a little ahead. Of a line over 8 MB the first 64 kB come.
 * `now`: the wall clock in ms; what is signed over 10 minutes after it is unreadable.
 * @throws FcmError FILE_UNREADABLE, behind the items that came before
 */
export async function* readArchive(
  files: string[],
  { now = Date.now }: { now?: () => number } = {},
): AsyncGenerator<ArchiveItem, void> {
  for await (const { file, line, bytes, length, bytesRead } of readLines(files)) {
    try {
      const message = parseLine(bytes, length, now)
      if (message) yield { kind: 'message', message, bytesRead }
    } catch (error) {
      if (!(error instanceof FcmError)) throw error
      yield { kind: 'unreadable', file, line, bytes, why: error.message }
    }
  }
}

/** `line` counts from 1 in its file; `length` is that of the line in bytes, `bytes` only its beginning if over 8 MB. */
export type ArchiveLine = { file: string; line: number; bytes: Buffer; length: number; bytesRead: number }

/** All lines of `files`, without their newlines, whatever is in them. @throws FcmError FILE_UNREADABLE */
export async function* readLines(files: string[]): AsyncGenerator<ArchiveLine, void> {
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

function parseLine(bytes: Buffer, length: number, now: () => number): Message | null {
  if (length > MAX_LINE_BYTES) throw invalid(`its line has ${length} bytes`)
  if (!isUtf8(bytes)) throw invalid('its line is not UTF-8')
  const text = bytes.toString()
  if (text.trim() === '') return null
  let json: unknown
  try {
    // Some editors put a byte order mark before the first line.
    json = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    throw invalid('its line is not JSON')
  }
  const message = parseHubMessage(json)
  if (message && message.time > now() + MAX_AHEAD) throw invalid('data.timestamp is in the future')
  return message
}

const invalid = (why: string) => new FcmError('HUB_MESSAGE_INVALID', { why })

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

async function contentOf(file: string): Promise<{ content: AsyncIterable<Buffer>; bytesRead: () => number }> {
  const handle = await openFile(file)
  const magic = Buffer.alloc(2)
  await attempt(file, () => handle.read(magic, 0, 2, 0)).catch(async (error) => {
    await handle.close()
    throw error
  })
  const raw = createReadStream('', { fd: handle, start: 0, highWaterMark: 2 ** 18 })
  const gzip = magic[0] === 0x1f && magic[1] === 0x8b
  // Errors reach the reader through the stream that it reads.
  const content = gzip ? pipeline(raw, createGunzip({ chunkSize: 2 ** 18 }), () => {}) : raw
  return { content, bytesRead: () => raw.bytesRead }
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
