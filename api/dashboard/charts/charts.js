// @ts-check
/** The charts of a series, one above the other: counts with their expected band, score, variance, autocorrelation. */
import { el, setText } from '../dom.js'
import { alertNear, makeHatch } from './marks.js'
import { createPanel, looks } from './panel.js'
import { describe, fill, titles, whyNone } from './readout.js'

/** @typedef {import('./marks.js').Drawing} Drawing */

const COLORS = /** @type {const} */ ([
  'line',
  'band',
  'band-edge',
  'expected',
  'outside',
  'raw',
  'score',
  'score-fill',
  'threshold',
  'grid',
  'axis',
  'gap',
  'gap-text',
  'moment',
  'surface',
  'high',
  'medium',
  'low',
])

/** Cursors move together within one set of charts. */
let sets = 0

/**
 * @param {HTMLElement} root
 * @param {(start: number | null) => void} onSelect gets the start of the bin clicked, in ms
 * @param {(alert: import('../types.ts').Alert) => void} onAlert gets the alert whose mark was clicked
 */
export function createCharts(root, onSelect, onAlert) {
  /** @type {number | null} */
  let hovered = null
  /** @type {import('./panel.js').Shared} */
  const shared = {
    root,
    sync: `fcm-${++sets}`,
    drawing: null,
    zoom: null,
    theme: { color: {}, hatch: null },
    zoomTo,
    hover(index) {
      if (index === hovered) return
      hovered = index
      read()
    },
    pick(u, index) {
      const { drawing } = shared
      if (!drawing) return
      const alert = alertNear(u, drawing, u.cursor.left ?? -1)
      if (alert) onAlert(alert)
      else onSelect(drawing.grid.starts[index])
    },
  }
  const reset = el(
    'button',
    { type: 'button', class: 'reset', hidden: true, onclick: () => zoomTo(null) },
    'Reset zoom',
  )
  /** What the detectors made of the bin, on a line of its own, so that hovering moves nothing. */
  const decision = el('p', { class: 'decision' })
  const panels = looks((name) => () => shared.theme.color[name]).map(([name, look]) =>
    createPanel(name, shared, look, name === 'counts' ? decision : null),
  )
  /** The selected moment by keyboard and by touch, where nothing can hover. */
  const scrub = el('input', {
    type: 'range',
    class: 'scrub',
    step: 1,
    'aria-label': 'Selected moment; Escape clears it',
  })
  root.append(reset, ...panels.map((p) => p.section), scrub, legend())
  readColors()
  new ResizeObserver(() => {
    if (root.clientWidth > 0) for (const panel of panels) panel.resize()
  }).observe(root)
  const recolor = () => {
    readColors()
    for (const panel of panels) panel.redraw()
  }
  addEventListener('theme', recolor)
  // Paper has colours of its own.
  matchMedia('print').addEventListener('change', recolor)
  scrub.addEventListener('input', () => onSelect(shared.drawing?.grid.starts[Number(scrub.value)] ?? null))
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || (!shared.zoom && shared.drawing?.at === null)) return
    event.preventDefault()
    if (shared.zoom) zoomTo(null)
    else onSelect(null)
  })

  function readColors() {
    const style = getComputedStyle(document.documentElement)
    shared.theme.color = Object.fromEntries(
      COLORS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    )
    shared.theme.hatch = makeHatch(shared.theme.color.gap)
  }

  function zoomTo(/** @type {[number, number] | null} */ range) {
    shared.zoom = range
    reset.hidden = !range
    for (const panel of panels) panel.rescale()
    placeScrub()
  }

  /** Under the plots, bin for bin. */
  function placeScrub() {
    if (!shared.drawing) return
    const { grid, at } = shared.drawing
    const [from, to] = shared.zoom ?? [grid.from / 1000, grid.to / 1000]
    const first = grid.x.findIndex((x) => x >= from)
    const chosen = at === null ? -1 : grid.starts.indexOf(at)
    scrub.min = String(Math.max(0, first))
    scrub.max = String(grid.x.findLastIndex((x) => x <= to))
    scrub.value = String(chosen < 0 ? grid.last : chosen)
    scrub.classList.toggle('idle', chosen < 0)
    scrub.setAttribute('aria-valuetext', panels[0].canvas.getAttribute('aria-label') ?? '')
  }

  /** Writes what the charts say at the cursor, else at the selected moment, else now. */
  function read() {
    const { drawing } = shared
    if (!drawing) return
    const { grid, at } = drawing
    const chosen = at === null ? -1 : grid.starts.indexOf(at)
    const said = describe(drawing, hovered ?? (chosen >= 0 ? chosen : grid.last))
    const title = titles(drawing)
    for (const { name, canvas, heading, readout } of panels) {
      if (canvas.title !== said.missed) canvas.title = said.missed
      setText(heading, title[name])
      fill(readout, said[name])
      canvas.setAttribute('aria-label', `${title[name]}: ${said[name].map(([, text]) => text).join(', ')}`)
    }
    setText(decision, said.decision)
    decision.title = said.exact
  }

  return {
    draw(/** @type {Drawing} */ next) {
      const before = shared.drawing?.grid
      if (
        before &&
        (before.seconds !== next.grid.seconds ||
          Math.abs(before.to - next.grid.to) > 12 * before.seconds * 1000 ||
          (shared.zoom && shared.zoom[1] <= next.grid.from / 1000))
      ) {
        shared.zoom = null
        reset.hidden = true
      }
      shared.drawing = next
      const { grid } = next
      const { x, lower, upper, expected, count, outside, score, variance, autocorrelation } = grid
      panels[0].draw([x, lower, upper, expected, count, outside])
      panels[1].draw([x, score])
      panels[2].draw([x, variance])
      panels[3].draw([x, grid.rawAutocorrelation, autocorrelation])
      for (const { name, none } of panels) {
        if (name === 'counts') continue
        const why = grid[name].some((value) => value !== null) ? '' : whyNone(next, name)
        none.hidden = why === ''
        setText(none, why)
      }
      read()
      placeScrub()
    },
  }
}

/** What the marks mean that no readout names. */
const legend = () =>
  el(
    'ul',
    { class: 'legend', 'aria-label': 'Legend' },
    ...[
      ['severity low', '●', 'low'],
      ['severity medium', '◆', 'medium'],
      ['severity high', '▲', 'high severity'],
      ['episode', '', 'how long the alert was open'],
      ['hollow', '', 'the count when it was opened'],
      ['outlier', '', 'outside the 95 % band'],
      ['hatched', '', 'not covered'],
    ].map(([kind, mark, text]) =>
      el('li', {}, el('span', { class: `mark ${kind}`, 'aria-hidden': 'true' }, mark), text),
    ),
  )
