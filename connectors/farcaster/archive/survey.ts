/** A first look at the whole archive: in which order it stands, what in it can't be read, and which clocks are believed. */

import { believedIn, hourOf, newHours } from './believed.ts'
import { disjoint, type Gap, gapAround } from './gaps.ts'
import { type ArchiveLine, readLines } from './lines.ts'
import { type Believed, type Parsed, parseLine } from './parse.ts'

export type Survey = {
  believed: Believed | undefined
  /** Of each file, in the order given. */
  files: FileSurvey[]
  /** The files in order of time where they can be read one after the other; null where the lines have to be sorted. */
  inOrder: FileSurvey[] | null
  /** Where lines are missing that can't be read. */
  gaps: Gap[]
  /** Messages whose clocks are not believed. */
  wrongClocks: number
  /** Messages of types that aren't kept. */
  others: number
  /** The least time of what stands behind the lines that are `known`, ms; infinite where nothing does. */
  earliestNew: number
}

export type FileSurvey = {
  file: string
  lines: number
  /** The least and greatest times read, ms; of a file without any, infinite. */
  from: number
  to: number
  isAscending: boolean
  isDescending: boolean
  /** Of one second, more messages follow one another than may be held. */
  isCrowded: boolean
  /** What it holds of the second that it begins with, and of the one that it ends with. */
  first: Together
  last: Together
  wrongClocks: number
  others: number
  /** Of its first lines, and of its last ones: why they can't be read. */
  leading: string | null
  trailing: string | null
  gaps: Gap[]
  earliestNew: number
}

type Together = { messages: number; bytes: number }

export type SurveyOptions = {
  /** The wall clock, ms: what is signed over 10 minutes after it is not believed. */
  now: number
  /** All signed times are right, however far from the others. */
  believeClocks?: boolean | undefined
  /** So many lines of each file were there when it was read before. */
  known?: readonly number[]
  /** Told of bytes read, now and then. */
  onRead?: (bytesRead: number) => void
  signal?: AbortSignal | undefined
}

/** Of one second, so many messages at most, of so many bytes, are put in order while the file is read. */
const SECOND_MESSAGES = 10_000
const SECOND_BYTES = 32 * 2 ** 20
const tooMany = ({ messages, bytes }: Together) => messages > SECOND_MESSAGES || bytes > SECOND_BYTES
/** Of a file, so many gaps at most are kept apart; with more, all of it is one. */
const MAX_GAPS = 10_000

/** @throws FcmError FILE_UNREADABLE; the reason of `signal` */
export async function survey(files: readonly string[], options: SurveyOptions): Promise<Survey> {
  const hours = newHours()
  const count = (parsed: Parsed) => {
    if (parsed.kind === 'message') hours[hourOf(parsed.message.time)]!++
  }
  let surveyed = await look(files, options, undefined, count)
  const believed = options.believeClocks ? undefined : believedIn(hours)
  // What a wrong clock has signed must not tell of the order either.
  if (believed) surveyed = await look(files, options, believed, () => {})
  const inOrder = orderOf(surveyed)
  return {
    ...{ believed, files: surveyed, inOrder },
    gaps: gapsOf(surveyed, inOrder),
    wrongClocks: surveyed.reduce((sum, file) => sum + file.wrongClocks, 0),
    others: surveyed.reduce((sum, file) => sum + file.others, 0),
    earliestNew: Math.min(...surveyed.map((file) => file.earliestNew)),
  }
}

async function look(
  files: readonly string[],
  { now, known, onRead, signal }: SurveyOptions,
  believed: Believed | undefined,
  count: (parsed: Parsed) => void,
): Promise<FileSurvey[]> {
  const found: FileSurvey[] = []
  let bytes = 0
  for (const [i, file] of files.entries()) {
    const fold = createFold(file, known ? (known[i] ?? 0) : Number.POSITIVE_INFINITY)
    let bytesRead = 0
    for await (const line of readLines([file])) {
      const parsed = parseLine(line, now, believed)
      fold.take(line, parsed)
      if (parsed) count(parsed)
      bytesRead = line.bytesRead
      if (line.line % 1000 > 0) continue
      signal?.throwIfAborted()
      onRead?.(bytes + bytesRead)
    }
    bytes += bytesRead
    found.push(fold.end())
  }
  return found
}

const NONE: Together = { messages: 0, bytes: 0 }

