import { setTimeout as sleep } from 'node:timers/promises'
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

const FIRST_MS = 100
const MOST_MS = 5000

/**
 * Runs `work` until it succeeds, waiting longer each time (0.1 s to 5 s, less up to a half by chance, so that many don't come
 * back at once) while it fails with an error that may pass by itself (`FcmError.retry`: a full disk, a restarting server). Any
 * other error ends it, and so does `signal`, with its reason: never while `work` runs, at once while it waits. The first
 * attempt is made in any case.
 */
export async function untilItPasses<T>(
  work: () => Promise<T>,
  onRetry: OnRetry,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof FcmError && error.retry)) throw error
      onRetry(error, attempt)
    }
    const ms = Math.min(FIRST_MS * 2 ** (attempt - 1), MOST_MS)
    await sleep(ms * (1 - Math.random() / 2), undefined, { signal }).catch(() => signal!.throwIfAborted())
  }
}
