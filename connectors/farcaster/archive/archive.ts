/**
 * Archives: hub messages as JSON, one a line, in whatever order. All files given together are read in order of time: as they
 * are where they stand in it, else sorted, through a file beside the log where memory is too small.
 */
import { FcmError } from '../../../common/errors.ts'
import type { Message } from '../../../schemas/message.ts'
import { type ArchiveItem, completeInOrder, type SourceItem } from '../completeness.ts'
import { type ArchiveLine, readLines } from './lines.ts'
import { type Parsed, parseLine } from './parse.ts'
import { compare, createSorter, type Entry, type SorterLimits } from './sorter.ts'
import { type FileSurvey, type Survey, type SurveyOptions, survey } from './survey.ts'

export type ArchiveOptions = Partial<SurveyOptions> & {
  /** Where what is not in order is sorted; it takes as much there as its lines do without compression. */
  dir: string
  limits?: SorterLimits
}

export type Archive = {
  survey: Survey
  /**
   * Those whose clocks are wrong; then the messages in order of time (of one second: posts, replies, reactions, removals,
   * each by hash), with spans behind them. Types that aren't kept and blank lines are passed over.
   * @throws FcmError FILE_UNREADABLE, also where a file has changed; ARCHIVE_JUMPS; LOG_FULL, DATA_DIR_UNUSABLE
   */
  items(): AsyncGenerator<SourceItem, void>
}

/** Reads all of `files` once, to know their order. @throws FcmError FILE_UNREADABLE; the reason of `signal` */
export async function openArchive(files: readonly string[], options: ArchiveOptions): Promise<Archive> {
  const now = options.believeClocks ? Number.POSITIVE_INFINITY : (options.now ?? Date.now())
  const found = await survey(files, { ...options, now })
  const parse = (line: ArchiveLine) => parseLine(line, now, found.believed)
  return {
    survey: found,
    async *items() {
      if (found.wrongClocks > 0) yield* wrongClocks(found.files, parse, options)
      const inTime = found.inOrder ? inOrder(found.inOrder, parse) : sorted(found.files, parse, options)
      yield* completeInOrder(inTime, found.gaps)
    },
  }
}

type Parse = (line: ArchiveLine) => Parsed | null
/** Told now and then, and asked whether to stop. */
type Reading = Pick<ArchiveOptions, 'onRead' | 'signal'>

/**
 * The lines that were there when the files were surveyed, each with its file's place.
 * @throws FcmError FILE_UNREADABLE; the reason of `signal`
 */
async function* linesOf(
  files: readonly FileSurvey[],
  { onRead, signal }: Reading = {},
): AsyncGenerator<ArchiveLine & { at: number }, void> {
  let before = 0
  for (const [at, { file, lines }] of files.entries()) {
    let last = { line: 0, bytesRead: 0 }
    for await (const line of readLines([file])) {
      if (line.line > lines) break
      last = line
      if (line.line % 1000 === 0) {
        signal?.throwIfAborted()
        onRead?.(before + line.bytesRead)
      }
      yield { ...line, at, bytesRead: before + line.bytesRead }
    }
    if (last.line < lines) throw changed(file)
    before += last.bytesRead
  }
}

/** Told before all else: nothing says of which time they are, so a part of the archive has them as well as the whole. */
async function* wrongClocks(
  files: readonly FileSurvey[],
  parse: Parse,
  reading: Reading,
): AsyncGenerator<ArchiveItem, void> {
  for await (const line of linesOf(files, reading)) {
    const parsed = parse(line)
    if (parsed?.kind === 'wrong-clock') yield refused(line, parsed)
  }
}

type Placed = Extract<Parsed, { kind: 'message' | 'unreadable' }>
const isPlaced = (parsed: Parsed | null): parsed is Placed =>
  parsed?.kind === 'message' || parsed?.kind === 'unreadable'

const changed = (file: string) =>
  new FcmError('FILE_UNREADABLE', { file, why: 'it was changed while it was read' })

async function* inOrder(files: readonly FileSurvey[], parse: Parse): AsyncGenerator<ArchiveItem, void> {
  type Held = { entry: Entry; message: Message }
  let second: Held[] = []
  let bytesRead = 0
  function* release(): Generator<ArchiveItem> {
    if (second.length > 1) second.sort((a, b) => compare(a.entry, b.entry))
    for (const { message } of second) yield { kind: 'message', message, bytesRead }
    second = []
  }
  for await (const line of linesOf(files)) {
    const parsed = parse(line)
    if (!isPlaced(parsed)) continue
    if (parsed.kind === 'unreadable') {
      yield refused(line, parsed)
      continue
    }
    const { message } = parsed
    const time = second[0]?.message.time ?? Number.NEGATIVE_INFINITY
    if (message.time < time) throw changed(line.file)
    if (message.time > time) yield* release()
    bytesRead = line.bytesRead
    second.push({ entry: entryOf(line, parsed, message.time), message })
  }
  yield* release()
}

async function* sorted(
  files: readonly FileSurvey[],
  parse: Parse,
  { dir, limits, ...reading }: ArchiveOptions,
): AsyncGenerator<ArchiveItem, void> {
  const sorter = createSorter(dir, limits)
  try {
    let entries = 0
    let bytesRead = 0
    for await (const line of linesOf(files, reading)) {
      const parsed = parse(line)
      if (!isPlaced(parsed)) continue
      entries++
      bytesRead = line.bytesRead
      await sorter.add(entryOf(line, parsed, files[line.at]!.from))
    }
    let given = 0
    for await (const { bytes, tag } of sorter.sorted()) {
      const [at, line, length] = tag
      const read = { file: files[at]!.file, line, bytes, length, bytesRead: (bytesRead * ++given) / entries }
      const parsed = parse(read) as Placed
      yield parsed.kind === 'message'
        ? { kind: 'message', message: parsed.message, bytesRead: read.bytesRead }
        : refused(read, parsed)
    }
  } finally {
    await sorter.close()
  }
}

const NO_ID = Buffer.alloc(0)
const RANKS: Record<Message['type'], number> = {
  ...{ cast: 1, reaction: 3, 'reaction-removed': 4, 'cast-removed': 4 },
}

/**
 * A line and its place. One that can't be read stands before the messages of its time or, where that isn't known, before its
 * file's, all of which it may be missing from.
 */
function entryOf(line: ArchiveLine & { at: number }, parsed: Placed, first: number): Entry {
  const { bytes, at } = line
  const tag = [at, line.line, line.length] as const
  if (parsed.kind === 'message') {
    const { time, hash: id, ...message } = parsed.message
    const isReply = message.type === 'cast' && message.parent !== null && 'cast' in message.parent
    return { time, rank: RANKS[message.type] + (isReply ? 1 : 0), id, bytes, tag }
  }
  return { time: parsed.time ?? first, rank: 0, id: NO_ID, bytes, tag }
}

type Refusal = Extract<Parsed, { why: string }>
const refused = ({ file, line, bytes }: ArchiveLine, { kind, why }: Refusal): ArchiveItem => ({
  ...{ kind, file, line, bytes, why },
})
