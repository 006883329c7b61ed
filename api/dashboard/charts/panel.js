// @ts-check
/** One chart of a series, by uPlot: its place on the page, its axes, and what is marked on it. */
import { el } from '../dom.js'
import { clock, compact, day } from '../format.js'
import { lonely } from './grid.js'
import { drawOver, drawUnder } from './marks.js'

/** A classic script in index.html, since only that build of the library comes without its comments. */
const uPlot = /** @type {typeof import('uplot')} */ (/** @type {any} */ (globalThis).uPlot)

/** @typedef {'counts' | 'score' | 'variance' | 'autocorrelation'} PanelName */
/**
 * What the charts of a series share. `zoom`: s.
 * @typedef {{ root: HTMLElement, sync: string, drawing: import('./marks.js').Drawing | null,
 *   zoom: [number, number] | null, theme: import('./marks.js').Theme,
 *   zoomTo: (range: [number, number] | null) => void, hover: (index: number | null) => void,
 *   pick: (u: import('uplot'), index: number) => void }} Shared
 * @typedef {{ share: number, least: number, series: import('uplot').Series[],
 *   range: (low: number, high: number) => [number, number], ticks: (value: number) => string,
 *   splits?: number[], bands?: import('uplot').Band[], rule?: number, threshold?: boolean, labels?: boolean, marked?: boolean }} Look
 *   `splits`: where the scale has its numbers, if they are always the same; `share`: of the window's height; `least`: its least height, CSS px; `rule`: the line of a reference value; `threshold`: of the score's, instead;
 *   `labels`: of time; `marked`: with the severity of alerts
 */

const GUTTER = 52
const XAXIS = 28
/** Room for half of the last time's label; the slider in charts.css ends there too. */
const RIGHT = 20
/** A press that moves less than this, in CSS px, is a click and not a zoom. */
const CLICK = 4
const FONT = '11px system-ui, sans-serif'

