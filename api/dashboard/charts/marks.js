// @ts-check
/** What is drawn on a chart beside its series: gaps, the selected moment, alerts. */

/**
 * @typedef {import('uplot')} uPlot
 * @typedef {import('./grid.js').Grid} Grid
 * @typedef {import('../types.ts').Alert} Alert
 * @typedef {import('../types.ts').Gap} Gap
 * @typedef {{ grid: Grid, measure: import('../../../schemas/measures.js').Measure, alerts: Alert[], gaps: Gap[], at: number | null, alert: string | null,
 *   evidence: import('../types.ts').Evidence[] }} Drawing  `evidence`: of the alert `alert`
 * @typedef {{ color: Record<string, string>, hatch: CanvasPattern | null }} Theme
 */

/** A click this near to an alert's line, in CSS px, is meant for it. */
const NEAR = 6

/** The slot of the last bin that had closed when the alert was opened, whatever resolution is shown; or -1. */
function indexOfAlert(/** @type {Grid} */ grid, /** @type {Alert} */ alert) {
  const index = Math.floor((Date.parse(alert.openedAt) - 1 - grid.from) / (grid.seconds * 1000))
  return index >= 0 && index < grid.starts.length ? index : -1
}

/** @param {uPlot} u @param {Grid} grid @param {number} index @returns {number} canvas px, NaN outside of what is shown */
function across(u, { x }, index) {
  const at = index < 0 ? Number.NaN : u.valToPos(x[index], 'x', true)
  return at >= u.bbox.left && at <= u.bbox.left + u.bbox.width ? at : Number.NaN
}

/** The alert whose line is at `left`, in CSS px of the plot. */
export function alertNear(
  /** @type {uPlot} */ u,
  /** @type {Drawing} */ { grid, alerts },
  /** @type {number} */ left,
) {
  const distances = alerts.map((alert) => {
    const x = across(u, grid, indexOfAlert(grid, alert))
    return Math.abs((x - u.bbox.left) / devicePixelRatio - left)
  })
  const nearest = distances.indexOf(Math.min(...distances.filter((d) => d <= NEAR)))
  return alerts[nearest] ?? null
}

/** Until when an alert was open in the time shown, ms. */
const endOf = (/** @type {Grid} */ grid, /** @type {Alert} */ alert) =>
  alert.resolvedAt === null
    ? (grid.starts[grid.last] ?? grid.from) + grid.seconds * 1000
    : Date.parse(alert.resolvedAt)

/**
 * Under the series. Gaps are hatched, and named where there is room: a gap is never a zero. The time in which an alert was
 * open is shaded.
 */
