// @ts-check
/** What the charts say at one bin, in words. */
import { el, setText } from '../dom.js'
import {
  capital,
  clock,
  DECISION_LABEL,
  integer,
  number,
  period,
  plain,
  pValue,
  RESOLUTION_LABEL,
  score,
  short,
} from '../format.js'
import { gapAt } from './grid.js'

/** @typedef {[kind: string, text: string]} Part  `kind` is the line, band, ... whose sample stands before the text */

/**
 * @param {import('./marks.js').Drawing} drawing
 * @param {number} i the bin's slot
 * @returns {Record<'counts' | 'score' | 'variance' | 'autocorrelation', Part[]> & { decision: string, missed: string }}
 *   `missed`: which time was not covered there, and why
 */
export function describe({ grid, measure, gaps }, i) {
  const start = grid.starts[i]
  const bin = grid.counts[i]
  const signal = grid.signals[i]
  const whole = bin !== undefined && grid.count[i] !== null
  const gap =
    start === undefined || whole ? undefined : gapAt(gaps, measure, start, start + grid.seconds * 1000)
  /** @type {Part[]} */
  const counts = []
  if (start !== undefined) counts.push(['when', `${short(start)}–${clock(start + grid.seconds * 1000)} UTC`])
  if (whole) counts.push(['line', `${integer(bin.count)} ${measure}`])
  else if (bin && i > grid.last) counts.push(['', `${integer(bin.count)} so far, not decided yet`])
  else if (bin?.covered === 0) counts.push(['gap', 'not covered'])
  else if (bin) {
    counts.push(['gap', `at least ${integer(bin.count)}: only ${Math.floor(bin.covered * 100)} % covered`])
  } else counts.push(['gap', i > grid.last ? 'not decided yet' : 'not counted'])
  if (signal && signal.expected !== null) {
    counts.push(['expected', `expected ${number(signal.expected)}`])
    counts.push(['band', `95 % band ${number(signal.lower)}–${number(signal.upper)}`])
  } else if (whole) counts.push(['', 'nothing expected: too little activity to judge'])
  if (bin?.late) counts.push(['', `+${integer(bin.late)} late`])
  const missed = gap ? aboutGap(gap) : ''
  return {
    counts,
    missed,
    score: [
      ['line', score(signal?.score)],
      ...(grid.threshold === null
        ? []
        : [/** @type {Part} */ (['threshold', `warns from ${grid.threshold}`])]),
      ['', `p of the indicators ${pValue(signal?.p)}`],
    ],
    variance: [
      ['line', `stabilised ${number(signal?.variance)}`],
      ['', `p ${pValue(signal?.pVariance)}`],
      ['', `raw ${number(signal?.rawVariance)} ${measure}²`],
    ],
    autocorrelation: [
      ['line', `stabilised ${number(signal?.autocorrelation)}`],
      ['', `p ${pValue(signal?.pAutocorrelation)}`],
      ['raw', `raw ${number(signal?.rawAutocorrelation)}`],
    ],
    // Both may be long, and stand on a line that is cut: first what is not told elsewhere.
    decision: [missed, signal ? decided(signal) : ''].filter((text) => text !== '').join(' · '),
  }
}

const decided = (/** @type {import('../types.ts').Signal} */ { decision, reason }) =>
  plain(`${DECISION_LABEL[decision] ?? decision}: ${reason}`, 300)

/** Reasons quote what servers said. */
const aboutGap = (/** @type {import('../types.ts').Gap} */ { measure, from, to, reason }) =>
  `No ${measure} seen ${period(Date.parse(from), Date.parse(to))}${reason === null ? '' : `: ${plain(reason, 200)}`}`

/**
 * Why a chart has no value in all of the time shown: as the detectors said of its newest bin.
 * @param {import('./grid.js').Grid} grid @param {'score' | 'variance' | 'autocorrelation'} name
 */
export function whyNone({ signals, variance }, name) {
  if (name === 'score' && variance.some((value) => value !== null)) return 'not scored'
  const last = signals.findLast((signal) => signal)
  if (!last) return 'too little activity or history to judge at this resolution'
  if (last.decision === 'masked') return 'not covered enough to be judged'
  return last.expected === null && /events/.test(last.reason)
    ? 'too little activity to judge at this resolution'
    : 'not enough history'
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
  for (const [i, [kind, text]] of parts.entries()) {
    const span = readout.children[i]
    if (span.className !== `key ${kind}`) span.className = `key ${kind}`
    setText(span, text)
  }
}
