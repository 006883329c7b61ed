// @ts-check
/** The table of channels by risk: one row each, whose elements stay while its numbers change. */
import { el, keyedList, redraw, setClass, setText } from '../dom.js'
import {
  age,
  channelLabel,
  DECISION_LABEL,
  exact,
  integer,
  number,
  plain,
  pValue,
  SEVERITY_MARK,
  score,
  splitSeries,
} from '../format.js'
import { createSparkline } from '../sparkline.js'
import { channelName, typeLabel } from '../words.js'

/** @typedef {import('../types.ts').Risk} Risk */

/** Bins of 5 minutes in 6 hours. */
const SLOTS = 72
/** Below this a spark's top stands, so that one cast an hour is no mountain. */
const LEAST = 4
/** So many alerts of a channel are named in its row. */
const MARKS = 1
const COLUMNS = [
  ['Channel', 'name-cell'],
  ['Score', 'score-cell'],
  ['Score, last 6 h', 'trend-cell'],
  ['Now', 'num now-cell'],
  ['Expected', 'num expected-cell'],
  ['Count, last 6 h', 'spark-cell'],
  ['p', 'num p-cell'],
  ['Decision', 'decision-cell'],
]

/** @param {import('../app.js').App} app @param {(moved: boolean) => void} onHeld whether the order shown is not the newest */
export function createRisks(app, onHeld) {
  const body = el('tbody')
  const none = el('p', { class: 'none', hidden: true })
  const node = el(
    'div',
    { class: 'risk-table' },
    el(
      'table',
      {},
      el('caption', { class: 'sr' }, 'Channels, those most at risk first'),
      el(
        'thead',
        {},
        el('tr', {}, ...COLUMNS.map(([name, kind]) => el('th', { scope: 'col', class: kind }, name))),
      ),
      body,
    ),
    none,
  )
  /** @type {string | null} */
  let now = null
  const rows = keyedList(body, {
    key: (/** @type {Risk} */ { channel }) => channel,
    make: (risk) => row(app, risk, () => now),
  })

  /** In the order shown last. @type {string[]} */
  let order = []
  let pointed = false
  node.addEventListener('pointerenter', (event) => {
    pointed = event.pointerType === 'mouse'
  })
  node.addEventListener('pointerleave', () => {
    pointed = false
    app.draw()
  })
  node.addEventListener('focusout', () => app.draw())

  return {
    node,
    inOrder: rows.inOrder,
    focus: rows.focus,
    forget() {
      order = []
    },
    /**
     * While someone points at a row, or has the focus there, rows stay where they are: new ones come at the end.
     * @param {Risk[]} items most at risk first @param {string} wanted what names must have in them
     * @param {string | null} at event time @returns {number} how many are shown
     */
    draw(items, wanted, at) {
      now = at
      const risks = new Map(items.map((item) => [item.channel, item]))
      const best = items.map(({ channel }) => channel)
      const hold = pointed || node.contains(document.activeElement)
      const kept = hold ? order.filter((channel) => risks.has(channel)) : []
      const there = new Set(kept)
      order = [...kept, ...best.filter((channel) => !there.has(channel))]
      onHeld(order.some((channel, i) => channel !== best[i]))
      const found = order
        .filter((id) => id.toLowerCase().includes(wanted) || channelLabel(id).toLowerCase().includes(wanted))
        .flatMap((channel) => risks.get(channel) ?? [])
      rows.draw(found)
      none.hidden = found.length > 0
      return found.length
    },
    explain: (/** @type {string} */ why) => setText(none, why),
  }
}

/** @param {import('../app.js').App} app @param {Risk} risk @param {() => string | null} now */
function row(app, risk, now) {
  const name = channelName(risk.channel)
  const link = el('a', { href: app.link({ page: 'channel', id: risk.channel }) }, name)
  const alerts = el('span', { class: 'marks' })
  const value = el('span', { class: 'value' })
  const fill = el('span', { class: 'fill' })
  const tick = el('span', { class: 'tick' })
  const meter = el('span', { class: 'meter', 'aria-hidden': 'true' }, fill, tick)
  const trend = createSparkline({ slots: SLOTS, gaps: false, kind: 'scores' })
  const counts = createSparkline({ slots: SLOTS, gaps: true, kind: 'counts' })
  const [count, expected, p, decision] = [
    'num now-cell',
    'num expected-cell',
    'num p-cell',
    'decision-cell',
  ].map((kind) => el('td', { class: kind }))
  const node = el(
    'tr',
    {},
    el('th', { scope: 'row', class: 'name-cell' }, el('span', { class: 'name-line' }, link, alerts)),
    el('td', { class: 'score-cell' }, el('span', {}, value, meter)),
    el('td', { class: 'trend-cell' }, trend.node),
    count,
    expected,
    el('td', { class: 'spark-cell' }, counts.node),
    p,
    decision,
  )
  node.addEventListener('click', (event) => {
    if (!(/** @type {Element} */ (event.target).closest('a'))) app.go({ page: 'channel', id: risk.channel })
  })
  return {
    node,
    focus: link,
    update(/** @type {Risk} */ item) {
      const at = now()
      const ms = at === null ? null : Date.parse(at)
      setText(value, score(item.score))
      value.title = exact(item.score)
      fill.style.width = `${(item.score ?? 0) * 100}%`
      meter.style.visibility = item.score === null ? 'hidden' : ''
      tick.hidden = app.threshold === null
      tick.style.left = `${(app.threshold ?? 0) * 100}%`
      node.classList.toggle('warned', app.threshold !== null && (item.score ?? 0) >= app.threshold)
      trend.draw(item.scores, 1, app.threshold)
      // What is too little to be judged is counted all the same.
      const newest = item.count ?? item.recent.findLast((n) => n !== null) ?? null
      setText(count, newest === null ? '–' : integer(newest))
      setText(expected, number(item.expected))
      expected.title = exact(item.expected)
      setClass(count, `num now-cell${far(item)}`)
      count.title = item.at === null ? '' : `${splitSeries(item.series)[0]} in 5 min from ${item.at}`
      counts.draw(
        item.recent,
        Math.max(LEAST, item.expected ?? 0, ...item.recent.map((n) => n ?? 0)),
        item.expected,
      )
      setText(p, pValue(item.p))
      setText(
        decision,
        item.decision === null ? '–' : (DECISION_LABEL[item.decision] ?? plain(item.decision, 40)),
      )
      const ages = ms === null ? [] : item.alerts.map(({ openedAt }) => age(Date.parse(openedAt), ms))
      redraw(alerts, JSON.stringify([item.alerts, ages]), () => [
        ...item.alerts.slice(0, MARKS).map((alert, i) =>
          el(
            'a',
            {
              class: `mark-link severity ${alert.severity}`,
              href: app.link({ page: 'alert', id: alert.id }),
            },
            el('span', { 'aria-hidden': 'true' }, SEVERITY_MARK[alert.severity] ?? ''),
            ` ${typeLabel(alert.type)}`,
            el('span', { class: 'muted' }, ` ${(ages[i] ?? '').replace(' ago', '')}`),
          ),
        ),
        item.alerts.length > MARKS && el('span', { class: 'muted' }, `+${item.alerts.length - MARKS}`),
      ])
    },
  }
}

/** Much more, or much less, than expected: by more than three standard deviations of a Poisson count. */
function far(/** @type {Risk} */ { count, expected }) {
  if (count === null) return ' unjudged'
  if (expected === null) return ''
  const deviation = (count - expected) / Math.sqrt(Math.max(1, expected))
  return deviation > 3 ? ' above' : deviation < -3 ? ' below' : ''
}
