/**
 * The port of workers, which act on what happened: they read the outbox of a run by place. A place is what the outbox gives
 * out: who has read up to one asks for what is behind it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Host, patiently, type Running } from './host.ts'

/** What happened in a run, in the order of the commits. */
export type Outbox<Change extends { place: Place }, Place extends string | number> = {
  /** The last place there is. */
  last(): Promise<Place>
  /** What is behind a place, at most `limit`; nothing: not yet. @throws FcmError PLACE_UNKNOWN, PLACE_EXPIRED */
  changes(behind: Place, limit: number): Promise<Change[]>
}

export type Worker<Change extends { place: Place }, Place extends string | number> = {
  name: string
  /**
   * The place up to which all is done: it goes on behind it. Undefined: with what is yet to come. A worker that must miss
   * nothing keeps its place with what it does.
   */
  place(): Promise<Place | undefined>
  /** Acts on the next changes, in their order. After a crash, or an error that may pass, some come again: it does them once. */
  work(changes: readonly Change[]): Promise<void>
}

/** Changes at a time: one that has piled up is worked off in pieces. */
const BATCH = 100
/** What happened is seen so much later, at most. */
const POLL_MS = 500

/** Runs a worker; what is in the way is waited for, and what fails for good ends it. */
export function runWorker<Change extends { place: Place }, Place extends string | number>(
  host: Host,
  outbox: Outbox<Change, Place>,
  { name, place, work }: Worker<Change, Place>,
): Running {
  const stopping = new AbortController()
  const pause = () => sleep(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {})
  const waiting = { ...host, forced: AbortSignal.any([host.forced, stopping.signal]) }
  const wait = <T>(ask: () => Promise<T>) => patiently(waiting, name, ask)

  async function run(): Promise<void> {
    let behind = (await wait(place)) ?? (await wait(outbox.last))
    while (!stopping.signal.aborted) {
      const changes = await wait(() => outbox.changes(behind, BATCH))
      if (changes.length > 0) await wait(() => work(changes))
      behind = changes.at(-1)?.place ?? behind
      if (changes.length < BATCH) await pause()
    }
  }
  const ended = run().catch((error) => {
    // What was waited for when it was told to stop is no failure.
    if (!waiting.forced.aborted) host.onFailure(error)
  })
  return {
    stop() {
      stopping.abort()
      return ended
    },
  }
}
