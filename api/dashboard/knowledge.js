// @ts-check
/** What the page knows: what the API answered for the view that is looked at, asked again at every poll. */
import { api, Refused } from './api.js'
import { iso } from './format.js'
import { ALL_CHANNELS, CHANNELS } from './source.js'
import { span } from './state.js'

/**
 * @typedef {import('./state.js').View} View
 * @typedef {import('./api.js').Alert} Alert
 * @typedef {import('./api.js').Query} Query
 * @typedef {{ type: string, state: string, channel: boolean }} Filters
 */

/** Totals only order the channel list, and the list of runs hardly changes. */
const SLOW_MS = 15_000
/** What the source does takes the server some adding up. */
const SOURCE_MS = 6_000
/** Closed bins don't change but for late arrivals, so a poll asks only for the newest bins, and now and then for all. */
const REFRESH_MS = 60_000
const OVERLAP_BINS = 12
/** The API's largest page. */
const PAGE = 500
const RESOLVED = 50
const CASTS = 50
/** So many of the busiest channels are looked at for one that is judged. */
const CANDIDATES = 5
/** The base bin: `lastAt` is the start of one, and its end is how far event time has come. */
const BASE_MS = 300_000

const descending = (/** @type {string} */ a, /** @type {string} */ b) => (a < b ? 1 : a > b ? -1 : 0)

/** Everything that belongs to one run. */
const nothing = () => ({
  answered: false,
  /** Why the API refuses this run or this series. */
  refused: '',
  /** @type {Alert[]} open ones first */ alerts: [],
  /** @type {Alert[]} */ older: [],
  /** @type {string | null} */ olderCursor: null,
  olderKey: '',
  /** @type {import('./api.js').AlertDetail | { id: string, refused: string } | null} */ detail: null,
  /** @type {import('./api.js').Channel[]} */ channels: [],
  /** @type {import('./api.js').Series[]} */ series: [],
  /** @type {Map<string, number>} the start of the first bin by series, ms */ firsts: new Map(),
  /** Whether this run has an alert of this type, which not every preset gives. */ onsets: false,
  /** @type {import('./api.js').Run[]} */ runs: [],
  /** @type {import('./api.js').Lag[]} */ lag: [],
  slowAt: 0,
  /** @type {import('./api.js').Source | null} */ source: null,
  sourceAt: 0,
  /** So many of its channels. */ sourceLimit: CHANNELS,
  /** The view that the bins and marks are of. */
  seriesKey: '',
  loadedAt: 0,
  /** @type {Map<number, import('./api.js').Count>} by start, ms */ counts: new Map(),
  /** @type {Map<number, import('./api.js').Signal>} by start, ms */ signals: new Map(),
  /** @type {Alert[]} in the time shown, whatever the list is narrowed to */ marks: [],
  /** @type {import('./api.js').Gap[]} of the channel, in the time shown */ gaps: [],
  castsKey: '',
  /** @type {import('./api.js').Cast[]} */ casts: [],
  /** @type {string | null} */ castsCursor: null,
  castsExtended: false,
  /** @type {number | null} the end of the newest bin, ms */ eventTime: null,
  /** When it last moved, by this machine's clock. */
  movedAt: Date.now(),
})

/**
 * @param {() => View} current the view as it is now: it may change while a question is on its way
 * @param {() => Filters} filters
 */
