/**
 * What a whole source may say of its own completeness. Between its messages stand spans: "of this time, all has been
 * yielded" or "of this time, something is missing". The publisher turns them into `Coverage` and decides nothing.
 */
import { FcmError } from '../../common/errors.ts'
import { BASE, DAY, floorTo, HOUR, iso, LATENESS } from '../../common/time.ts'
import type { Message } from '../../schemas/message.ts'
import type { ArchiveItem } from './archive.ts'

/** [from, to), both on bin boundaries. Spans follow each other without holes or overlaps. */
export type Span =
  | { kind: 'span'; status: 'complete'; from: number; to: number }
  | { kind: 'span'; status: 'gap'; from: number; to: number; reason: string }

export type SourceItem = ArchiveItem | { kind: 'message'; message: Message } | Span

/** For sources that yield whole bins, each with all its messages: a bin is complete as soon as it is yielded. */
export async function* completeBins(
  bins:
    | Iterable<{ start: number; messages: Message[] }>
    | AsyncIterable<{ start: number; messages: Message[] }>,
): AsyncGenerator<SourceItem, void> {
  for await (const { start, messages } of bins) {
    for (const message of messages) yield { kind: 'message', message }
    yield { kind: 'span', status: 'complete', from: start, to: start + BASE }
  }
}

/** A longer silence in an archive is taken for a wrong time: every bin of it would be declared, and was it? */
export const MAX_JUMP = 366 * DAY
/** Further ahead than any clock that a hub lets pass. */
const FAR = HOUR

/**
 * For sources that are in order of time but for L: a span ends where a message's time, less L, has passed a boundary;
 * the last one behind the last message. An unreadable line may have been of any time between its readable neighbours',
 * so their bins and those between are a gap. A message later than L is passed on, behind the span it belongs in. One
 * that is hours ahead moves time on only when the next message agrees: what one wrong clock has signed closes nothing.
 * @throws FcmError ARCHIVE_JUMPS when time leaps ahead by more than 366 days
 */
export async function* completeByLateness(
  items: AsyncIterable<SourceItem>,
): AsyncGenerator<SourceItem, void> {
  /** All before it is declared. Until the first span it is the begin of the earliest message's bin. */
  let declared = Number.POSITIVE_INFINITY
  let spoken = false
  let clock = Number.NEGATIVE_INFINITY
  let last: number | null = null
  /** The time of the last message, where it is so far ahead that the next one has to agree. */
  let ahead: number | null = null
  let open: string | null = null
  let gaps: { from: number; to: number; reason: string }[] = []

  function* declare(to: number): Generator<Span> {
    for (const gap of gaps) {
      const from = Math.max(gap.from, declared)
      const end = Math.min(gap.to, to)
      if (end <= from) continue
      if (declared < from) yield { kind: 'span', status: 'complete', from: declared, to: from }
      yield { kind: 'span', status: 'gap', from, to: end, reason: gap.reason }
      declared = end
    }
    gaps = gaps.filter((gap) => gap.to > to)
    if (declared < to) yield { kind: 'span', status: 'complete', from: declared, to }
    declared = Math.max(declared, to)
    spoken = true
  }

  const close = (before: number, after: number) => {
    if (open === null) return
    const from = floorTo(Math.min(before, after), BASE)
    const to = floorTo(Math.max(before, after), BASE) + BASE
    gaps.push({ from, to, reason: open })
    gaps.sort((a, b) => a.from - b.from)
    open = null
  }

  for await (const item of items) {
    if (item.kind === 'unreadable') open ??= `unreadable: ${item.file}:${item.line}`
    if (item.kind !== 'message') {
      yield item
      continue
    }
    const { time } = item.message
    if (ahead !== null && time >= ahead - LATENESS) clock = ahead
    if (last !== null && time - clock > MAX_JUMP) {
      throw new FcmError('ARCHIVE_JUMPS', {
        before: iso(clock),
        after: iso(time),
        days: Math.floor((time - clock) / DAY),
      })
    }
    ahead = last !== null && time > clock + FAR ? time : null
    if (ahead === null) {
      close(last ?? time, time)
      if (!spoken && time >= clock - LATENESS) declared = Math.min(declared, floorTo(time, BASE))
      last = time
      clock = Math.max(clock, time)
    }
    yield item
    const to = floorTo(clock - LATENESS, BASE)
    if (to > declared && open === null) yield* declare(to)
  }
  if (last === null) return
  clock = ahead ?? clock
  close(last, ahead ?? last)
  yield* declare(floorTo(clock, BASE) + BASE)
}