/** @param {PanelName} name @param {Shared} shared @param {Look} look @param {HTMLElement | null} below what stands under the heading */
export function createPanel(name, shared, look, below) {
  const heading = el('h3')
  const readout = el('p', { class: 'readout' })
  const canvas = el('div', { class: 'plot', role: 'img' })
  /** Why a chart has nothing to show. */
  const none = el('p', { class: 'none', hidden: true })
  const section = el(
    'section',
    { class: `chart ${name}` },
    el('div', { class: 'chart-head' }, heading, readout, below),
    canvas,
    none,
  )
  const color = (/** @type {string} */ of) => shared.theme.color[of]
  const shown = () => {
    const { drawing } = shared
    return /** @type {[number, number]} */ (
      drawing ? [drawing.grid.from / 1000, drawing.grid.to / 1000] : [0, 1]
    )
  }
  const height = () => Math.round(Math.max(look.least, innerHeight * look.share)) + (look.labels ? XAXIS : 8)
  const loneDots = (/** @type {import('uplot')} */ u, /** @type {number} */ i) => lonely(u.data[i])
  const axis = {
    stroke: () => color('axis'),
    grid: { stroke: () => color('grid'), width: 1 },
    ticks: { show: false },
    gap: 6,
    font: FONT,
  }

  /** @returns {import('uplot').Options} */
  const options = () => ({
    width: shared.root.clientWidth,
    height: height(),
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    padding: [8, RIGHT, look.labels ? 0 : 6, 0],
    cursor: {
      sync: { key: shared.sync },
      // uPlot swallows a click whose hand trembled by a pixel; ours is judged by CLICK.
      drag: { x: true, y: false, setScale: false, dist: CLICK, click: () => {} },
      points: { size: (u, i) => (u.series[i]?.label === 'line' ? 7 : 0) },
      y: false,
      bind: {
        dblclick: () => () => {
          shared.zoomTo(null)
          return null
        },
      },
    },
    scales: {
      x: { time: true, range: () => shared.zoom ?? shown() },
      y: { range: (_, low, high) => look.range(low ?? 0, high ?? 0) },
    },
    axes: [
      {
        ...axis,
        size: look.labels ? XAXIS : 0,
        space: 64,
        values: look.labels
          ? (_, splits, __, ___, step) =>
              splits.map((s) => (step >= 86400 || s % 86400 === 0 ? day(s * 1000) : clock(s * 1000)))
          : () => [],
      },
      {
        ...axis,
        size: GUTTER,
        ...(look.splits && { splits: () => /** @type {number[]} */ (look.splits) }),
        space: look.marked ? 32 : 22,
        values: (_, splits) => splits.map(look.ticks),
      },
    ],
    series: [
      {},
      ...look.series.map((s) => ({
        points: {
          show: (/** @type {import('uplot')} */ u, /** @type {number} */ i) => loneDots(u, i).length > 0,
          filter: loneDots,
          size: 4,
        },
        ...s,
      })),
    ],
    bands: look.bands ?? [],
    hooks: {
      drawClear: [(u) => shared.drawing && drawUnder(u, shared.drawing, shared.theme, !!look.marked)],
      draw: [(u) => shared.drawing && drawOver(u, shared.drawing, shared.theme, look)],
      setCursor: [(u) => shared.hover(u.cursor.idx ?? null)],
      setSelect: [
        (u) => {
          if (u.select.width < CLICK) return
          shared.zoomTo([u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')])
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
      ready: [
        (u) => {
          let pressed = 0
          u.over.addEventListener('mousedown', (event) => {
            pressed = event.clientX
          })
          u.over.addEventListener('click', (event) => {
            const index = u.cursor.idx
            if (index != null && Math.abs(event.clientX - pressed) < CLICK) shared.pick(u, index)
          })
        },
      ],
    },
  })

  /** @type {import('uplot') | null} */
  let plot = null
  return {
    name,
    section,
    heading,
    readout,
    canvas,
    none,
    draw(/** @type {import('uplot').AlignedData} */ data) {
      if (plot) plot.setData(data)
      else {
        plot = new uPlot(options(), data, canvas)
        uPlot.sync(shared.sync).sub(plot)
      }
    },
    /** As long as nothing but the colours, or what is marked, is another. */
    redraw: () => plot?.redraw(false, true),
    /** With another time shown. */
    rescale: () => plot?.setData(plot.data),
    resize: () => plot?.setSize({ width: shared.root.clientWidth, height: height() }),
  }
}

/** The looks of the panels, from top to bottom. @param {(name: string) => () => string} color @returns {[PanelName, Look][]} */
export const looks = (color) => {
  const line = { label: 'line', stroke: color('line'), width: 1.5 }
  return [
    [
      'counts',
      {
        share: 0.28,
        least: 190,
        labels: true,
        marked: true,
        series: [
          { stroke: color('band-edge'), width: 1 },
          { stroke: color('band-edge'), width: 1 },
          { stroke: color('expected'), width: 1.5, dash: [5, 4] },
          line,
          {
            stroke: color('outside'),
            paths: () => null,
            points: { show: true, size: 5, width: 1, stroke: color('outside'), fill: color('outside') },
          },
        ],
        bands: [{ series: [2, 1], fill: color('band') }],
        range: (_, high) => [0, Math.max(4, high * 1.12)],
        ticks: (value) => (Number.isInteger(value) ? compact(value) : ''),
      },
    ],
    [
      'score',
      {
        share: 0.11,
        least: 80,
        series: [{ ...line, stroke: color('score'), fill: color('score-fill') }],
        range: () => [0, 1],
        threshold: true,
        splits: [0, 0.5, 1],
        ticks: compact,
      },
    ],
    [
      'variance',
      {
        share: 0.11,
        least: 80,
        series: [line],
        range: (_, high) => [0, Math.max(2, high * 1.12)],
        rule: 1,
        ticks: compact,
      },
    ],
    [
      'autocorrelation',
      {
        share: 0.11,
        least: 80,
        labels: true,
        series: [{ stroke: color('raw'), width: 1, dash: [2, 3] }, line],
        range: (low) => [Math.min(-0.4, low - 0.05), 1],
        rule: 0,
        ticks: compact,
      },
    ],
  ]
}
