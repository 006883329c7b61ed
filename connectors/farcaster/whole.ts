/** A source that sees everything: messages in order, with spans that say what is complete. The archive and the simulation. */

import { setImmediate as breathe } from 'node:timers/promises'
import { FcmError } from '../../common/errors.ts'
import { BASE, ceilTo, floorTo } from '../../common/time.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import type { Codec } from '../../schemas/codec.ts'
import { PARTS } from '../../schemas/measures.js'
import type { Measure } from '../../schemas/records.ts'
import { NETWORK } from '../../schemas/records.ts'
import type { Keyed, OpenSource, Refused, Written } from '../sources/source.ts'
import { writtenIn } from '../sources/written.ts'
import type { SourceItem, Span } from './completeness.ts'
import { createStamp, type Stamped } from './stamp.ts'

export type Progress = {
  /** Read so far, with those of earlier attempts at this input. */
  messages: number
  unreadable: number
  /** Of the input's files, where it has files. */
  bytesRead: number
  /** Up to here all is in the log; null before the first bin. */
  published: number | null
}

export type WholeOptions = {
  /** What it sees everything of; unless told otherwise, of all. */
  measures?: Measure[]
  input: AsyncIterable<SourceItem>
  /** Only bins from the one with `from` to the one before `to`; what is earlier is read for the channels of replies. */
  from?: number | undefined
  to?: number | undefined
  /** About as many records are in a batch, counted as they are in the log. */
  batchSize?: number
  /**
   * Of the time before the position, what lies in this many ms is given again. For an input that may grow: its end closed its
   * last bins early, and what has come to them since is then late instead of lost. Default: 0
   */
  revisit?: number
  /** Of what is in the log. */
  onProgress?: (progress: Progress) => void
}

/** No batch holds more: a line may have megabytes. */
const BATCH_BYTES = 4 * 2 ** 20

/**
 * The log's last whole-source `Coverage` is the position, so nothing else need be kept: the input is read again from its
 * start, and what stands in the log is passed over. It must be the same input, or the same with more behind it. What repeats
 * is recognised: a record by its hash, a `Coverage` by its span, a dead letter by its source.
 */
export const wholeSource =
  ({
    input,
    measures = [...PARTS],
    revisit = 0,
    batchSize = 2000,
    onProgress,
    ...limits
  }: WholeOptions): OpenSource =>
  async (written) => {
    const from = limits.from === undefined ? Number.NEGATIVE_INFINITY : floorTo(limits.from, BASE)
    const to = limits.to === undefined ? Number.POSITIVE_INFINITY : ceilTo(limits.to, BASE)
    const { partitions } = written
    const resumeAt = (await coveredIn(written)) ?? Number.NEGATIVE_INFINITY
    const { stamp } = createStamp()
    const items = input[Symbol.asyncIterator]()

    /** The input has declared all before it. */
    let declared = Number.NEGATIVE_INFINITY
    let lastTime = Number.NEGATIVE_INFINITY
    let covered = resumeAt
    /** What is left of a span to be told. */
    let span: Span | null = null
    let isEnded = false
    let failure: { error: unknown } | undefined
    const read = { messages: 0, unreadable: 0, bytesRead: 0 }
    const snapshot = () => (Number.isFinite(covered) ? covered : null)

    /** Given by an earlier attempt: it stands before the position both in the order of the input and in time. */
    const isDone = (time: number) => declared < resumeAt && time < resumeAt - revisit

    function cover({
      status,
      reason,
      to: end,
    }: {
      status: Span['status']
      reason: string | null
      to: number
    }) {
      const start = declared
      declared += BASE
      if (declared >= end) span = null
      if (declared <= resumeAt || start < from || declared > to) return []
      covered = declared
      const record = {
        type: 'Coverage',
        status,
        measures,
        from: start,
        to: declared,
        reason,
        partitions,
      } as const
      return [{ key: NETWORK, record }]
    }

    return {
      awake: async () => {},
      snapshot,
      async next() {
        const published = snapshot()
        const tell = () => onProgress?.({ ...read, published })
        tell()
        const records: Keyed[] = []
        const refused: Refused[] = []
        let size = 0
        let bytes = 0
        for (let n = 1; size < batchSize && bytes < BATCH_BYTES; n++) {
          if (n % 2000 === 0) {
            tell()
            await breathe()
          }
          if (span) {
            const covering = cover({ reason: null, ...(span as Span) })
            records.push(...covering)
            size += covering.length * partitions
            continue
          }
          if (isEnded || declared >= to) break
          const item = await items.next().catch((error: unknown) => {
            failure = { error }
          })
          isEnded = !item || item.done === true
          if (!item || item.done) break
          const { value } = item
          if (value.kind === 'span') {
            declared = value.from
            span = value
          } else if (value.kind !== 'message') {
            read.unreadable++
            if (value.kind === 'unreadable' && isDone(lastTime)) continue
            refused.push(value)
            size++
            bytes += value.bytes.length
          } else {
            const { channel, record } = stamp(value.message)
            lastTime = record.time
            read.messages++
            if ('bytesRead' in value) read.bytesRead = value.bytesRead
            if (isDone(record.time) || record.time < from || record.time >= to) continue
            records.push({ key: channel, record })
            size++
            bytes += sizeOf(record)
          }
        }
        if (records.length + refused.length > 0) return { records, refused }
        // What was read before a failure stands.
        if (failure) throw failure.error
        tell()
        return isEnded || declared >= to ? null : { records, refused }
      },
      async close() {
        // Not awaited: an input that waits for something ends when it comes.
        items.return?.().catch(() => {})
      },
    }
  }

/** About: strangers decide it. */
function sizeOf(record: Stamped['record']): number {
  if (record.type !== 'Cast') return 0
  const { text, parentUrl, urls, quotes, mentions } = record
  const texts = [text, parentUrl ?? '', ...urls]
  return texts.reduce((sum, { length }) => sum + length, 0) + 24 * (quotes.length + mentions.length)
}

/**
 * Up to where (ms, exclusive) every partition of the run's activity log has a whole-source `Coverage`: the smallest
 * of their last. Null when one has none, as in an empty log. @throws FcmError POSITION_LOST
 */
export async function coveredIn({ run, partitions, isCut, readBack }: Written): Promise<number | null> {
  const lasts = await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const tos = (await readBack(partition, (item) => wholeTo(item) !== null))
        .map(wholeTo)
        .filter((to) => to !== null)
      // The greatest: a dead letter that was sent again stands behind later ones.
      return tos.length === 0 ? null : Math.max(...tos)
    }),
  )
  // A log that has forgotten where its source was must not be taken for one that never began.
  if (lasts.includes(null) && isCut) throw new FcmError('POSITION_LOST', { run })
  return lasts.some((time) => time === null) ? null : Math.min(...(lasts as number[]))
}

/** The same, of a log. */
export const position = async (log: EventLog, codec: Codec, run: string): Promise<number | null> =>
  coveredIn(await writtenIn(log, codec, run))

const wholeTo = ({ key, record }: Keyed): number | null =>
  key === NETWORK && record.type === 'Coverage' ? record.to : null
