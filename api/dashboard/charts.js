// @ts-check
/** The three charts of a series, one above the other: counts with their expected band, variance, autocorrelation. */
import uPlot from '/vendor/uPlot.esm.js'
import { el, setText } from './dom.js'
import { clock, compact, day } from './format.js'
import { lonely } from './grid.js'
import { alertNear, drawOver, drawUnder, makeHatch } from './marks.js'
import { describe, fill, titles, whyNone } from './readout.js'

/** @typedef {import('./marks.js').Drawing} Drawing */

const COLORS = /** @type {const} */ ([
  'line',
  'band',
  'band-edge',
  'expected',
  'outside',
  'raw',
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
const GUTTER = 52
const XAXIS = 28
/** Room for half of the last time's label; the slider in dashboard.css ends there too. */
const RIGHT = 20
/** A press that moves less than this, in CSS px, is a click and not a zoom. */
const CLICK = 4

/**
 * @param {HTMLElement} root
 * @param {(start: number | null) => void} onSelect gets the start of the bin clicked, in ms
 * @param {(alert: import('./api.js').Alert) => void} onAlert gets the alert whose mark was clicked
 */
export function createCharts(root, onSelect, onAlert) {
  /** @type {Drawing | null} */
  let drawing = null
  /** @type {[number, number] | null} s */
  let zoom = null
  /** @type {number | null} */
  let hovered = null
  /** @type {import('./marks.js').Theme} */
  const theme = { color: {}, hatch: null }
  const color = (/** @type {typeof COLORS[number]} */ name) => theme.color[name]

  const sync = uPlot.sync('fcm')
  const reset = el(
    'button',
    { type: 'button', class: 'reset', hidden: true, onclick: () => zoomTo(null) },
    'Reset zoom',
  )

  const readColors = () => {
    const style = getComputedStyle(root)
    theme.color = Object.fromEntries(COLORS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]))
    theme.hatch = makeHatch(theme.color.gap)
  }

  /** What the detectors made of the bin, on a line of its own, so that hovering moves nothing. */
  const decision = el('p', { class: 'decision' })
  const panels = [
    panel(
      'counts',
      0.33,
      [
        { stroke: () => color('band-edge'), width: 1 },
        { stroke: () => color('band-edge'), width: 1 },
        { stroke: () => color('expected'), width: 1.5, dash: [5, 4] },
        { label: 'line', stroke: () => color('line'), width: 1.5 },
        {
          stroke: () => color('outside'),
          paths: () => null,
          points: {
            show: true,
            size: 5,
            width: 1,
            stroke: () => color('outside'),
            fill: () => color('outside'),
          },
        },
      ],
      {
        bands: [{ series: [2, 1], fill: () => color('band') }],
        range: (_, high) => [0, Math.max(4, high * 1.12)],
        labels: true,
        ticks: (value) => (Number.isInteger(value) ? compact(value) : ''),
      },
    ),
    panel('variance', 0.13, [{ label: 'line', stroke: () => color('line'), width: 1.5 }], {
      range: (_, high) => [0, Math.max(2, high * 1.12)],
      rule: 1,
      ticks: compact,
    }),
    panel(
      'autocorrelation',
      0.13,
      [
        { stroke: () => color('raw'), width: 1, dash: [2, 3] },
        { label: 'line', stroke: () => color('line'), width: 1.5 },
      ],
      {
        range: (low) => [Math.min(-0.4, low - 0.05), 1],
        rule: 0,
        labels: true,
        ticks: compact,
      },
    ),
  ]

  /** The selected moment by keyboard and by touch, where nothing can hover. */
  const scrub = /** @type {HTMLInputElement} */ (
    el('input', { type: 'range', class: 'scrub', step: 1, 'aria-label': 'Selected moment; Escape clears it' })
  )
  root.append(reset, ...panels.map((p) => p.section), scrub, legend())
  readColors()
  new ResizeObserver(resize).observe(root)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    readColors()
    for (const { plot } of panels) plot?.redraw(false, true)
  })
  scrub.addEventListener('input', () => drawing && onSelect(drawing.grid.starts[Number(scrub.value)] ?? null))
  root.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    if (zoom) zoomTo(null)
    else onSelect(null)
  })

  /**
   * @param {'counts' | 'variance' | 'autocorrelation'} name
   * @param {number} share of the window's height
   * @param {uPlot.Series[]} series
   * @param {{ range: (low: number, high: number) => [number, number], ticks: (value: number) => string,
   *   bands?: uPlot.Band[], rule?: number, labels?: boolean }} look  `rule`: the value of a reference line
   */
  function panel(name, share, series, look) {
    const heading = el('h3')
    const readout = el('p', { class: 'readout' })
    const canvas = el('div', { class: 'plot', role: 'img' })
    /** Why a chart has nothing to show. */
    const none = el('p', { class: 'none', hidden: true })
    const section = el(
      'section',
      { class: `chart ${name}` },
      el('div', { class: 'chart-head' }, heading, readout, name === 'counts' ? decision : null),
      canvas,
      none,
    )
    /** @type {uPlot | null} */
    let plot = null
    const height = () =>
      Math.round(Math.max(name === 'counts' ? 190 : 84, innerHeight * share)) + (look.labels ? XAXIS : 8)

    /** @returns {uPlot.Options} */
    const options = () => ({
      width: root.clientWidth,
      height: height(),
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      padding: [8, RIGHT, look.labels ? 0 : 6, 0],
      cursor: {
        sync: { key: 'fcm' },
        // uPlot swallows a click whose hand trembled by a pixel; ours is judged by CLICK.
        drag: { x: true, y: false, setScale: false, dist: CLICK, click: () => {} },
        points: { size: (u, i) => (u.series[i]?.label === 'line' ? 7 : 0) },
        y: false,
        bind: {
          dblclick: () => () => {
            zoomTo(null)
            return null
          },
        },
      },
      scales: {
        x: { time: true, range: () => zoom ?? shown() },
        y: { range: (_, low, high) => look.range(low ?? 0, high ?? 0) },
      },
      axes: [
        {
          stroke: () => color('axis'),
          grid: { stroke: () => color('grid'), width: 1 },
          ticks: { show: false },
          size: look.labels ? XAXIS : 0,
          gap: 6,
          space: 64,
          font: '11px system-ui, sans-serif',
          values: look.labels
            ? (_, splits, __, ___, step) =>
                splits.map((s) => (step >= 86400 || s % 86400 === 0 ? day(s * 1000) : clock(s * 1000)))
            : () => [],
        },
        {
          stroke: () => color('axis'),
          grid: { stroke: () => color('grid'), width: 1 },
          ticks: { show: false },
          size: GUTTER,
          gap: 6,
          space: name === 'counts' ? 32 : 22,
          font: '11px system-ui, sans-serif',
          values: (_, splits) => splits.map(look.ticks),
        },
      ],
      series: [{}, ...series.map((s) => ({ points: { show: dots, filter: loneDots, size: 4 }, ...s }))],
      bands: look.bands ?? [],
      hooks: {
        drawClear: [(u) => drawing && drawUnder(u, drawing, theme, name === 'counts')],
        draw: [(u) => drawing && drawOver(u, drawing, theme, name === 'counts', look.rule)],
        setCursor: [(u) => hover(u.cursor.idx ?? null)],
        setSelect: [
          (u) => {
            if (u.select.width < CLICK) return
            zoomTo([u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')])
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          },
        ],
        ready: [pickMoments],
      },
    })

    return {
      name,
      section,
      heading,
      readout,
      canvas,
      none,
      height,
      get plot() {
        return plot
      },
      /** @param {uPlot.AlignedData} data */
      draw(data) {
        if (plot) plot.setData(data)
        else {
          plot = new uPlot(options(), data, canvas)
          sync.sub(plot)
        }
      },
    }
  }

  /** @returns {[number, number]} s */
  function shown() {
    return drawing ? [drawing.grid.from / 1000, drawing.grid.to / 1000] : [0, 1]
  }

  function dots(/** @type {uPlot} */ u, /** @type {number} */ seriesIndex) {
    return lonely(u.data[seriesIndex]).length > 0
  }

  function loneDots(/** @type {uPlot} */ u, /** @type {number} */ seriesIndex) {
    return lonely(u.data[seriesIndex])
  }

  function zoomTo(/** @type {[number, number] | null} */ range) {
    zoom = range
    reset.hidden = !range
    for (const { plot } of panels) plot?.setData(plot.data)
    placeScrub()
  }

  /** Under the plots, bin for bin. */
  function placeScrub() {
    if (!drawing) return
    const { grid, at } = drawing
    const [from, to] = zoom ?? shown()
    const first = Math.max(
      0,
      grid.x.findIndex((x) => x >= from),
    )
    const end = grid.x.findLastIndex((x) => x <= to)
    const chosen = at === null ? -1 : grid.starts.indexOf(at)
    scrub.min = String(first)
    scrub.max = String(end)
    scrub.value = String(chosen < 0 ? grid.last : chosen)
    scrub.classList.toggle('idle', chosen < 0)
    scrub.setAttribute('aria-valuetext', panels[0].canvas.getAttribute('aria-label') ?? '')
  }

  function resize() {
    for (const { plot, height } of panels) {
      if (plot && root.clientWidth > 0) plot.setSize({ width: root.clientWidth, height: height() })
    }
  }

  function pickMoments(/** @type {uPlot} */ u) {
    let pressed = 0
    u.over.addEventListener('mousedown', (event) => {
      pressed = event.clientX
    })
    u.over.addEventListener('click', (event) => {
      const index = u.cursor.idx
      if (!drawing || index == null || Math.abs(event.clientX - pressed) >= CLICK) return
      const alert = alertNear(u, drawing, u.cursor.left ?? -1)
      if (alert) onAlert(alert)
      else onSelect(drawing.grid.starts[index])
    })
  }

  function hover(/** @type {number | null} */ index) {
    if (index === hovered) return
    hovered = index
    read()
  }

  /** Writes what the charts say at the cursor, else at the selected moment, else now. */
  function read() {
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
    decision.title = said.decision
  }

  return {
    draw(/** @type {Drawing} */ next) {
      const before = drawing?.grid
      if (
        before &&
        (before.seconds !== next.grid.seconds ||
          Math.abs(before.to - next.grid.to) > 12 * before.seconds * 1000 ||
          (zoom && zoom[1] <= next.grid.from / 1000))
      ) {
        zoom = null
        reset.hidden = true
      }
      drawing = next
      const { grid } = next
      panels[0].draw([grid.x, grid.lower, grid.upper, grid.expected, grid.count, grid.outside])
      panels[1].draw([grid.x, grid.variance])
      panels[2].draw([grid.x, grid.rawAutocorrelation, grid.autocorrelation])
      for (const { name, none } of panels) {
        if (name === 'counts') continue
        const why = grid[name].some((value) => value !== null) ? '' : whyNone(grid)
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
