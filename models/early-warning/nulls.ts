/**
 * Nulls: what the indicators of a series look like while it goes on as usual, made for its rate, dispersion, memory and
 * window. A null without memory would be too weak: ordinary talk answers itself, so a channel would alarm for ever.
 *
 * Each null is one long simulated series: negative-binomial counts of a Gaussian copula whose latent process is a
 * persistent AR(1) beside white noise (the autocorrelation of binned self-exciting counts: small at lag 1, then slowly
 * falling), sent through the same level, residual and window as real counts. A table lookup for -tau p-values or a
 * chi-square for the variance would be wrong: neighbouring windows overlap, and level tracking takes memory away.
 */
import { createRandom } from '../random.ts'
import { createLevel, expected, LEVEL_DECAY, learnLevel } from './expected.ts'
import { kendallTau, rollingAutocorrelation, rollingVariance } from './indicators.ts'
import { pmf } from './negative-binomial.ts'
import type { Reading } from './tracker.ts'
import { createWindow, pushWindow } from './tracker.ts'

/** Windows sampled, and bins between samples: overlapping, so worth about a third as many independent ones. */
const SAMPLES = 1249
const STRIDE = 16

/** Coefficient of the persistent part of the latent process: replies go on for an hour or so of 5-minute bins. */
const PERSISTENCE = 0.85

/** Steps of the grid of nulls. Residuals hardly depend on mean and dispersion, so these steps are wide. */
const MEANS = [2, 5, 12, 30, 100, 400]
const DISPERSIONS = [0, 0.03, 0.1, 0.3, 1, 3]
const MEMORY_STEP = 0.1
const MEMORY_MIN = -0.1
const MEMORY_MAX = 0.8

/** The joint statistic is the sum of these, each in standard deviations of the null. */
const PARTS = ['variance', 'autocorrelation', 'varianceTrend', 'autocorrelationTrend'] as const
type Part = (typeof PARTS)[number]
/** No part counts for more standard deviations than these: the joint statistic needs them to agree. */
const MOST = 4

export type Null = {
  sorted: Record<Part | 'joint', Float64Array>
  mean: Record<Part, number>
  sd: Record<Part, number>
}
export type PValues = Record<Part, number | null> & { joint: number | null }
type Parts = Record<Part, number>

/** A point of the grid of nulls: positions in MEANS and DISPERSIONS, and steps of memory. */
export type Cell = { window: number; mean: number; dispersion: number; memory: number }

const nulls = new Map<string, Null>()
const used = new Set<string>()
/** What is told of each cell at its first use. */
const watchers = new Set<(cell: Cell) => void>()

/** The null nearest to `mean`, `dispersion` and long-run lag-1 autocorrelation of residuals. */
export function nullFor(mean: number, dispersion: number, autocorrelation: number, window: number): Null {
  const cell = {
    window,
    mean: nearest(MEANS, mean, Math.log),
    dispersion: nearest(DISPERSIONS, dispersion, (x) => Math.log(x + 0.02)),
    memory: Math.round(Math.min(Math.max(autocorrelation, MEMORY_MIN), MEMORY_MAX) / MEMORY_STEP),
  }
  const name = nameOf(cell)
  if (!used.has(name)) {
    used.add(name)
    if (!nulls.has(name)) keepNull(cell, makeNull(cell))
    for (const watch of watchers) watch(cell)
  }
  return nulls.get(name)!
}

/** Also the seed of its null. */
const nameOf = ({ window, mean, dispersion, memory }: Cell): string =>
  `null/${window}/${MEANS[mean]}/${DISPERSIONS[dispersion]}/${memory}`

/** Keeps a null that was made elsewhere, for when it is needed. */
export function keepNull(cell: Cell, made: Null): void {
  nulls.set(nameOf(cell), made)
}

/** Tells `watch` of each cell that is used for the first time, until the returned function is called. */
export function watchCells(watch: (cell: Cell) => void): () => void {
  watchers.add(watch)
  return () => watchers.delete(watch)
}

