import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'
import { FcmError } from './errors.ts'

export type OnRetry = (error: FcmError, attempt: number) => void

/** Tells of the first failure, and when another kind of trouble comes: the others are of the same. */
export function onFirst(tell?: (error: FcmError) => void): OnRetry {
  let last: string | undefined
  return (error) => {
    if (error.code !== last) tell?.(error)
    last = error.code
  }
}

/**
 * Runs `work` until it succeeds, waiting longer each time (0.1 s to 5 s) while it fails with an error that may pass by
 * itself (`FcmError.retry`: a full disk, a restarting server). Any other error ends it, and so does `signal`, with its
 * reason; the first attempt is made in any case.
 */
export function untilItPasses<T>(work: () => Promise<T>, onRetry: OnRetry, signal?: AbortSignal): Promise<T> {
  const policy = retry(
    handleWhen((error) => error instanceof FcmError && error.retry),
    {
      maxAttempts: Number.POSITIVE_INFINITY,
      backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 5000 }),
    },
  )
  let attempt = 0
  policy.onFailure(({ reason }) => {
    if ('error' in reason && reason.error instanceof FcmError && reason.error.retry)
      onRetry(reason.error, ++attempt)
  })
  return policy
    .execute(({ attempt }) => {
      // While it waited.
      if (attempt > 0 && signal?.aborted) throw new Error('aborted')
      return work()
    }, signal)
    .catch((error) => {
      signal?.throwIfAborted()
      throw error
    })
}
