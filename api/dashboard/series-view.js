// @ts-check
/** A series in a window of time: its charts, and the casts of the moment selected. */
import { contact } from './api.js'
import { NOT_ASKED } from './asking.js'
import { createBins } from './bins.js'
import { createCasts } from './casts.js'
import { createCharts } from './charts/charts.js'
import { endOf, gapAt, makeGrid, wholeFrom } from './charts/grid.js'
import { el, setText } from './dom.js'
import { channelLabel, plain } from './format.js'
import { isOfBin } from './pages/evidence.js'
import { createStale } from './stale.js'
import { undecided } from './words.js'

/** @typedef {import('./bins.js').View} View */

/**
 * @param {import('./app.js').App} app
 * @param {{ look: () => View | null, onSelect: (start: number | null) => void,
 *   onAlert: (alert: import('./types.ts').Alert) => void }} options  `look`: what is looked at; null: not known yet
 */
export function createSeriesView(app, { look, onSelect, onAlert }) {
  const bins = createBins()
  const stale = createStale()
  const edge = el('p', { class: 'edge', hidden: true })
  const root = el('section', { class: 'card charts', 'aria-label': 'Charts' }, stale.node, edge)
  const empty = el('div', { class: 'empty', hidden: true })
  const charts = createCharts(root, onSelect, onAlert)
  const casts = createCasts(() => more.ask())

  /** Asks about what is looked at, once that and the event time are known. */
  const about =
    (/** @type {(view: View, now: number, wanted: () => boolean) => Promise<void>} */ question) =>
    async () => {
      const { route, now } = app
      const view = look()
      if (!view || now === null) return NOT_ASKED
      return question(view, now, () => app.route === route)
    }
  const series = app.question('charts', about(bins.ask))
  const around = app.question(
    'casts',
    about((view, _, wanted) => casts.ask(view, wanted)),
  )
  const more = app.question(
    'more casts',
    about((view, _, wanted) => casts.ask(view, wanted, true)),
  )

  return {
    charts: el('div', {}, empty, root),
    casts: casts.node,
    bins,
    questions: [series, around],
    /** There is no data at all, and why. */
    nothing(/** @type {string} */ why) {
      root.hidden = true
      empty.hidden = why === ''
      setText(empty, why)
    },
    series,
    /** @param {View} view @param {number} now event time, ms @param {import('./types.ts').AlertDetail | null} alert the one to stress */
    draw(view, now, alert) {
      const { known } = bins
      stale.draw(series)
      // While another series is on its way, the one before stays, dimmed, rather than flicker or pass for the new one.
      const isLoading = !bins.has(view)
      const isAway = contact.downSince !== null || series.why !== ''
      root.classList.toggle('loading', isLoading)
      casts.draw(view, around)
      if (isLoading && !isAway) return
      const isReady = !isLoading && known.refused === '' && known.counts.size > 0
      root.hidden = !isReady
      empty.hidden = isReady
      if (!isReady) {
        setText(
          empty,
          known.refused !== ''
            ? `This can't be shown: ${plain(known.refused, 300)}`
            : isAway
              ? `This can't be had now${series.why === '' ? '' : `: ${plain(series.why, 160)}`}. It comes by itself.`
              : `No ${view.measure} of ${channelLabel(view.channel)} in this time.`,
        )
        return
      }
      const grid = makeGrid({
        ...bins.shown(view, now),
        first: bins.first(view),
        resolution: view.resolution,
        whole: wholeFrom(view.channel),
        missed: (from, to) => gapAt(known.gaps, view.measure, from, to) !== undefined,
        counts: known.counts,
        signals: known.signals,
      })
      const late = view.end === null ? undecided(view.measure, endOf(grid), now) : ''
      edge.hidden = late === ''
      setText(edge, late)
      charts.draw({
        ...{ grid, measure: view.measure, alerts: known.alerts, gaps: known.gaps, at: view.at },
        ...{ alert: alert?.id ?? null, evidence: alert?.evidence.filter(isOfBin) ?? [] },
      })
    },
  }
}