/** The cells next to one that have no null yet: a series that changes comes by one of them. */
export const unmadeAround = (cell: Cell): Cell[] =>
  (['mean', 'dispersion', 'memory'] as const)
    .flatMap((axis) => [-1, 1].map((step) => ({ ...cell, [axis]: cell[axis] + step })))
    .filter(isInGrid)
    .filter((one) => !nulls.has(nameOf(one)))

const isInGrid = ({ mean, dispersion, memory }: Cell): boolean =>
  MEANS[mean] !== undefined &&
  DISPERSIONS[dispersion] !== undefined &&
  memory >= Math.round(MEMORY_MIN / MEMORY_STEP) &&
  memory <= Math.round(MEMORY_MAX / MEMORY_STEP)

/** Position in `grid` of what is nearest to `x`. */
function nearest(grid: number[], x: number, scale: (x: number) => number): number {
  let best = 0
  for (const [i, g] of grid.entries())
    if (Math.abs(scale(g) - scale(x)) < Math.abs(scale(grid[best]!) - scale(x))) best = i
  return best
}

/** Share of the persistent part for which residuals of the tracked level have this lag-1 autocorrelation. */
function persistentShare(target: number, psi: number): number {
  // e[t] = l e[t-1] + x[t] - x[t-1] for a level tracked with decay l: autocovariances at lags 0 and 1.
  const l = LEVEL_DECAY
  const covariances = (rho: number) => {
    const c = -((1 - rho) ** 2) / (1 - l * rho)
    const zero = (2 * (1 - rho) + 2 * l * c) / (1 - l * l)
    return [zero, l * zero + c] as const
  }
  const [a0, a1] = covariances(psi)
  const [w0, w1] = covariances(0)
  return (target * w0 - w1) / (a1 - w1 - target * (a0 - w0))
}

/** Counts whose ranks follow the latent normal: y with cdf(y - 1) < Phi(z) <= cdf(y), by a table over z. */
function countsOf(mean: number, phi: number): (z: number) => number {
  const cells = 4096
  const reach = 5.5
  const table = new Float64Array(cells)
  let y = 0
  let sum = pmf(0, mean, phi)
  for (let i = 0; i < cells; i++) {
    const p = normalCdf(-reach + (2 * reach * (i + 0.5)) / cells)
    while (sum < p && y < 1e6) sum += pmf(++y, mean, phi)
    table[i] = y
  }
  return (z) => table[Math.min(cells - 1, Math.max(0, Math.floor(((z + reach) / (2 * reach)) * cells)))]!
}

/** Standard normal distribution function, to 1e-7 (Abramowitz & Stegun 26.2.17 has 7.5e-8). */
function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const upper = (Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly
  return z < 0 ? upper : 1 - upper
}

/** The null of a cell, the same wherever it is made; takes tens of milliseconds. */
export function makeNull(cell: Cell): Null {
  const random = createRandom(nameOf(cell))
  const length = cell.window
  const mean = MEANS[cell.mean]!
  const phi = DISPERSIONS[cell.dispersion]!
  const memory = cell.memory * MEMORY_STEP
  const count = countsOf(mean, phi)
  let psi = PERSISTENCE
  let share = persistentShare(memory, psi)
  while (!(share <= 1) && psi < 0.99) {
    psi += 0.02
    share = persistentShare(memory, psi)
  }
  share = Math.max(-1, Math.min(1, share))
  const kept = Math.sqrt(Math.abs(share))
  const fresh = Math.sqrt(1 - Math.abs(share))
  // A negative share: alternation, as level tracking alone makes it; the sign of the coefficient carries it.
  const ar = share < 0 ? -psi : psi
  const drive = Math.sqrt(1 - psi * psi)

  const level = createLevel()
  const window = createWindow(length)
  const parts: Parts[] = []
  let latent = random.normal()
  let squares = 0
  let bins = 0
  for (let t = -4 * length; parts.length < SAMPLES; t++) {
    latent = ar * latent + drive * random.normal()
    const y = count(kept * latent + fresh * random.normal())
    const x = pushWindow(window, y, expected(level, 1), phi)
    learnLevel(level, y, 1)
    if (t < 0) continue
    if (!Number.isNaN(x)) {
      squares += x * x
      bins++
    }
    if (t % STRIDE === 0) {
      parts.push({
        variance: Math.log(rollingVariance(window.residuals) || 1e-9),
        autocorrelation: rollingAutocorrelation(window.residuals) ?? 0,
        varianceTrend: kendallTau(window.variance) ?? 0,
        autocorrelationTrend: kendallTau(window.autocorrelation) ?? 0,
      })
    }
  }
  const usual = Math.log(squares / bins)
  for (const p of parts) p.variance -= usual
  return summarise(parts)
}

