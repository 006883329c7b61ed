// @ts-check
/** A series in a window of time: its charts, and the casts of the moment selected. */
import { createBins } from './bins.js'
import { createCasts } from './casts.js'
import { createCharts } from './charts/charts.js'
import { gapAt, makeGrid, wholeFrom } from './charts/grid.js'
import { el, setText } from './dom.js'
import { channelLabel, plain } from './format.js'

/** @typedef {import('./bins.js').View} View */

/**
 * @param {{ onSelect: (start: number | null) => void, onAlert: (alert: import('./types.ts').Alert) => void,
 *   quietly: (question: () => Promise<void>) => void }} options  `quietly`: asks what a button asks for, and draws
 */
export function createSeriesView({ onSelect, onAlert, quietly }) {
  const bins = createBins()
  const root = el('section', { class: 'card charts', 'aria-label': 'Charts' })
  const empty = el('div', { class: 'empty', hidden: true })
  const charts = createCharts(root, onSelect, onAlert)
  /** @type {View | null} */
  let drawn = null
  const casts = createCasts(() => {
    const view = drawn
    if (view) quietly(() => casts.ask(view, () => true, true))
  })

  return {
    charts: el('div', {}, empty, root),
    casts: casts.node,
    bins,
    /** @param {View} view @param {number} now event time, ms @param {() => boolean} wanted */
    ask: (view, now, wanted) => Promise.all([bins.ask(view, now, wanted), casts.ask(view, wanted)]),
    /** There is no data at all, and why. */
    nothing(/** @type {string} */ why) {
      root.hidden = true
      empty.hidden = why === ''
      setText(empty, why)
    },
    /**
     * @param {View} view @param {number} now @param {import('./types.ts').AlertDetail | null} alert the one to stress
     * @param {boolean} down
     */
    draw(view, now, alert, down) {
      drawn = view
      const { known } = bins
      // While another series is on its way, the one before stays, dimmed, rather than flicker or pass for the new one.
      const loading = !bins.has(view)
      root.classList.toggle('loading', loading)
      casts.draw(view)
      if (loading && !down) return
      const ready = !loading && known.refused === '' && known.counts.size > 0
      root.hidden = !ready
      empty.hidden = ready
      if (!ready) {
        setText(
          empty,
          known.refused !== ''
            ? `This can't be shown: ${plain(known.refused, 300)}`
            : down
              ? 'This was not loaded before the server went away.'
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
      charts.draw({
        ...{ grid, measure: view.measure, alerts: known.alerts, gaps: known.gaps, at: view.at },
        ...{ alert: alert?.id ?? null, evidence: alert?.evidence ?? [] },
      })
    },
  }
}
