/** Of the processes that could be the source of run `live`, one is: the member of their group that `PLACE` falls to. */
import { FcmError } from '../../common/errors.ts'
import { onFirst, untilItPasses } from '../../common/retry.ts'
import { groupOf, LIVE } from '../../pipeline/topology.ts'
import type { Engines } from '../engines.ts'
import { stopped } from '../stopping.ts'
import { noteOrigin, type Origin, placeIn } from './origin.ts'

const PLACE = placeIn(LIVE)
const SOURCE = { run: LIVE, role: 'source' }

/** A group needs so long to take in a member where nobody stands in the way. */
const JOIN_MS = 2000

/**
 * Runs `work`, a source of `origin`, while no other process is the source, and again after what may pass. The signal that it
 * gets is aborted when another process is to be it, which may have begun then: both write the same for a moment. Ends with
 * its end, or with `signal`.
 * @throws FcmError SOURCE_DIFFERS
 */
export async function asOnlySource(
  { log, atWork }: Engines,
  origin: Origin,
  work: (signal: AbortSignal) => Promise<void>,
  onWaiting: (error: FcmError) => void,
  signal: AbortSignal,
): Promise<void> {
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => {})
  let impatience: NodeJS.Timeout | undefined
  const awaitTurn = () => {
    impatience = setTimeout(() => onWaiting(new FcmError('SOURCE_TAKEN', {})), JOIN_MS)
  }

  async function lead(over: AbortSignal): Promise<void> {
    clearTimeout(impatience)
    const held = AbortSignal.any([signal, over])
    const attempt = async () => {
      await noteOrigin(log, LIVE, origin)
      atWork.add(SOURCE)
      await work(held).finally(() => atWork.delete(SOURCE))
    }
    await untilItPasses(attempt, onFirst(onWaiting), held).then(
      () => over.aborted || ended.resolve(),
      (error) => over.aborted || ended.reject(error),
    )
    if (over.aborted && !signal.aborted) awaitTurn()
  }

  const joining = new AbortController()
  const giveUp = () => joining.abort(signal.reason)
  signal.addEventListener('abort', giveUp)
  awaitTurn()
  try {
    const join = () =>
      log.lead(PLACE, {
        group: groupOf(LIVE, 'source'),
        work: lead,
        onFailure: ended.reject,
        signal: joining.signal,
      })
    const leadership = await untilItPasses(join, onFirst(onWaiting), signal).finally(() =>
      // From here on it leaves in good order, so that the next need not wait until it is missed.
      signal.removeEventListener('abort', giveUp),
    )
    await Promise.race([ended.promise, stopped(signal)]).finally(leadership.stop)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    clearTimeout(impatience)
  }
}
