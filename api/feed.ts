/**
 * What is new in the runs that streams look at. One poll of the store serves all of them, so it doesn't matter in which
 * process the store is written, nor how many listen; what one stream has read, others at the same place get too.
 */
import type { AlertChange } from '../connectors/postgres/alerts/alerts.ts'
import { BEGINNING, comparePlaces, type Place } from '../connectors/postgres/alerts/place.ts'
import type { Store } from '../connectors/postgres/store.ts'

export type News =
  /** Where it begins: behind that place. */
  | { type: 'begin'; behind: Place }
  | { type: 'alert'; change: AlertChange & { kind: 'event' } }
  /** `now`: end of the last base bin that is stored, ms. */
  | { type: 'bins'; now: number }
  /** Nothing was told for a while; all is seen up to that event, whether it was told or not. */
  | { type: 'quiet'; behind: Place }

export type FeedOptions = {
  store: Pick<Store, 'alerts' | 'series'>
  /** The cap by which alerts are listed, of each type and day. */
  perDay: number
  /** The store has begun to fail; streams go on when it answers again. */
  onFailure: (error: unknown) => void
  /** Something of a run is new, and will be told right after. */
  onNews: (run: string) => void
  pollMs?: number
  quietMs?: number
}

export type Feed = {
  /**
   * The alert events of a run behind a place, or from now on, each once and in the order of their commits; and how far
   * bins are stored, at first and then at most once a second. With `channel`, of that channel only. It holds one page, however
   * slowly it is read. Ends at `signal`.
   */
  follow(run: string, behind: Place | 'now', signal: AbortSignal, channel?: string): AsyncGenerator<News>
}

const PAGE = 100
/** Bins are told of no more often. */
const BINS_MS = 1000

/** A run that is looked at, as the last poll found it. `pages`: what was read since, by the place behind which it begins. */
type Watch = {
  readers: number
  last: Place
  now: number | null
  pages: Map<Place, Promise<AlertChange[]>>
}

export function createFeed({
  store,
  perDay,
  onFailure,
  onNews,
  pollMs = 250,
  quietMs = 15_000,
}: FeedOptions): Feed {
  const watches = new Map<string, Watch>()
  let polled = Promise.withResolvers<void>()
  let polling = false
  let failing = false
  let binsAt = Number.NEGATIVE_INFINITY

  const failed = (error: unknown): void => {
    if (!failing) onFailure(error)
    failing = true
  }

  async function poll(): Promise<void> {
    polling = watches.size > 0
    if (!polling) return
    try {
      const runs = [...watches.keys()]
      const last = await store.alerts.lastPlaces(runs)
      const isDue = performance.now() - binsAt >= BINS_MS
      if (isDue) binsAt = performance.now()
      for (const run of runs) {
        const watch = watches.get(run)
        if (!watch) continue
        const before = { last: watch.last, now: watch.now }
        watch.last = last.get(run) ?? BEGINNING
        watch.pages.clear()
        if (isDue || watch.now === null) watch.now = await store.series.now(run)
        if (watch.last !== before.last || watch.now !== before.now) onNews(run)
      }
      failing = false
    } catch (error) {
      failed(error)
    }
    polled.resolve()
    polled = Promise.withResolvers()
    setTimeout(poll, pollMs)
  }

  function enter(run: string): Watch {
    const watch = watches.get(run) ?? { readers: 0, last: BEGINNING, now: null, pages: new Map() }
    watch.readers++
    watches.set(run, watch)
    if (!polling) {
      polling = true
      setImmediate(poll)
    }
    return watch
  }

  function leave(run: string, watch: Watch): void {
    if (--watch.readers === 0) watches.delete(run)
  }

  /** What follows a place; empty when nothing does or the store fails. */
  function pageBehind(run: string, { pages }: Watch, place: Place): Promise<AlertChange[]> {
    const page =
      pages.get(place) ??
      store.alerts.changes(run, place, PAGE, perDay).catch((error) => {
        failed(error)
        return []
      })
    pages.set(place, page)
    return page
  }

  return {
    async *follow(run, from, signal, channel) {
      const behind = from === 'now' ? ((await store.alerts.lastPlaces([run])).get(run) ?? BEGINNING) : from
      yield { type: 'begin', behind }
      const watch = enter(run)
      try {
        let seen = behind
        let bins = { now: Number.NEGATIVE_INFINITY, at: Number.NEGATIVE_INFINITY }
        let toldAt = performance.now()
        while (!signal.aborted) {
          const next = polled.promise
          while (comparePlaces(seen, watch.last) < 0) {
            const page = await unlessAborted(signal, pageBehind(run, watch, seen))
            if (!page || page.length === 0) break
            for (const change of page) {
              seen = change.place
              if (change.kind === 'event' && (channel ?? change.now.channel) === change.now.channel) {
                yield { type: 'alert', change }
              } else if (performance.now() - toldAt < quietMs) continue
              else yield { type: 'quiet', behind: seen }
              toldAt = performance.now()
            }
          }
          const at = performance.now()
          if (watch.now !== null && watch.now > bins.now && at - bins.at >= BINS_MS) {
            bins = { now: watch.now, at }
            yield { type: 'bins', now: watch.now }
            toldAt = at
          } else if (at - toldAt >= quietMs) {
            yield { type: 'quiet', behind: seen }
            toldAt = at
          }
          await unlessAborted(signal, next)
        }
      } finally {
        leave(run, watch)
      }
    },
  }
}

/** What `work` resolves with; undefined as soon as the signal aborts. Nothing is left behind on a signal that never does. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const abort = () => resolve(undefined)
    signal.addEventListener('abort', abort, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
