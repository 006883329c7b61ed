// @ts-check
/** What the charts say at one bin, in words. */
import { ruleOf } from '../../../schemas/measures.js'
import { el, setText } from '../dom.js'
import {
  capital,
  clock,
  counted,
  DECISION_LABEL,
  duration,
  exact,
  integer,
  number,
  period,
  plain,
  pValue,
  RESOLUTION_LABEL,
  rounded,
  score,
  short,
  splitSeries,
} from '../format.js'
import { gapAt } from './grid.js'

/**
 * @typedef {[kind: string, text: string, exact?: string]} Part
 *   `kind` is the line, band, ... whose sample stands before the text; `exact`: all digits of a number that was rounded
 */

/** So much history a series needs before the detectors judge its bins of so many seconds: s. @type {Record<number, number>} */
const LEAST_HISTORY = { 300: 86_400, 3600: 4 * 86_400, 21600: 24 * 86_400 }

/**
 * @param {import('./marks.js').Drawing} drawing
 * @param {number} i the bin's slot
 * @returns {Record<'counts' | 'score' | 'variance' | 'autocorrelation', Part[]> & Record<'decision' | 'exact' | 'missed', string>}
 *   `exact`: the decision with all digits; `missed`: which time was not covered there, and why
 */
export function describe({ grid, measure, gaps, evidence }, i) {
  const start = grid.starts[i]
  const bin = grid.counts[i]
  const signal = grid.signals[i]
  const whole = bin !== undefined && grid.count[i] !== null
  const gap =
    start === undefined || whole ? undefined : gapAt(gaps, measure, start, start + grid.seconds * 1000)
  /** @type {Part[]} */
  const counts = []
  if (start !== undefined) counts.push(['when', `${short(start)}–${clock(start + grid.seconds * 1000)} UTC`])
  if (whole) counts.push(['line', counted(bin.count, measure)])
  else if (bin && i > grid.last) counts.push(['', `${integer(bin.count)} so far, not decided yet`])
  else if (bin?.covered === 0) counts.push(['gap', 'not covered'])
  else if (bin) {
    counts.push(['gap', `at least ${integer(bin.count)}: only ${Math.floor(bin.covered * 100)} % covered`])
  } else counts.push(['gap', i > grid.last ? 'not decided yet' : 'not counted'])
  // An onset is judged in any bin, even where there is too little for the rest.
  const carried = evidence.find(
    (e) =>
      splitSeries(e.series)[0] === measure && e.resolution === grid.seconds && Date.parse(e.start) === start,
  )
  const expected = signal?.expected ?? carried?.expected ?? null
  if (expected !== null) counts.push(['expected', `expected ${number(expected)}`, exact(expected)])
  if (signal && signal.lower !== null)
    counts.push(['band', `95 % band ${number(signal.lower)}–${number(signal.upper)}`])
  else if (whole) counts.push(['', `not scored: ${whyUnjudged(grid, measure, i)}`])
  if (bin?.late) counts.push(['', `+${integer(bin.late)} late`])
  const missed = gap ? aboutGap(gap) : ''
  return {
    counts,
    missed,
    score: [
      ['line', score(signal?.score), exact(signal?.score)],
      ...(grid.threshold === null
        ? []
        : [/** @type {Part} */ (['threshold', `warns from ${grid.threshold}`])]),
      ['', `p of the indicators ${pValue(signal?.p)}`],
    ],
    variance: [
      ['line', `stabilised ${number(signal?.variance)}`, exact(signal?.variance)],
      ['', `p ${pValue(signal?.pVariance)}`],
      ['', `raw ${number(signal?.rawVariance)} ${measure}²`, exact(signal?.rawVariance)],
    ],
    autocorrelation: [
      ['line', `stabilised ${number(signal?.autocorrelation)}`, exact(signal?.autocorrelation)],
      ['', `p ${pValue(signal?.pAutocorrelation)}`],
      ['raw', `raw ${number(signal?.rawAutocorrelation)}`, exact(signal?.rawAutocorrelation)],
    ],
    // Both may be long, and stand on a line that is cut: first what is not told elsewhere.
    decision: together(missed, rounded(decided(signal))),
    exact: together(missed, decided(signal)),
  }
}

const together = (/** @type {string[]} */ ...texts) => texts.filter((text) => text !== '').join(' · ')

const decided = (/** @type {import('../types.ts').Signal | undefined} */ signal) =>
  signal ? plain(`${DECISION_LABEL[signal.decision] ?? signal.decision}: ${bare(signal.reason)}`, 300) : ''
/** Without what the decision says before it. */
const bare = (/** @type {string} */ reason) => reason.replace(/^not enough data: /, '')

/** Reasons quote what servers said. */
const aboutGap = (/** @type {import('../types.ts').Gap} */ { measure, from, to, reason }) =>
  `No ${measure} seen ${period(Date.parse(from), Date.parse(to))}${reason === null ? '' : `: ${plain(reason, 200)}`}`

/**
 * Why the bin at slot `i` has no band, score and indicators. The detectors say why once, when that begins; of a series that
 * has only begun they can't tell how much there will be.
 */
function whyUnjudged(
  /** @type {import('./grid.js').Grid} */ { first, starts, signals, seconds },
  /** @type {import('../../../schemas/measures.js').Measure} */ measure,
  /** @type {number} */ i,
) {
  if (seconds < ruleOf(measure).finest) return `${measure} are judged by the hour and more`
  const least = LEAST_HISTORY[seconds]
  const young = (/** @type {number} */ start) => first !== null && start - first < least * 1000
  if (young(starts[i])) return `less than ${duration(least)} of history`
  const last = signals.findLast(
    (signal, j) => j <= i && signal && (signal.decision === 'insufficient' || signal.variance !== null),
  )
  if (last?.decision !== 'insufficient' || young(Date.parse(last.start)))
    return 'too little activity or history'
  return /events expected/.test(last.reason) ? 'too little activity' : plain(bare(last.reason), 100)
}

/**
 * Why a chart has no value in all of the time shown.
 * @param {import('./marks.js').Drawing} drawing @param {'score' | 'variance' | 'autocorrelation'} name
 */
export function whyNone({ grid, measure }, name) {
  const { signals, variance, last } = grid
  if (name === 'score' && variance.some((value) => value !== null)) return 'not scored'
  const newest = signals.findLast((signal) => signal)
  if (newest?.decision === 'masked') return 'not covered enough to be judged'
  return `not ${name === 'score' ? 'scored' : 'computed'}: ${whyUnjudged(grid, measure, last)}`
}

export const titles = (/** @type {import('./marks.js').Drawing} */ { grid, measure }) => ({
  counts: `${capital(measure)} per ${RESOLUTION_LABEL[grid.seconds]}`,
  score: 'Score of the CNN-LSTM',
  variance: 'Variance of the residual',
  autocorrelation: 'Lag-1 autocorrelation',
})

/** Reuses the elements, so that a moving cursor changes texts only. */
export function fill(/** @type {HTMLElement} */ readout, /** @type {Part[]} */ parts) {
  while (readout.children.length > parts.length) readout.lastElementChild?.remove()
  while (readout.children.length < parts.length) readout.append(el('span'))
  for (const [i, [kind, text, title = '']] of parts.entries()) {
    const span = /** @type {HTMLElement} */ (readout.children[i])
    if (span.title !== title) span.title = title
    if (span.className !== `key ${kind}`) span.className = `key ${kind}`
    setText(span, text)
  }
}
