/** Of the processes that could be the source of run `live`, one is. */
import { FcmError } from '../common/errors.ts'
import { onFirst, untilItPasses } from '../common/retry.ts'
import { LIVE } from '../pipeline/topology.ts'
import type { Engine } from './engine.ts'
import { noteOrigin, type Origin } from './origin.ts'

/**
 * Runs `work`, a source of `origin`, once no other process is the source, and again after what may pass: a connection that is
 * lost, and with it the right to be the source. Ends with its end, or with `signal`. The log of a data directory has one
 * process anyway.
 * @throws FcmError SOURCE_DIFFERS
 */
export async function asOnlySource(
  { config, log, store }: Engine,
  origin: Origin,
  work: (signal: AbortSignal) => Promise<void>,
  onWaiting: (error: FcmError) => void,
  signal: AbortSignal,
): Promise<void> {
  const begin = async (held: AbortSignal) => {
    await noteOrigin(log, LIVE, origin)
    await work(AbortSignal.any([signal, held]))
    if (!signal.aborted) held.throwIfAborted()
  }
  const taken = new FcmError('SOURCE_TAKEN', {})
  const attempt = () =>
    config.kafkaBrokers === undefined ? begin(signal) : store.alone('source', taken, begin)
  await untilItPasses(attempt, onFirst(onWaiting), signal).catch((error) => {
    if (!signal.aborted) throw error
  })
}
