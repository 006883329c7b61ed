/**
 * Sorts more than fits into memory: what does not is written to a file in sorted runs, which are merged as they are read.
 * The file has no name any more while it is used, so the system takes it away with the process, however that ends.
 */
import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FcmError } from '../../../common/errors.ts'

/** In order of `time`, `rank`, `id`, `bytes`: so never in that of arrival. */
export type Entry = {
  time: number
  rank: number
  id: Buffer
  bytes: Buffer
  tag: readonly [number, number, number]
}

export type Sorter = {
  add(entry: Entry): Promise<void>
  /** All that was added, once. */
  sorted(): AsyncGenerator<Entry, void>
  close(): Promise<void>
}

/** Held in memory before a run is written: bytes of the entries, and how many. */
const RUN_BYTES = 64 * 2 ** 20
const RUN_ENTRIES = 200_000
/** Runs merged at once, each with a buffer of its own: more are merged to longer ones first. */
const FAN_IN = 64
const READ_BYTES = 2 ** 18
const WRITE_BYTES = 2 ** 20

type Run = { from: number; to: number }
export type SorterLimits = { runBytes?: number; runEntries?: number; fanIn?: number }

/** Writes below `dir`, only if need be. @throws FcmError LOG_FULL, DATA_DIR_UNUSABLE */
export function createSorter(dir: string, limits: SorterLimits = {}): Sorter & { readonly runs: number } {
  const { runBytes = RUN_BYTES, runEntries = RUN_ENTRIES, fanIn = FAN_IN } = limits
  let held: Entry[] = []
  let bytes = 0
  let file: FileHandle | undefined
  let end = 0
  let runs: Run[] = []

  async function write(entries: Iterable<Entry> | AsyncIterable<Entry>): Promise<Run> {
    file ??= await openNameless(dir)
    const from = end
    let parts: Buffer[] = []
    let size = 0
    const flush = async () => {
      const buffer = Buffer.concat(parts, size)
      for (let at = 0; at < size; ) {
        const { bytesWritten } = await file!.write(buffer, at, size - at, end)
        at += bytesWritten
        end += bytesWritten
      }
      parts = []
      size = 0
    }
    for await (const entry of entries) {
      const head = encodeHead(entry)
      parts.push(head, entry.bytes)
      size += head.length + entry.bytes.length
      if (size >= WRITE_BYTES) await flush()
    }
    await flush()
    return { from, to: end }
  }

  const spill = async () => {
    const entries = held.sort(compare)
    held = []
    bytes = 0
    runs.push(await write(entries))
  }

  return {
    get runs() {
      return runs.length
    },
    add(entry) {
      // A part of a larger buffer would keep all of it.
      held.push({ ...entry, bytes: Buffer.from(entry.bytes) })
      bytes += entry.bytes.length
      return bytes >= runBytes || held.length >= runEntries ? guarded(dir, spill) : DONE
    },
    async *sorted() {
      if (runs.length === 0) {
        yield* held.sort(compare)
        return
      }
      if (held.length > 0) await guarded(dir, spill)
      while (runs.length > fanIn) {
        const few = runs.slice(0, fanIn)
        const merged = await guarded(dir, () => write(merge(few.map((run) => readRun(file!, run)))))
        runs = [...runs.slice(fanIn), merged]
      }
      yield* merge(runs.map((run) => readRun(file!, run)))
    },
    async close() {
      await file?.close()
    },
  }
}

const DONE = Promise.resolve()

export function compare(a: Entry, b: Entry): number {
  return (
    (a.time === b.time ? 0 : a.time - b.time) ||
    a.rank - b.rank ||
    Buffer.compare(a.id, b.id) ||
    Buffer.compare(a.bytes, b.bytes)
  )
}

async function openNameless(dir: string): Promise<FileHandle> {
  await mkdir(dir, { recursive: true })
  const path = join(dir, randomUUID())
  const file = await open(path, 'wx+', 0o600)
  await rm(path)
  return file
}

async function guarded<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof FcmError || code === undefined) throw error
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new FcmError('LOG_FULL', { file: dir }, error)
    throw new FcmError('DATA_DIR_UNUSABLE', { dir, why: message }, error)
  }
}

/** Length of `bytes`, `time`, three numbers of `tag`, `rank`, length of `id`; then `id`. */
const HEAD_BYTES = 8 * 5 + 2

function encodeHead({ time, rank, id, bytes, tag }: Entry): Buffer {
  const head = Buffer.alloc(HEAD_BYTES + id.length)
  for (const [i, n] of [bytes.length, time, ...tag].entries()) head.writeDoubleLE(n, i * 8)
  head.writeUInt8(rank, 40)
  head.writeUInt8(id.length, 41)
  id.copy(head, HEAD_BYTES)
  return head
}

async function* readRun(file: FileHandle, { from, to }: Run): AsyncGenerator<Entry, void> {
  let buffer = Buffer.alloc(0)
  let at = 0
  let next = from
  const fill = async (wanted: number) => {
    if (buffer.length - at >= wanted) return
    const more = Buffer.alloc(Math.min(to - next, Math.max(READ_BYTES, wanted)))
    for (let read = 0; read < more.length; ) {
      const { bytesRead } = await file.read(more, read, more.length - read, next + read)
      if (bytesRead === 0) throw new Error('a sorted run ends too early')
      read += bytesRead
    }
    next += more.length
    buffer = Buffer.concat([buffer.subarray(at), more])
    at = 0
  }
  while (next < to || at < buffer.length) {
    await fill(HEAD_BYTES)
    const numbers = [0, 1, 2, 3, 4].map((i) => buffer.readDoubleLE(at + i * 8))
    const [length, time, ...tag] = numbers as [number, number, number, number, number]
    const rank = buffer.readUInt8(at + 40)
    const idLength = buffer.readUInt8(at + 41)
    await fill(HEAD_BYTES + idLength + length)
    const idAt = at + HEAD_BYTES
    const bytesAt = idAt + idLength
    const id = buffer.subarray(idAt, bytesAt)
    at = bytesAt + length
    yield { time, rank, id, bytes: buffer.subarray(bytesAt, at), tag }
  }
}

/** A heap of the runs' first entries. */
async function* merge(runs: AsyncGenerator<Entry, void>[]): AsyncGenerator<Entry, void> {
  type Head = { entry: Entry; run: AsyncGenerator<Entry, void> }
  const heap: Head[] = []
  const isBefore = (i: number, j: number) => compare(heap[i]!.entry, heap[j]!.entry) < 0
  const swap = (i: number, j: number) => {
    ;[heap[i], heap[j]] = [heap[j]!, heap[i]!]
  }
  const sink = (i: number): void => {
    for (;;) {
      const [left, right] = [2 * i + 1, 2 * i + 2]
      let least = i
      if (left < heap.length && isBefore(left, least)) least = left
      if (right < heap.length && isBefore(right, least)) least = right
      if (least === i) return
      swap(i, least)
      i = least
    }
  }
  for (const run of runs) {
    const { done, value } = await run.next()
    if (!done) heap.push({ entry: value, run })
  }
  for (let i = heap.length >> 1; i >= 0; i--) sink(i)
  while (heap.length > 0) {
    const { entry, run } = heap[0]!
    yield entry
    const { done, value } = await run.next()
    if (!done) heap[0] = { entry: value, run }
    else {
      const last = heap.pop()!
      if (heap.length > 0) heap[0] = last
    }
    sink(0)
  }
}
