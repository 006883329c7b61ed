/**
 * How a process is told to stop: by the first SIGINT or SIGTERM; the second one ends it at once. Under npm (`npm start`,
 * `npx`), also by the death of what started it: npm passes a signal on to a shell that dies of it alone, and a process that
 * nobody sees would keep its port and its data directory.
 */
const WATCH_MS = 500
/** A terminal tells all of its processes, and what started us passes it on as well: that is one wish, not two. */
const SAME_MS = 500

export function stopSignal(): AbortSignal {
  const stopping = new AbortController()
  const stop = (words: string) => {
    process.stderr.write(`\n${words}\n`)
    stopping.abort()
  }
  let since = 0
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted && performance.now() - since < SAME_MS) return
    since = performance.now()
    if (stopping.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
    stop('Stopping; once more to force it.')
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const { npm_lifecycle_event: byNpm, FCM_ENDS_WITH_PARENT: byItself, FCM_PARENT: parent } = process.env
  // Without `parent` it was not started by `bin/fcm.js`, and nobody knows what started it.
  if (parent !== undefined && (byNpm !== undefined || byItself !== undefined)) {
    const timer = setInterval(() => {
      if (String(process.ppid) === parent) return
      clearInterval(timer)
      if (!stopping.signal.aborted) stop('What started this has ended. Stopping.')
    }, WATCH_MS).unref()
  }
  return stopping.signal
}

/** For `catch`: what was given up because of the signal is no failure. */
export const unlessStopped =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted || error !== signal.reason) throw error
  }

export const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
