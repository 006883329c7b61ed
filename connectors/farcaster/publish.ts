/** Writes what a whole source yields to the activity log of a run: the archive's messages and the simulation's. */
import { setImmediate as breathe } from 'node:timers/promises'
import { FcmError } from '../../common/errors.ts'
import { onFirst, untilItPasses } from '../../common/retry.ts'
import { BASE, ceilTo, floorTo } from '../../common/time.ts'
import { deadLetter } from '../../pipeline/log/dead-letter.ts'
import type { EventLog, NewRec, TopicPartition } from '../../pipeline/log/port.ts'
import { topicOf } from '../../pipeline/topology.ts'
import type { Codec } from '../../schemas/codec.ts'
import type { Coverage, Measure } from '../../schemas/records.ts'
import { NETWORK } from '../../schemas/records.ts'
import type { SourceItem, Span } from './completeness.ts'
import { createStamp } from './stamp.ts'
import { type Keyed, readTail } from './tail.ts'

export type Progress = {
  /** Read so far, with those of earlier attempts at this input. */
  messages: number
  unreadable: number
  /** Of the input's files, where it has files. */
  bytesRead: number
  /** Up to here all is in the log; null before the first bin. */
  published: number | null
}

export type PublishOptions = {
  log: EventLog
  codec: Codec
  run: string
  /** What the source sees everything of. */
  measures: Measure[]
  input: AsyncIterable<SourceItem>
  /** Only bins from the one with `from` to the one before `to`; what is earlier is read for the channels of replies. */
  from?: number
  to?: number
  /** About as many records are appended at a time. */
  batchSize?: number
  /**
   * Of the time before the position, what lies in this many ms is appended again. For an input that may grow: its end
   * closed its last bins early, and what has come to them since is then late instead of lost. Default: 0
   */
  revisit?: number
  /** Ends behind the last whole bin that was read, soon, and even while the input or the log makes us wait. */
  signal?: AbortSignal
  /** After every append, and now and then while there is nothing to append. */
  onProgress?: (progress: Progress) => void
  /** An append failed in a way that may pass; said once until one succeeds. */
  onWarning?: (error: FcmError) => void
}

/** An input that lets us wait this long has nothing more for now: what is there is appended. */
const PATIENCE_MS = 10
/** No more is held before it is appended: a line may have megabytes. */
const BATCH_BYTES = 4 * 2 ** 20

/**
 * Publishes `input`, from where the run's activity log ends. The log's last whole-source `Coverage` is the position, so
 * nothing else need be kept: the input is read again from its start, and what stands in the log is passed over. It must
 * be the same input, or the same with more behind it. At least once: a record may repeat, recognised by its hash, a
 * `Coverage` by its span, a dead letter by its source.
 * Resolves with the last progress, and whether the input was read to its end (or to `to`).
 */
