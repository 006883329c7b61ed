/**
 * What a whole source may say of its own completeness. Between its messages stand spans: "of this time, all has been
 * yielded" or "of this time, something is missing". The publisher turns them into `Coverage` and decides nothing.
 */
import { FcmError } from '../../common/errors.ts'
import { BASE, DAY, floorTo, iso, LATENESS } from '../../common/time.ts'
import type { Message } from '../../schemas/message.ts'
import type { Gap } from './archive/gaps.ts'

/** [from, to), both on bin boundaries. Spans follow each other without holes or overlaps. */
export type Span =
  | { kind: 'span'; status: 'complete'; from: number; to: number }
  | { kind: 'span'; status: 'gap'; from: number; to: number; reason: string }

export type ArchiveItem =
  /** `bytesRead`: of the files, up to here, about. */
  | { kind: 'message'; message: Message; bytesRead: number }
  /** Of a message with a wrong clock, nobody knows where in time it belongs. */
  | { kind: 'unreadable' | 'wrong-clock'; file: string; line: number; bytes: Buffer; why: string }

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

/**
 * For sources in order of time that know where something is missing: `gaps`, in order and apart. A span ends where a
 * message's time, less L, has passed a boundary, as a source that polls would say it; the last one behind the last message.
 * @throws FcmError ARCHIVE_JUMPS when time leaps ahead by more than 366 days
 */
export async function* completeInOrder(
  items: AsyncIterable<SourceItem>,
  gaps: readonly Gap[] = [],
): AsyncGenerator<SourceItem, void> {
  /** All before it is declared. */
  let declared = Number.NEGATIVE_INFINITY
  let last: number | null = null
  let next = 0

  function* declare(to: number): Generator<Span> {
    while (declared < to) {
      while (next < gaps.length && gaps[next]!.to <= declared) next++
      const gap = gaps[next]
      const from = declared
      if (gap && gap.from <= from) {
        declared = Math.min(gap.to, to)
        yield { kind: 'span', status: 'gap', from, to: declared, reason: gap.reason }
      } else {
        declared = Math.min(gap?.from ?? to, to)
        yield { kind: 'span', status: 'complete', from, to: declared }
      }
    }
  }

  for await (const item of items) {
    if (item.kind !== 'message') {
      yield item
      continue
    }
    const { time } = item.message
    if (last === null) declared = floorTo(time, BASE)
    else if (time - last > MAX_JUMP) {
      throw new FcmError('ARCHIVE_JUMPS', {
        before: iso(last),
        after: iso(time),
        days: Math.floor((time - last) / DAY),
      })
    }
    last = time
    yield item
    yield* declare(floorTo(time - LATENESS, BASE))
  }
  if (last !== null) yield* declare(floorTo(last, BASE) + BASE)
}
