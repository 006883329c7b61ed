/** Writes what a source yields to the activity log of a run. */
import { setImmediate as breathe } from 'node:timers/promises'
import type { FcmError } from '../../common/errors.ts'
import { onFirst, untilItPasses } from '../../common/retry.ts'
import { deadLetter } from '../../pipeline/log/dead-letter.ts'
import type { EventLog, NewRec } from '../../pipeline/log/port.ts'
import { topicOf } from '../../pipeline/topology.ts'
import type { Codec } from '../../schemas/codec.ts'
import { NETWORK } from '../../schemas/records.ts'
import type { Batch, OpenSource, Source } from './source.ts'
import { writtenIn } from './written.ts'

export type PublishOptions = {
  log: EventLog
  codec: Codec
  run: string
  open: OpenSource
  /** Ends it between two appends, soon, and even while the source or the log makes us wait. */
  signal?: AbortSignal | undefined
  /** Behind every batch: the event time, ms, up to which all is in the log; null before anything is. */
  onPublished?: (to: number | null) => void
  /** An append failed in a way that may pass; said once until one succeeds. */
  onWarning?: ((error: FcmError) => void) | undefined
}

/**
 * Publishes what the source yields, from where the run's activity log ends. At least once: after a crash a record may repeat,
 * recognised by its identity. Resolves with whether the source has come to its end.
 */
export async function publish(options: PublishOptions): Promise<{ finished: boolean }> {
  const { log, codec, run, open, signal, onPublished, onWarning } = options
  const topic = topicOf(run, 'activity')
  const graves = topicOf(run, 'dead-letters')
  const partitions = (await log.ends(topic)).map(({ partition }) => partition)

  const append = async (records: NewRec[]) => {
    if (records.length > 0) await untilItPasses(() => log.append(records), onFirst(onWarning), signal)
  }
  async function write({ refused, records }: Batch): Promise<void> {
    await append(refused.map((line) => deadLetter(graves, line, line.why)))
    await append(
      records.flatMap(({ key, record }): NewRec[] => {
        const value = codec.encode(record)
        if (key !== NETWORK) return [{ topic, key, value }]
        return partitions.map((partition) => ({ topic, partition, key, value }))
      }),
    )
  }

  let source: Source | undefined
  try {
    signal?.throwIfAborted()
    source = await unlessAborted(open(await writtenIn(log, codec, run)), signal)
    for (;;) {
      await unlessAborted(source.awake(), signal)
      const batch = await unlessAborted(source.next(), signal)
      if (!batch) return { finished: true }
      await write(batch)
      onPublished?.(source.snapshot())
      // An append may be synchronous at heart.
      await breathe()
    }
  } catch (error) {
    if (!signal?.aborted) throw error
    return { finished: false }
  } finally {
    await source?.close()
  }
}

/** `promise`, but for the reason of `signal` as soon as that aborts. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