function summarise(parts: Parts[]): Null {
  const column = (part: Part) => Float64Array.from(parts, (p) => p[part]).sort()
  const sorted = {
    variance: column('variance'),
    autocorrelation: column('autocorrelation'),
    varianceTrend: column('varianceTrend'),
    autocorrelationTrend: column('autocorrelationTrend'),
    joint: new Float64Array(),
  }
  const mean = {} as Parts
  const sd = {} as Parts
  for (const part of PARTS) {
    const values = sorted[part]
    mean[part] = values.reduce((sum, x) => sum + x, 0) / values.length
    sd[part] = Math.sqrt(values.reduce((sum, x) => sum + (x - mean[part]) ** 2, 0) / (values.length - 1))
  }
  const made = { sorted, mean, sd }
  sorted.joint = Float64Array.from(parts, (p) => joint(made, p)).sort()
  return made
}

function joint(n: Pick<Null, 'mean' | 'sd'>, parts: Parts): number {
  let sum = 0
  for (const part of PARTS) {
    sum += Math.min(MOST, (parts[part] - n.mean[part]) / n.sd[part])
  }
  return sum
}

/** (1 + #{null >= x}) / (1 + B). */
function upperTail(sorted: Float64Array, x: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < x) low = middle + 1
    else high = middle
  }
  return (1 + sorted.length - low) / (1 + sorted.length)
}

/** Beyond this upper share of the null the joint p-value comes from an exponential tail, as light as the excess is. */
const TAIL = 0.02

function jointTail(sorted: Float64Array, x: number): number {
  const beyond = Math.floor(sorted.length * TAIL)
  const from = sorted[sorted.length - 1 - beyond]!
  if (x <= from) return upperTail(sorted, x)
  let excess = 0
  for (let i = sorted.length - beyond; i < sorted.length; i++) excess += sorted[i]! - from
  return ((1 + beyond) / (1 + sorted.length)) * Math.exp((from - x) / (excess / beyond))
}

/**
 * One-sided p-values of a reading: how often a series that goes on as usual shows at least this much. The joint one
 * is for variance, autocorrelation and their trends together, against the same statistic in the same null windows.
 */
export function pValues(reading: Reading, window: number): PValues {
  const { variance, autocorrelation, varianceTrend, autocorrelationTrend } = reading
  if (variance === null || autocorrelation === null) {
    return {
      variance: null,
      autocorrelation: null,
      varianceTrend: null,
      autocorrelationTrend: null,
      joint: null,
    }
  }
  const n = nullFor(reading.expected, reading.dispersion, reading.usualAutocorrelation, window)
  const logVariance = Math.log(Math.max(variance / reading.usualVariance, 1e-9))
  const { sorted } = n
  const single = {
    variance: upperTail(sorted.variance, logVariance),
    autocorrelation: upperTail(sorted.autocorrelation, autocorrelation),
    varianceTrend: varianceTrend === null ? null : upperTail(sorted.varianceTrend, varianceTrend),
    autocorrelationTrend:
      autocorrelationTrend === null ? null : upperTail(sorted.autocorrelationTrend, autocorrelationTrend),
  }
  if (varianceTrend === null || autocorrelationTrend === null) return { ...single, joint: null }
  const statistic = joint(n, { variance: logVariance, autocorrelation, varianceTrend, autocorrelationTrend })
  return { ...single, joint: jointTail(sorted.joint, statistic) }
}