export function createKnowledge(current, filters) {
  const known = nothing()

  const seriesKey = () => {
    const { run, channel, measure, resolution, end } = current()
    return JSON.stringify([run, channel, measure, resolution, end])
  }

  /** The start of the series' first bin at the resolution looked at, in ms; null when it is not known. */
  function first() {
    const { channel, measure, resolution } = current()
    const at = known.firsts.get(`${measure}:${channel}`)
    return at === undefined ? null : Math.floor(at / (resolution * 1000)) * resolution * 1000
  }

  /** The time shown, in ms, on bin edges: none of it is before the series' first bin, unless all of it is. */
  function shown() {
    const { resolution, end } = current()
    const step = resolution * 1000
    const to = Math.ceil((end ?? known.eventTime ?? 0) / step) * step
    const from = to - span(resolution)
    const begin = first()
    return { from: begin !== null && begin < to ? Math.max(from, begin) : from, to }
  }

  /** The moment's bin and, since 5 minutes are short, a quarter of an hour on either side of such a bin. */
  function castSpan() {
    const { at, end, resolution } = current()
    if (at === null) return { from: undefined, to: end === null ? undefined : shown().to }
    const margin = resolution === 300 ? 900_000 : 0
    return { from: at - margin, to: at + resolution * 1000 + margin }
  }

  /** @returns {Query} */
  function alertQuery() {
    const { type, channel } = filters()
    return { run: current().run, type, channel: channel ? (current().channel ?? '') : '' }
  }

  /** Alerts, channels, lag: what does not depend on the series that is looked at. */
  async function askOverview() {
    const { run } = current()
    const { state } = filters()
    const query = alertQuery()
    const slow = Date.now() - known.slowAt > SLOW_MS
    const { sourceLimit } = known
    const sourceDue = Date.now() - known.sourceAt > SOURCE_MS
    const [open, resolved, channels, lag, series, runs, onsets, source] = await Promise.all([
      state === 'resolved' ? null : api.alerts({ ...query, state: 'open', limit: PAGE }),
      state === 'open' ? null : api.alerts({ ...query, state: 'resolved', limit: RESOLVED }),
      api.channels(run),
      api.lag(run),
      slow ? api.series({ run, limit: PAGE }) : null,
      slow ? api.runs() : null,
      slow ? api.alerts({ run, type: 'onset', limit: 1 }) : null,
      sourceDue ? api.source(run, sourceLimit) : null,
    ])
    if (current().run !== run) return
    known.alerts = [...(open?.items ?? []), ...(resolved?.items ?? [])]
    const olderKey = JSON.stringify([query, state])
    if (known.olderKey !== olderKey) Object.assign(known, { olderKey, older: [], olderCursor: null })
    if (known.older.length === 0) known.olderCursor = resolved?.next ?? null
    known.channels = channels.items
    known.lag = lag.items
    if (series) {
      known.series = series.items
      learnFirsts(series.items)
    }
    if (onsets) known.onsets = onsets.items.length > 0
    if (runs) known.runs = runs.items
    if (slow) known.slowAt = Date.now()
    // Someone may have asked for more meanwhile.
    if (source && sourceLimit === known.sourceLimit) Object.assign(known, { source, sourceAt: Date.now() })
    known.answered = true

    const newest = Math.max(...known.channels.map((channel) => Date.parse(channel.lastAt))) + BASE_MS
    if (Number.isFinite(newest) && newest !== known.eventTime) {
      known.eventTime = newest
      known.movedAt = Date.now()
    }
  }

  function learnFirsts(/** @type {import('./api.js').Series[]} */ series) {
    for (const { id, firstAt } of series) known.firsts.set(id, Date.parse(firstAt))
  }

  async function askSeries() {
    const { run, channel, measure, resolution } = current()
    if (channel === null || known.eventTime === null) return
    const key = seriesKey()
    if (!known.firsts.has(`${measure}:${channel}`)) {
      // One of the many small series that the list of the largest lacks; or none at all, which the counts will tell.
      const { items } = await api.series({ run, channel, measure, limit: 1 }).catch((error) => {
        if (error instanceof Refused) return { items: [] }
        throw error
      })
      if (key !== seriesKey()) return
      learnFirsts(items)
    }
    const { from, to } = shown()
    const all = key !== known.seriesKey || known.counts.size === 0 || Date.now() - known.loadedAt > REFRESH_MS
    const newest = Math.max(...known.counts.keys())
    const since = all ? from : Math.max(from, newest - OVERLAP_BINS * resolution * 1000)
    const query = { run, resolution, from: iso(since), to: iso(to), limit: PAGE }
    const id = `${measure}:${channel}`
    try {
      const [counts, signals, marks, gaps] = await Promise.all([
        api.counts(id, query),
        api.signals(id, query),
        // An alert is opened at the end of a bin, and the last one shown may be just at the end.
        api.alerts({ run, channel, from: iso(from), to: iso(to + 1000), limit: PAGE }),
        api.gaps({ run, channel, from: iso(from), to: iso(to), limit: PAGE }),
      ])
      if (key !== seriesKey()) return
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
      known.marks = marks.items
      known.gaps = gaps.items
      known.refused = ''
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      known.counts.clear()
      known.signals.clear()
      known.refused = error.message
    }
    known.seriesKey = key
  }

  async function askDetail() {
    const id = current().alert
    const had = known.detail?.id === id ? known.detail : null
    const listed = known.alerts.find((alert) => alert.id === id)
    if (id === null || (had && ('refused' in had || had.sequence === listed?.sequence))) return
    try {
      known.detail = await api.alert(id)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      known.detail = { id, refused: error.message }
    }
  }

  /** @param {boolean} more the page after those that are known */
  async function askCasts(more = false) {
    const { channel, run, at } = current()
    const { from, to } = castSpan()
    const key = JSON.stringify([run, channel, from, to])
    if (channel === null || channel === '*') {
      Object.assign(known, { castsKey: key, casts: [], castsCursor: null })
      return
    }
    // The past does not change; and a list that someone reads on in is left alone.
    if (!more && key === known.castsKey && (at !== null || known.castsExtended)) return
    const cursor = more ? (known.castsCursor ?? undefined) : undefined
    const times = { from: from && iso(from), to: to && iso(to) }
    try {
      const page = await api.casts(channel, { run, ...times, limit: CASTS, cursor })
      known.casts = more ? [...known.casts, ...page.items] : page.items
      known.castsCursor = page.next
      known.castsExtended = more
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      Object.assign(known, { casts: [], castsCursor: null })
    }
    known.castsKey = key
  }

  return {
    /** Read only. */
    known,
    shown,
    first,
    castSpan,
    /** Whether the bins known are of the series and time looked at. */
    current: () => known.seriesKey === seriesKey(),
    askOverview,
    /**
     * Where there is something to see when nothing was chosen: the newest open alert, else the casts of the busiest
     * channel that the detectors judge. The same answers always give the same view.
     * @returns {Promise<Partial<View>>}
     */
    async firstView() {
      const { run, resolution } = current()
      const [newest] = known.alerts
        .filter((alert) => alert.state === 'open')
        .sort((a, b) => descending(a.openedAt, b.openedAt) || descending(b.id, a.id))
      if (newest) {
        const { channel, series, resolution } = newest
        return { channel, measure: series.slice(0, series.indexOf(':')), resolution }
      }
      const rank = (/** @type {string} */ channel) => ['*', '_'].indexOf(channel)
      const busiest = known.series
        .filter((each) => each.measure === 'casts')
        .sort(
          (a, b) =>
            rank(a.channel) - rank(b.channel) || b.total - a.total || descending(b.channel, a.channel),
        )
      const to = known.eventTime ?? 0
      for (const { id, channel } of busiest.slice(0, CANDIDATES)) {
        const query = { run, resolution, from: iso(to - span(resolution)), to: iso(to), limit: PAGE }
        const { items } = await api.signals(id, query)
        if (items.some((signal) => signal.expected !== null)) return { channel, measure: 'casts' }
      }
      return { channel: busiest[0]?.channel ?? known.channels[0].id, measure: 'casts' }
    },
    /** The series, alert and casts that are looked at. */
    askSelected: () => Promise.all([askSeries(), askDetail(), askCasts()]),
    askMoreCasts: () => askCasts(true),
    /** All channels of the source, or again those to look at first. */
    async askSource(/** @type {boolean} */ all) {
      const { run } = current()
      known.sourceLimit = all ? ALL_CHANNELS : CHANNELS
      const source = await api.source(run, known.sourceLimit)
      if (current().run === run) Object.assign(known, { source, sourceAt: Date.now() })
    },
    async askOlderAlerts() {
      const key = known.olderKey
      if (!known.olderCursor) return
      const page = await api.alerts({
        ...alertQuery(),
        state: 'resolved',
        limit: RESOLVED,
        cursor: known.olderCursor,
      })
      if (key !== known.olderKey) return
      known.older.push(...page.items)
      known.olderCursor = page.next
    },
    /** The API refuses this run altogether. */
    refuse(/** @type {string} */ why) {
      Object.assign(known, { ...nothing(), answered: true, refused: why })
    },
    /** Another run: nothing that is known holds. */
    forget() {
      Object.assign(known, nothing())
    },
  }
}
