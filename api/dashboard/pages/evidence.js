// @ts-check
/** The numbers behind an alert: those that decided, and all that were looked at. */
import { el, tableOf } from '../dom.js'
import { exact, number, plain, pValue, score, short, splitSeries, thresholdIn } from '../format.js'
import { resolutionLabel } from '../words.js'

/** @typedef {import('../types.ts').AlertDetail} AlertDetail */
/** @typedef {Record<'count' | 'expected' | 'dispersion' | 'variance' | 'autocorrelation' | 'p' | 'score', number | null>} Figures */

/** @type {Record<string, string>} */
const P_OF = {
  'early-warning': 'of the indicators, against their null',
  onset: 'of so many, by chance',
  collapse: 'of so few, by chance',
}

/** What decided, in a row: of the bin that opened it, but for the score, which is the greatest so far. */
export function figures(/** @type {AlertDetail} */ alert, /** @type {Figures | undefined} */ opening) {
  const threshold = thresholdIn(alert.reason)
  const first = opening?.score ?? null
  const { count = null, expected = null } = opening ?? {}
  const times = count !== null && expected ? `${number(count / expected, 2)} times what was expected` : ''
  const scored = [
    first !== null && first !== alert.score && `${score(first)} when opened`,
    threshold !== null && `warns from ${threshold}`,
  ]
  /** @type {[name: string, value: string, note: string, whole?: number | null | undefined][]} */
  const parts = [
    [
      'Score',
      score(alert.score ?? first),
      scored.filter((part) => part !== false).join('; '),
      alert.score ?? first,
    ],
    ['p', pValue(opening?.p), P_OF[alert.type] ?? '', opening?.p],
    ['Count', number(count), times],
    ['Expected', number(expected), opening ? `dispersion ${number(opening.dispersion)}` : '', expected],
    ['Variance', number(opening?.variance), 'of the residual', opening?.variance],
    ['Lag-1 autocorrelation', number(opening?.autocorrelation), 'of the residual', opening?.autocorrelation],
  ]
  return el(
    'dl',
    { class: 'figures' },
    // What this type of alert has no number for is not a number to show.
    ...parts
      .filter(([, value]) => value !== '–')
      .map(([name, value, note, whole]) =>
        el(
          'div',
          {},
          el('dt', {}, name),
          el('dd', { title: exact(whole) || null }, value, el('span', { class: 'muted' }, note)),
        ),
      ),
  )
}

const COLUMNS = /** @type {const} */ ([
  'Measure',
  'Bin',
  'Start (UTC)',
  'Count',
  'Expected',
  'Dispersion',
  'Variance',
  'Lag-1',
  'p',
  'Score',
  'Why',
])

/**
 * Whether evidence is of a bin of a series, which the table has columns for.
 * @param {any} e @returns {e is import('../types.ts').Evidence}
 */
export function isOfBin(e) {
  return typeof e.series === 'string' && typeof e.resolution === 'number' && typeof e.start === 'string'
}

/** Of any other: by which detector, its figures as they are called, and why. */
function plainOf(/** @type {Record<string, any>} */ e) {
  const { detector, reason, figures: told, ...rest } = e
  /** @type {[string, string][]} */
  const parts = Array.isArray(told)
    ? told.map(({ name, value }) => [String(name), value])
    : Object.entries(rest).filter(([, value]) => value !== null && typeof value !== 'object')
  return {
    detector: plain(String(detector ?? '–'), 60),
    reason: plain(String(reason ?? '–'), 600),
    figures: parts
      .slice(0, MOST_FIGURES)
      .map(
        ([name, value]) =>
          `${plain(name, 60)} ${typeof value === 'number' ? number(value) : plain(String(value), 100)}`,
      ),
  }
}
const MOST_FIGURES = 50

/** All evidence, in a table for bins of series, and one for all else. @returns {HTMLElement[]} */
export function evidenceTable(/** @type {AlertDetail} */ { evidence }) {
  const others = evidence.filter((e) => !isOfBin(e)).map(plainOf)
  return [
    ...(others.length < evidence.length || evidence.length === 0
      ? [labelled(COLUMNS, evidence.filter(isOfBin).map(cellsOf))]
      : []),
    ...(others.length > 0
      ? [
          labelled(
            ['Detector', 'Figures', 'Why'],
            others.map(({ detector, figures, reason }) => [[detector], [figures.join(' · ')], [reason]]),
            'plain',
          ),
        ]
      : []),
  ]
}

/** @typedef {[text: string, whole?: number | null]} Cell */
const cellsOf = (/** @type {import('../types.ts').Evidence} */ e) =>
  /** @type {Cell[]} */ ([
    [plain(splitSeries(e.series)[0], 40)],
    [resolutionLabel(e.resolution)],
    [short(Date.parse(e.start))],
    [number(e.count)],
    [number(e.expected), e.expected],
    [number(e.dispersion), e.dispersion],
    [number(e.variance), e.variance],
    [number(e.autocorrelation), e.autocorrelation],
    [pValue(e.p), e.p],
    [score(e.score), e.score],
    [plain(e.reason, 600)],
  ])

/** Where there is no room for its columns, each row becomes a list of names and values: see detail.css. */
const labelled = (/** @type {readonly string[]} */ columns, /** @type {Cell[][]} */ rows, kind = '') =>
  el(
    'div',
    { class: `evidence ${kind}` },
    tableOf(columns, rows, ([text, whole], i) =>
      el('td', { 'data-name': columns[i], title: exact(whole) || null }, text),
    ),
  )
