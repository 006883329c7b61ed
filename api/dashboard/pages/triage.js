// @ts-check
/** The alerts to triage. */
import { el, keyedList, offer, redraw, setText } from '../dom.js'
import { age, capital, channelLabel, counted, plain, score, TYPE_LABEL } from '../format.js'
import { PAGE } from '../queue.js'
import { NO_FILTERS } from '../route.js'
import { createStale } from '../stale.js'
import { channelName, severity, state, typeLabel, unlisted, when } from '../words.js'
import { opener } from './subject.js'

/** @typedef {import('../types.ts').Alert} Alert */

/** So many are shown where channels stand below them, until more are wanted. */
const FEW = 4
const narrow = matchMedia('(max-width: 760px)')

/** @param {import('../app.js').App} app */
export function createTriage(app) {
  const { queue } = app
  const count = el('span', { class: 'muted triage-count' })
  const list = el('ul', { class: 'alert-list', 'aria-labelledby': 'triage-heading' })
  const none = el('p', { class: 'none', hidden: true })
  let unfolded = false
  const unfold = el('button', { type: 'button', class: 'button', hidden: true })
  unfold.addEventListener('click', () => {
    unfolded = true
    app.draw()
  })
  narrow.addEventListener('change', () => app.draw())
  const more = el('button', { type: 'button', class: 'button', hidden: true }, 'Show older alerts')
  const beyond = el('button', { type: 'button', class: 'button quiet', hidden: true })
  const older = app.question('older alerts', () => queue.askOlder(app.route.run))
  more.addEventListener('click', () => older.ask())
  beyond.addEventListener('click', () => {
    app.filter({ all: app.route.all ? '' : 'true' })
  })

  /** @typedef {'type' | 'severity' | 'state' | 'order'} Choice */
  /** @param {string} label @param {Choice} name @param {string[][]} choices */
  const choose = (label, name, choices) => {
    const select = el('select', { 'aria-label': label })
    offer(select, choices)
    select.addEventListener('change', () => app.filter({ [name]: select.value }))
    return { name, node: select }
  }
  /** @param {string} label @param {'from' | 'to'} name */
  const date = (label, name) => {
    const input = el('input', { type: 'date', 'aria-label': label, min: '2021-01-01', max: '2100-01-01' })
    input.addEventListener('change', () => app.filter({ [name]: input.value }))
    return { name, node: input, field: el('label', {}, el('span', { 'aria-hidden': 'true' }, name), input) }
  }
  const kinds = [
    choose('Alert type', 'type', [['', 'All types'], ...Object.entries(TYPE_LABEL)]),
    choose('Severity', 'severity', [
      ['', 'Any severity'],
      ...['high', 'medium', 'low'].map((level) => [level, capital(level)]),
    ]),
    choose('Alert state', 'state', [
      ['', 'Any state'],
      ['open', 'Open'],
      ['resolved', 'Resolved'],
    ]),
    choose('Order of alerts', 'order', [
      ['newest', 'Newest first'],
      ['worst', 'Worst first'],
    ]),
  ]
  const days = [date('Opened from (UTC day)', 'from'), date('Opened to (UTC day)', 'to')]
  const only = el('button', {
    type: 'button',
    class: 'button only',
    hidden: true,
    onclick: () => app.filter({ channel: '' }),
  })
  const clear = el(
    'button',
    {
      type: 'button',
      class: 'button quiet',
      hidden: true,
      onclick: () => app.filter({ ...NO_FILTERS, q: app.route.q, order: app.route.order }),
    },
    'Show all alerts',
  )
  const stale = createStale()
  const cut = el('p', { class: 'cut', hidden: true })
  const node = el(
    'section',
    { class: 'card triage', 'aria-labelledby': 'triage-heading' },
    el('div', { class: 'head' }, el('h2', { id: 'triage-heading' }, 'Alerts'), count),
    el(
      'div',
      { class: 'filters' },
      ...kinds.map((each) => each.node),
      el('div', { class: 'days' }, ...days.map((each) => each.field)),
      only,
      clear,
    ),
    stale.node,
    list,
    none,
    cut,
    unfold,
    more,
    beyond,
  )

  const rows = keyedList(list, {
    key: (/** @type {Alert} */ alert) => alert.id,
    make(alert) {
      const link = el('a', { href: app.link({ page: 'alert', id: alert.id }) })
      const ago = el('span', { class: 'muted' })
      return {
        node: el('li', {}, link),
        focus: link,
        update(item) {
          const fresh = queue.fresh.has(item.id)
          setText(ago, age(Date.parse(item.openedAt), app.now))
          redraw(link, JSON.stringify([item, fresh]), () => [
            el(
              'span',
              { class: 'row' },
              severity(item.severity),
              el('strong', { class: 'type' }, typeLabel(item.type)),
              fresh && el('span', { class: 'tag new' }, 'new'),
              el('span', { class: 'since' }, when(item.openedAt), ' ', ago),
            ),
            el(
              'span',
              { class: 'row' },
              channelName(item.channel),
              item.state === 'resolved' && state(item),
              unlisted(item),
              item.score !== null && el('span', { class: 'score' }, `score ${score(item.score)}`),
            ),
            el('span', { class: 'reason' }, plain(item.reason, 300)),
          ])
          link.classList.toggle('fresh', fresh)
          link.classList.toggle('resolved', item.state === 'resolved')
          link.title = `Opened by ${opener(item)} in ${channelLabel(item.channel)}`
        },
      }
    },
  })

  return {
    node,
    inOrder: rows.inOrder,
    focus: rows.focus,
    draw() {
      const { known } = queue
      const { route } = app
      const isAnswered = queue.isAnswered()
      stale.draw(app.questions.alerts)
      for (const { name, node: select } of kinds) {
        // A kind that this page has no name for may still be asked for.
        if (name === 'type' && ![...select.options].some(({ value }) => value === route.type))
          select.append(el('option', { value: route.type }, typeLabel(route.type)))
        select.value = route[name]
      }
      for (const { name, node: input } of days) if (input.value !== route[name]) input.value = route[name]
      only.hidden = route.channel === ''
      redraw(only, route.channel, () => ['Only of ', channelName(route.channel), ' ×'])
      clear.hidden = !queue.isFiltered()
      const alerts = queue.list()
      const folded = narrow.matches && !unfolded && alerts.length > FEW
      rows.draw(folded ? alerts.slice(0, FEW) : alerts)
      unfold.hidden = !folded
      setText(unfold, `Show ${alerts.length - FEW} more alerts`)
      // Of all that are open, whatever is listed.
      const high = known.open.filter((alert) => alert.severity === 'high').length
      const open = `${known.open.length}${known.moreOpen ? ' or more' : ''} open${high ? ` · ${high} high` : ''}`
      const listed = queue.isFiltered() ? ` · ${counted(alerts.length, 'alerts')} listed` : ''
      setText(count, isAnswered ? `${open}${listed}` : '')
      cut.hidden = !known.moreListed
      setText(cut, `Only the ${PAGE} open alerts that were opened last are listed: there are more.`)
      none.hidden = alerts.length > 0
      setText(
        none,
        !isAnswered
          ? app.whyEmpty(app.questions.alerts)
          : queue.isFiltered()
            ? known.refused || 'No alert matches these filters.'
            : route.run === 'live'
              ? 'No alerts. They appear here by themselves.'
              : 'No alerts in this run.',
      )
      more.hidden = folded || known.cursor === null
      beyond.hidden = known.beyondCap === 0 && !route.all
      setText(
        beyond,
        route.all
          ? 'Hide those beyond the daily cap'
          : `${known.beyondCap} more beyond the daily cap: show ${known.beyondCap === 1 ? 'it' : 'them'}`,
      )
    },
  }
}