export async function publish(options: PublishOptions): Promise<Progress & { finished: boolean }> {
  const {
    log,
    codec,
    run,
    measures,
    input,
    signal,
    onProgress,
    onWarning,
    revisit = 0,
    batchSize = 2000,
  } = options
  const topic = topicOf(run, 'activity')
  const graves = topicOf(run, 'dead-letters')
  const from = options.from === undefined ? Number.NEGATIVE_INFINITY : floorTo(options.from, BASE)
  const to = options.to === undefined ? Number.POSITIVE_INFINITY : ceilTo(options.to, BASE)

  const partitions = (await log.ends(topic)).map(({ partition }) => partition)
  const resumeAt = (await position(log, codec, run)) ?? Number.NEGATIVE_INFINITY
  const { stamp } = createStamp()
  const append = async (records: NewRec[]) => {
    if (records.length > 0) await untilItPasses(() => log.append(records), onFirst(onWarning), signal)
  }

  let letters: NewRec[] = []
  /** Of what waits in `records` and `letters`, about. */
  let bytes = 0
  let records: NewRec[] = []
  /** How many of `records` stand before and in the last Coverage. */
  let whole = 0
  /** The input has declared all before it. */
  let declared = Number.NEGATIVE_INFINITY
  let lastTime = Number.NEGATIVE_INFINITY
  let covered = resumeAt
  const progress: Progress = { messages: 0, unreadable: 0, bytesRead: 0, published: null }

  /** Appended by an earlier attempt: it stands before the position both in the order of the input and in time. */
  const done = (time: number) => declared < resumeAt && time < resumeAt - revisit

  const flush = async (count = records.length) => {
    bytes = 0
    // First, so that no bin is ever declared a gap whose reason isn't on record.
    await append(letters)
    letters = []
    await append(records.slice(0, count))
    records = records.slice(count)
    whole = 0
    progress.published = Number.isFinite(covered) ? covered : null
    onProgress?.({ ...progress })
    // An append may be synchronous at heart.
    await breathe()
  }

  const cover = async (span: Span) => {
    for (declared = span.from; declared < span.to; ) {
      const start = declared
      declared += BASE
      if (declared <= resumeAt || start < from || declared > to) continue
      const coverage: Coverage = {
        type: 'Coverage',
        status: span.status,
        measures,
        from: start,
        to: declared,
        reason: span.status === 'gap' ? span.reason : null,
        partitions: partitions.length,
      }
      const value = codec.encode(coverage)
      for (const partition of partitions) records.push({ topic, partition, key: NETWORK, value })
      whole = records.length
      covered = declared
      if (records.length >= batchSize) await flush()
    }
  }

  const take = async (item: SourceItem) => {
    if (item.kind === 'span') return cover(item)
    if (item.kind === 'unreadable') {
      progress.unreadable++
      if (!done(lastTime)) {
        letters.push(deadLetter(graves, item, item.why))
        bytes += item.bytes.length
      }
    } else {
      const { channel, record } = stamp(item.message)
      lastTime = record.time
      progress.messages++
      if ('bytesRead' in item) progress.bytesRead = item.bytesRead
      if (done(record.time) || record.time < from || record.time >= to) return
      const value = codec.encode(record)
      records.push({ topic, key: channel, value })
      bytes += value.length
    }
    if (records.length + letters.length >= batchSize || bytes >= BATCH_BYTES) await flush()
  }

  const items = input[Symbol.asyncIterator]()
  const next = stoppable(() => items.next(), signal)
  let finished = false
  let failure: { error: unknown } | undefined
  try {
    for (let read = 1; declared < to; read++) {
      const coming = next()
      // Only behind a bin: nobody can do much with half a bin.
      if (whole > 0 && whole === records.length && (await isSlow(coming))) await flush()
      const item = await coming.catch((error: unknown) => {
        failure = { error }
      })
      if (!item || item === STOPPED) break
      finished = item.done === true
      if (item.done) break
      await take(item.value)
      if (read % batchSize === 0) {
        onProgress?.({ ...progress })
        await breathe()
      }
    }
    finished ||= declared >= to
    // What was read before a failure stands; a stop cuts at a bin.
    await flush(finished || failure ? records.length : whole)
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error
    finished = false
  } finally {
    // Not awaited: an input that waits for something ends when it comes.
    items.return?.().catch(() => {})
  }
  if (failure) throw failure.error
  return { ...progress, finished }
}

const STOPPED = Symbol('stopped')

/** `act`, whose promises resolve with STOPPED as soon as `signal` aborts. Holds on to no promise but the latest. */
function stoppable<T>(act: () => Promise<T>, signal?: AbortSignal): () => Promise<T | typeof STOPPED> {
  if (!signal) return act
  let stop = () => {}
  signal.addEventListener('abort', () => stop(), { once: true })
  return () =>
    new Promise((resolve, reject) => {
      stop = () => resolve(STOPPED)
      if (signal.aborted) stop()
      else act().then(resolve, reject)
    })
}

const isSlow = (coming: Promise<unknown>): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), PATIENCE_MS)
    const came = () => {
      clearTimeout(timer)
      resolve(false)
    }
    coming.then(came, came)
  })

/**
 * Up to where (ms, exclusive) every partition of the run's activity log has a whole-source `Coverage`: the smallest
 * of their last. Null when one has none, as in an empty log.
 */
export async function position(log: EventLog, codec: Codec, run: string): Promise<number | null> {
  const topic = topicOf(run, 'activity')
  const ends = await log.ends(topic)
  const lasts = await Promise.all(ends.map(({ partition }) => last({ topic, partition })))
  // A log that has forgotten where its source was must not be taken for one that never began.
  if (lasts.includes(null) && ends.some(({ first }) => first > 0))
    throw new FcmError('POSITION_LOST', { run })
  return lasts.some((time) => time === null) ? null : Math.min(...(lasts as number[]))

  async function last(tp: TopicPartition): Promise<number | null> {
    const tos = (await readTail(log, codec, tp, (item) => wholeTo(item) !== null))
      .map(wholeTo)
      .filter((to) => to !== null)
    // The greatest: a dead letter that was sent again stands behind later ones.
    return tos.length === 0 ? null : Math.max(...tos)
  }
}

const wholeTo = ({ key, record }: Keyed): number | null =>
  key === NETWORK && record.type === 'Coverage' ? record.to : null
