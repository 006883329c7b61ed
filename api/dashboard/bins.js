// @ts-check
/** The bins of one series in the time shown, and what belongs to that time: alerts, gaps. Asked again at every poll. */
import { api, orNull, Refused } from './api.js'
import { iso } from './format.js'
import { span } from './route.js'

/**
 * @typedef {import('./route.js').Window & { run: string, channel: string }} View
 */

/** Closed bins don't change but for late arrivals, so a poll asks only for the newest, and now and then for all. */
const REFRESH_MS = 60_000
const OVERLAP_BINS = 12
/** The API's largest page of alerts; and no time shown has more bins. */
export const PAGE = 500

export function createBins() {
  const known = {
    /** The view that all this is of. */
    key: '',
    loadedAt: 0,
    /** Why the API refuses this series. */
    refused: '',
    /** The start of the series' first bin, ms; null: there is none. @type {number | null} */ first: null,
    /** @type {Map<number, import('./types.ts').Count>} by start, ms */ counts: new Map(),
    /** @type {Map<number, import('./types.ts').Signal>} by start, ms */ signals: new Map(),
    /** @type {import('./types.ts').Alert[]} of the channel, touching the time shown */ alerts: [],
    /** @type {import('./types.ts').Gap[]} of the channel, in the time shown */ gaps: [],
    /** Whether there are more alerts, or gaps, than can be asked for at once. */ more: {
      alerts: false,
      gaps: false,
    },
  }
  let firstOf = ''
  const keyOf = (/** @type {View} */ { run, channel, measure, resolution, range, end }) =>
    JSON.stringify([run, channel, measure, resolution, range, end])

  /** The time shown, in ms, on bin edges: none of it is before the series' first bin, unless all of it is. */
  function shown(/** @type {View} */ view, /** @type {number} */ now) {
    const step = view.resolution * 1000
    const to = Math.ceil((view.end ?? now) / step) * step
    const from = to - span(view)
    const begin = first(view)
    return { from: begin !== null && begin < to ? Math.max(from, begin) : from, to }
  }
  /** The start of the series' first bin at the resolution shown, in ms; null when it is not known. */
  function first(/** @type {View} */ { run, channel, measure, resolution }) {
    if (known.first === null || firstOf !== JSON.stringify([run, channel, measure])) return null
    return Math.floor(known.first / (resolution * 1000)) * resolution * 1000
  }

  return {
    /** Read only. */
    known,
    shown,
    first,
    /** Whether what is known is of this view. */
    has: (/** @type {View} */ view) => known.key === keyOf(view),
    /** @param {View} view @param {number} now event time, ms @param {() => boolean} wanted whether still someone looks */
    async ask(view, now, wanted) {
      const { run, channel, measure, resolution } = view
      const id = `${measure}:${channel}`
      const series = JSON.stringify([run, channel, measure])
      if (firstOf !== series) {
        const found = await orNull(api.series({ run, channel, measure, limit: 1 }))
        if (!wanted()) return
        known.first = found?.items[0] ? Date.parse(found.items[0].firstAt) : null
        firstOf = series
      }
      const { from, to } = shown(view, now)
      const key = keyOf(view)
      const all = key !== known.key || known.counts.size === 0 || Date.now() - known.loadedAt > REFRESH_MS
      const newest = Math.max(...known.counts.keys())
      const since = all ? from : Math.max(from, newest - OVERLAP_BINS * resolution * 1000)
      const query = { run, resolution, from: iso(since), to: iso(to), limit: PAGE }
      try {
        const [counts, signals, open, begun, gaps] = await Promise.all([
          api.counts(id, query),
          api.signals(id, query),
          // Opened before the time shown, and going on in it.
          api.alerts({ run, channel, state: 'open', limit: PAGE, all: true }),
          // An alert is opened at the end of a bin, and the last one shown may be just at the end.
          api.alerts({ run, channel, from: iso(from), to: iso(to + 1000), limit: PAGE, all: true }),
          api.gaps({ run, channel, from: iso(from), to: iso(to), limit: PAGE }),
        ])
        if (!wanted()) return
        if (all) {
          known.counts.clear()
          known.signals.clear()
          known.loadedAt = Date.now()
        }
        for (const bin of counts.items) known.counts.set(Date.parse(bin.start), bin)
        for (const signal of signals.items) known.signals.set(Date.parse(signal.start), signal)
        for (const kept of [known.counts, known.signals]) {
          for (const start of kept.keys()) if (start < from) kept.delete(start)
        }
        const alerts = new Map([...open.items, ...begun.items].map((alert) => [alert.id, alert]))
        known.alerts = [...alerts.values()].filter((alert) => Date.parse(alert.openedAt) <= to)
        known.gaps = gaps.items
        known.more = { alerts: open.next !== null || begun.next !== null, gaps: gaps.next !== null }
        known.refused = ''
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        if (!wanted()) return
        known.counts.clear()
        known.signals.clear()
        Object.assign(known, {
          alerts: [],
          gaps: [],
          more: { alerts: false, gaps: false },
          refused: error.message,
        })
      }
      known.key = key
    },
  }
}
