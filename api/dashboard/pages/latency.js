// @ts-check
/** How long each hop takes from the record that decides an alert to the alert: small histograms on one scale. */
import { el, redraw, setText, svg } from '../dom.js'
import { duration, integer, number, plain } from '../format.js'

/** @typedef {import('../types.ts').Latency} Latency @typedef {import('../types.ts').Hop} Hop */

const WIDTH = 264
const HEIGHT = 48
const FOOT = 14

export function createLatency() {
  const about = el('p', { class: 'none' })
  const hops = el('div', { class: 'hops' })
  return {
    node: el('div', {}, about, hops),
    draw(/** @type {Latency | null} */ latency) {
      const items = latency?.items ?? []
      const measured = items.some(({ count }) => count > 0)
      setText(
        about,
        latency === null
          ? 'This server does not measure it.'
          : !measured
            ? 'No alert was decided in the last minutes.'
            : `Alerts of the last ${duration(latency.seconds)}. The dashed line is the budget of ${milliseconds(latency.budget)} that 99 of 100 must keep in all.`,
      )
      redraw(hops, JSON.stringify(latency), () =>
        (measured ? items : []).map((hop) => histogram(hop, /** @type {Latency} */ (latency).budget)),
      )
    },
  }
}

const milliseconds = (/** @type {number | null} */ seconds) =>
  seconds === null ? '–' : seconds >= 10 ? `${number(seconds)} s` : `${number(seconds * 1000)} ms`

/** A bar per bucket: buckets grow, so the scale is about logarithmic. */
function histogram(
  /** @type {Hop} */ { hop, title, count, p50, p90, p99, buckets },
  /** @type {number} */ budget,
) {
  const most = Math.max(1, ...buckets.map((bucket) => bucket.count))
  const bar = WIDTH / Math.max(1, buckets.length)
  const height = (/** @type {number} */ n) => (n === 0 ? 0 : Math.max(2, (n / most) * HEIGHT))
  const over = buckets.findIndex(({ le }) => le === null || le > budget)
  const line = (over < 0 ? WIDTH : over * bar).toFixed(1)
  const late = p99 !== null && p99 > budget
  const said = `${integer(count)}, median ${milliseconds(p50)}, 90 % within ${milliseconds(p90)}, 99 % within ${milliseconds(p99)}`
  return el(
    'figure',
    { class: late ? 'hop late' : 'hop' },
    el(
      'figcaption',
      {},
      el('strong', {}, plain(title || hop, 80)),
      el('span', { class: 'muted' }, ` ${integer(count)}`),
    ),
    svg(
      'svg',
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}`,
        role: 'img',
        'aria-label': `${plain(title || hop, 80)}: ${said}`,
      },
      ...buckets.map((bucket, i) =>
        svg(
          'rect',
          {
            class: over >= 0 && i >= over ? 'bar over' : 'bar',
            x: (i * bar + 1).toFixed(1),
            y: HEIGHT - height(bucket.count),
            width: (bar - 2).toFixed(1),
            height: height(bucket.count),
          },
          svg(
            'title',
            {},
            `${integer(bucket.count)} ${bucket.le === null ? 'longer' : `within ${milliseconds(bucket.le)}`}`,
          ),
        ),
      ),
      svg('path', { class: 'axis', d: `M0 ${HEIGHT + 0.5}H${WIDTH}` }),
      svg('path', { class: 'budget', d: `M${line} 0V${HEIGHT}` }),
      svg('text', { x: Math.min(Number(line), WIDTH - 36), y: HEIGHT + 11 }, milliseconds(budget)),
    ),
    el(
      'dl',
      {},
      ...[
        ['median', p50],
        ['90 %', p90],
        ['99 %', p99],
      ].map(([name, value]) =>
        el(
          'div',
          {},
          el('dt', {}, /** @type {string} */ (name)),
          el('dd', {}, milliseconds(/** @type {number | null} */ (value))),
        ),
      ),
    ),
  )
}
