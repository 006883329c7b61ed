/** Of the processes that could be the source of run `live`, one is. */
import { FcmError } from '../common/errors.ts'
import { onFirst, untilItPasses } from '../common/retry.ts'
import type { Engine } from './engine.ts'

/**
 * Runs `work` once no other process is the source; again, when it had to end because others might be. Ends with its end,
 * or with `signal`.
 */
export async function asOnlySource(
  { store }: Engine,
  work: (signal: AbortSignal) => Promise<void>,
  onWaiting: (error: FcmError) => void,
  signal: AbortSignal,
): Promise<void> {
  const taken = new FcmError('SOURCE_TAKEN', {})
  const alone = () => store.alone('source', taken, (held) => work(AbortSignal.any([signal, held])))
  await untilItPasses(alone, onFirst(onWaiting), signal).catch((error) => {
    if (!signal.aborted) throw error
  })
}
