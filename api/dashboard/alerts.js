// @ts-check
/** The alert list, and the account of the alert that is selected. */
import { byId, el, keyedList, setText } from './dom.js'
import {
  channelLabel,
  full,
  number,
  plain,
  pValue,
  RESOLUTION_LABEL,
  SEVERITY_MARK,
  short,
  splitSeries,
  TYPE_LABEL,
} from './format.js'

/** @typedef {import('./api.js').Alert} Alert @typedef {import('./api.js').AlertDetail} AlertDetail */

const severity = (/** @type {string} */ level) =>
  el(
    'span',
    {
      class: `severity ${level}`,
      title: `Severity: ${SEVERITY_MARK[level] ?? ''} ${level} (● low, ◆ medium, ▲ high)`,
    },
    el('span', { 'aria-hidden': 'true' }, SEVERITY_MARK[level] ?? ''),
    ` ${level}`,
  )
const state = (/** @type {Alert} */ alert) => el('span', { class: `state ${alert.state}` }, alert.state)
const when = (/** @type {string} */ time) =>
  el('time', { datetime: time, title: `${full(Date.parse(time))}` }, short(Date.parse(time)))

/** What happened, in words and before any statistics: the type, the channel, and the series that opened it. */
export const headline = (/** @type {Alert} */ alert) => [
  TYPE_LABEL[alert.type] ?? plain(alert.type, 40),
  channelLabel(alert.channel),
  `opened by ${plain(splitSeries(alert.series)[0], 40)} per ${RESOLUTION_LABEL[alert.resolution] ?? `${alert.resolution} s`}`,
]
const headlineNodes = (/** @type {Alert} */ alert) => {
  const [type, channel, opener] = headline(alert)
  return [
    el('span', { class: 'type' }, type),
    ' in ',
    el('bdi', { class: 'channel' }, channel),
    `, ${opener}`,
  ]
}

/** @param {(alert: Alert) => void} onSelect */
export function createAlertList(onSelect) {
  const list = keyedList(byId('alert-list'), {
    key: (/** @type {Alert} */ alert) => alert.id,
    signature: (alert) => `${alert.sequence} ${alert.state} ${alert.severity} ${alert.reason}`,
    select: onSelect,
    label: (alert) => {
      const [type, channel, opener] = headline(alert)
      return (
        `${type} in ${channel}, ${opener}: ${alert.state}, severity ${alert.severity}, ` +
        `${full(Date.parse(alert.openedAt))}. ${plain(alert.reason, 300)}`
      )
    },
    content: (alert) => [
      el('span', { class: 'headline' }, ...headlineNodes(alert)),
      el('span', { class: 'row' }, severity(alert.severity), state(alert), when(alert.openedAt)),
      el('span', { class: 'reason' }, plain(alert.reason, 300)),
    ],
  })
  const count = byId('alerts-count')
  const empty = el('li', { class: 'none' })
  return {
    /** @param {Alert[]} alerts open ones first @param {string | null} selected @param {string} none why there are none */
    draw(alerts, selected, none) {
      const open = alerts.filter((alert) => alert.state === 'open').length
      list.draw(alerts, selected)
      setText(count, `${open} open · times in UTC`)
      setText(empty, none)
      if (alerts.length === 0) byId('alert-list').append(empty)
      else empty.remove()
    },
    focus: list.focus,
  }
}

/** @param {() => void} onClose */
export function createAlertDetail(onClose) {
  const root = byId('alert-detail')
  let drawn = ''
  return (/** @type {AlertDetail | { id: string, refused: string } | null} */ alert) => {
    const signature = JSON.stringify(alert)
    if (signature === drawn) return
    drawn = signature
    root.hidden = !alert
    if (!alert) return root.replaceChildren()
    const close = el(
      'button',
      { type: 'button', class: 'close', 'aria-label': 'Close the alert', onclick: onClose },
      '×',
    )
    if ('refused' in alert)
      return root.replaceChildren(
        close,
        el('p', {}, `This alert can't be shown: ${plain(alert.refused, 300)}`),
      )
    // An account that was open stays open when news of the alert arrives.
    const wasOpen = root.querySelector('details')?.open ?? false
    const more = el(
      'details',
      { open: wasOpen },
      el('summary', {}, `Evidence (${alert.evidence.length}) and history (${alert.events.length})`),
      evidenceTable(alert),
      history(alert),
    )
    root.replaceChildren(
      el(
        'div',
        { class: 'row' },
        severity(alert.severity),
        el('strong', {}, ...headlineNodes(alert)),
        state(alert),
        el(
          'span',
          { class: 'muted' },
          `opened ${full(Date.parse(alert.openedAt))}` +
            (alert.resolvedAt ? `, resolved ${full(Date.parse(alert.resolvedAt))}` : ''),
        ),
        close,
      ),
      el('p', { class: 'reason' }, plain(alert.reason, 1000)),
      alert.state === 'resolved' && alert.outcome
        ? el('p', { class: 'outcome' }, `Ended: ${plain(alert.outcome, 1000)}`)
        : '',
      more,
    )
  }
}

const COLUMNS = /** @type {const} */ ([
  'Measure',
  'Bin',
  'Start (UTC)',
  'Count',
  'Expected',
  'Variance',
  'Lag-1',
  'p',
  'Score',
  'Why',
])

/** Where there is no room for its columns, each row becomes a list of names and values: see dashboard.css. */
const evidenceTable = (/** @type {AlertDetail} */ alert) =>
  el(
    'div',
    { class: 'evidence' },
    el(
      'table',
      {},
      el('thead', {}, el('tr', {}, ...COLUMNS.map((name) => el('th', { scope: 'col' }, name)))),
      el(
        'tbody',
        {},
        ...alert.evidence.map((e) =>
          el(
            'tr',
            {},
            ...[
              plain(splitSeries(e.series)[0], 40),
              RESOLUTION_LABEL[e.resolution] ?? `${e.resolution} s`,
              short(Date.parse(e.start)),
              number(e.count),
              number(e.expected),
              number(e.variance),
              number(e.autocorrelation),
              pValue(e.p),
              number(e.score),
              plain(e.reason, 600),
            ].map((text, i) => el('td', { 'data-name': COLUMNS[i] }, text)),
          ),
        ),
      ),
    ),
  )

const history = (/** @type {AlertDetail} */ alert) =>
  el(
    'ol',
    { class: 'history' },
    ...alert.events.map((e) =>
      el(
        'li',
        {},
        el('span', { class: 'muted' }, `${short(Date.parse(e.time))} `),
        `${plain(e.event, 20)}, ${plain(e.severity, 20)}: ${plain(e.reason, 600)}`,
      ),
    ),
    el(
      'li',
      { class: 'muted' },
      `Preset ${plain(alert.preset, 40)}, settings ${plain(alert.settings, 16)}, id ${plain(alert.id, 80)}`,
    ),
  )