export function drawUnder(
  /** @type {uPlot} */ u,
  /** @type {Drawing} */ { grid, at, alerts, alert: chosen },
  /** @type {Theme} */ { color, hatch },
  /** @type {boolean} */ named,
) {
  const { ctx, bbox } = u
  const stripe = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ least) => {
    const left = Math.max(bbox.left, u.valToPos(from / 1000, 'x', true))
    const right = Math.min(bbox.left + bbox.width, u.valToPos(to / 1000, 'x', true))
    if (right <= left) return null
    const width = Math.max(right - left, least * devicePixelRatio)
    ctx.fillRect((left + right - width) / 2, bbox.top, width, bbox.height)
    return { middle: (left + right) / 2, width }
  }
  ctx.save()
  for (const alert of alerts) {
    ctx.globalAlpha = alert.id === chosen ? 0.1 : 0.05
    ctx.fillStyle = color[alert.severity]
    stripe(Date.parse(alert.openedAt), endOf(grid, alert), 0)
  }
  ctx.globalAlpha = 1
  for (const gap of grid.gaps) {
    ctx.fillStyle = hatch ?? color.gap
    const drawn = stripe(gap.from, gap.to, 1)
    if (!named || !drawn || drawn.width < 64 * devicePixelRatio) continue
    ctx.fillStyle = color['gap-text']
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`
    ctx.textAlign = 'center'
    ctx.fillText('not covered', drawn.middle, bbox.top + 14 * devicePixelRatio)
  }
  if (at !== null) {
    ctx.fillStyle = color.moment
    stripe(at, at + grid.seconds * 1000, 5)
  }
  ctx.restore()
}

/** Over the series: the line of a reference value, and the alerts. */
export function drawOver(
  /** @type {uPlot} */ u,
  /** @type {Drawing} */ { grid, alerts, alert: chosen },
  /** @type {Theme} */ { color },
  /** @type {import('./panel.js').Look} */ { marked, rule: usual, threshold },
) {
  const { ctx, bbox } = u
  const ratio = devicePixelRatio
  const line = (/** @type {[number, number]} */ from, /** @type {[number, number]} */ to) => {
    ctx.beginPath()
    ctx.moveTo(...from)
    ctx.lineTo(...to)
    ctx.stroke()
  }
  ctx.save()
  const rule = threshold ? grid.threshold : usual
  if (typeof rule === 'number') {
    const y = Math.round(u.valToPos(rule, 'y', true)) + 0.5
    ctx.strokeStyle = color[threshold ? 'threshold' : 'band-edge']
    ctx.setLineDash(threshold ? [6 * ratio, 4 * ratio] : [])
    ctx.lineWidth = ratio
    line([bbox.left, y], [bbox.left + bbox.width, y])
    ctx.setLineDash([])
  }
  for (const alert of alerts) {
    const index = indexOfAlert(grid, alert)
    // In the middle of a pixel, where a thin line is sharp.
    const x = Math.floor(across(u, grid, index)) + 0.5
    if (Number.isNaN(x)) continue
    const open = alert.state === 'open'
    ctx.strokeStyle = color[alert.severity]
    ctx.fillStyle = color[alert.severity]
    ctx.lineWidth = (alert.id === chosen ? 2 : 1) * ratio
    ctx.setLineDash(open ? [] : [3 * ratio, 3 * ratio])
    ctx.globalAlpha = open || alert.id === chosen ? 1 : 0.6
    line([x, bbox.top], [x, bbox.top + bbox.height])
    ctx.setLineDash([])
    ctx.globalAlpha = 1
    if (!marked) continue
    // How long the episode lasted, or lasts still.
    const right = Math.min(u.valToPos(endOf(grid, alert) / 1000, 'x', true), bbox.left + bbox.width)
    if (right > x) ctx.fillRect(x, bbox.top, right - x, 2 * ratio)
    drawShape(ctx, alert.severity, x, bbox.top + 2 * ratio, (open ? 5 : 4) * ratio)
    const count = grid.count[index]
    if (count === null) continue
    ctx.beginPath()
    ctx.arc(x, u.valToPos(count, 'y', true), (open ? 4.5 : 3) * ratio, 0, 2 * Math.PI)
    ctx.fillStyle = color.surface
    ctx.fill()
    ctx.lineWidth = 1.5 * ratio
    ctx.stroke()
  }
  ctx.restore()
}

/**
 * The same shapes as in the alert list: high ▲, medium ◆, low ●.
 * @param {CanvasRenderingContext2D} ctx @param {string} severity @param {number} x @param {number} y @param {number} r
 */
function drawShape(ctx, severity, x, y, r) {
  const triangle = [
    [0, -1],
    [1, 0.8],
    [-1, 0.8],
  ]
  const diamond = [
    [0, -1.1],
    [1.1, 0],
    [0, 1.1],
    [-1.1, 0],
  ]
  ctx.beginPath()
  if (severity === 'low') ctx.arc(x, y, r * 0.85, 0, 2 * Math.PI)
  else for (const [dx, dy] of severity === 'high' ? triangle : diamond) ctx.lineTo(x + dx * r, y + dy * r)
  ctx.closePath()
  ctx.fill()
}

/** Diagonal lines, for what is not known. */
export function makeHatch(/** @type {string} */ stroke) {
  const size = 7 * devicePixelRatio
  const tile = document.createElement('canvas')
  tile.width = size
  tile.height = size
  const ctx = tile.getContext('2d')
  if (!ctx) return null
  ctx.strokeStyle = stroke
  ctx.lineWidth = devicePixelRatio
  ctx.beginPath()
  for (const shift of [-size, 0, size]) {
    ctx.moveTo(shift, size)
    ctx.lineTo(shift + size, 0)
  }
  ctx.stroke()
  return ctx.createPattern(tile, 'repeat')
}