function createFold(file: string, known: number) {
  const found: FileSurvey = {
    ...{ file, lines: 0, from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY },
    ...{ isAscending: true, isDescending: true, isCrowded: false },
    ...{ first: NONE, last: NONE, wrongClocks: 0, others: 0 },
    ...{ leading: null, trailing: null, gaps: [], earliestNew: Number.POSITIVE_INFINITY },
  }
  let last: number | null = null
  let open: { why: string; isNew: boolean } | null = null
  let isPlaced = true
  let hasMany = false

  const see = (time: number, isNew: boolean) => {
    found.from = Math.min(found.from, time)
    found.to = Math.max(found.to, time)
    if (isNew) found.earliestNew = Math.min(found.earliestNew, time)
  }
  const gap = (from: number, to: number, reason: string) => {
    if (hasMany) return
    const around = gapAround(from, to, reason)
    const before = found.gaps.at(-1)
    if (before && around.from >= before.from && around.from <= before.to)
      before.to = Math.max(before.to, around.to)
    else found.gaps.push(around)
    hasMany = found.gaps.length > MAX_GAPS
  }

  return {
    take({ line, length }: ArchiveLine, parsed: Parsed | null): void {
      found.lines = line
      if (!parsed) return
      if (parsed.kind === 'wrong-clock' || parsed.kind === 'other') {
        found[parsed.kind === 'other' ? 'others' : 'wrongClocks']++
        return
      }
      if (parsed.kind === 'unreadable') {
        const why = `unreadable: ${file}:${line}`
        if (parsed.time === null) open = { why: open?.why ?? why, isNew: line > known }
        else {
          see(parsed.time, line > known)
          gap(parsed.time, parsed.time, why)
        }
        return
      }
      const { time } = parsed.message
      see(time, line > known)
      if (last !== null && time < last) found.isAscending = false
      if (last !== null && time > last) found.isDescending = false
      if (time !== last) found.last = { ...NONE }
      if (last === null) found.first = found.last
      found.last.messages++
      found.last.bytes += length
      found.isCrowded ||= tooMany(found.last)
      if (open !== null) {
        const [from, to] = [Math.min(last ?? time, time), Math.max(last ?? time, time)]
        isPlaced = false
        if (open.isNew) see(from, true)
        if (last === null) found.leading = open.why
        else if (found.isAscending || found.isDescending) gap(from, to, open.why)
        open = null
      }
      last = time
    },
    end(): FileSurvey {
      const isInOrder = found.isAscending || found.isDescending
      found.trailing = open?.why ?? null
      if (open?.isNew && last !== null) see(found.isAscending ? last : found.from, true)
      const isLost = (!isPlaced || open !== null) && !isInOrder
      if (isLost || hasMany)
        found.gaps = [
          gapAround(found.from, found.to, `unreadable lines of ${file}, which is not in order of time`),
        ]
      return found
    },
  }
}

const hasTime = ({ from }: FileSurvey): boolean => from < Number.POSITIVE_INFINITY

/** Those without any message come first: what of them can't be read is told before anything is closed. */
function orderOf(files: readonly FileSurvey[]): FileSurvey[] | null {
  if (files.some(({ isAscending, isCrowded }) => !isAscending || isCrowded)) return null
  const ordered = files.filter(hasTime).toSorted((a, b) => a.from - b.from || a.to - b.to)
  /** Of the second that the files so far end with: it may go on in the next ones. */
  let together = NONE
  for (const [i, { from, to, first, last }] of ordered.entries()) {
    const before = ordered[i - 1]?.to
    if (before !== undefined && from < before) return null
    const begun = from === before ? plus(together, first) : first
    if (tooMany(begun)) return null
    together = from === to ? begun : last
  }
  return [...files.filter((file) => !hasTime(file)), ...ordered]
}

const plus = (a: Together, b: Together): Together => ({
  messages: a.messages + b.messages,
  bytes: a.bytes + b.bytes,
})

/**
 * A line that can't be read lies between its neighbours where its file is in order of time, either way. At the end of a file
 * it lies in the bin of its only neighbour, or between that and the neighbouring file's where the files are in order too. In a
 * file in no order it may be of any time of the file, and in one with no other lines of any time at all.
 */
function gapsOf(files: readonly FileSurvey[], inOrder: readonly FileSurvey[] | null): Gap[] {
  const timed = (inOrder ?? files).filter(hasTime)
  if (timed.length === 0) return []
  const from = Math.min(...timed.map((file) => file.from))
  const to = Math.max(...timed.map((file) => file.to))
  const ends = files.flatMap((file) => {
    const { leading, trailing, isAscending, isDescending } = file
    if (!hasTime(file)) return trailing === null ? [] : [gapAround(from, to, trailing)]
    if (!isAscending && !isDescending) return []
    const before = (inOrder && timed[timed.indexOf(file) - 1]?.to) ?? file.from
    const after = (inOrder && timed[timed.indexOf(file) + 1]?.from) ?? file.to
    const [early, late] = isAscending ? [leading, trailing] : [trailing, leading]
    return [
      ...(early === null ? [] : [gapAround(before, file.from, early)]),
      ...(late === null ? [] : [gapAround(file.to, after, late)]),
    ]
  })
  return disjoint([...files.flatMap(({ gaps }) => gaps), ...ends])
}
