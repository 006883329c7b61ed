// @ts-check
/** The alerts to triage. */
import { el, keyedList, offer, redraw, setText } from '../dom.js'
import { age, channelLabel, plain, score, TYPE_LABEL } from '../format.js'
import { channelName, opener, severity, state, typeLabel, unlisted, when } from '../words.js'

/** @typedef {import('../types.ts').Alert} Alert */

/** So many are shown where channels stand below them, until more are wanted. */
const FEW = 5
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
  more.addEventListener('click', () => app.quietly(() => queue.askOlder(app.route.run)))
  beyond.addEventListener('click', () => {
    queue.filters.all = !queue.filters.all
    app.ask()
  })

  /** @param {string} label @param {'type' | 'state' | 'order'} name @param {string[][]} choices */
  const filter = (label, name, choices) => {
    const select = el('select', { 'aria-label': label })
    offer(select, choices)
    select.value = queue.filters[name]
    select.addEventListener('change', () => {
      queue.filters[name] = select.value
      app.draw()
      app.ask()
    })
    return select
  }
  const node = el(
    'section',
    { class: 'card triage', 'aria-labelledby': 'triage-heading' },
    el('div', { class: 'head' }, el('h2', { id: 'triage-heading' }, 'Alerts'), count),
    el(
      'div',
      { class: 'filters' },
      filter('Alert type', 'type', [['', 'All types'], ...Object.entries(TYPE_LABEL)]),
      filter('Alert state', 'state', [
        ['', 'Any state'],
        ['open', 'Open'],
        ['resolved', 'Ended'],
      ]),
      filter('Order of alerts', 'order', [
        ['newest', 'Newest first'],
        ['worst', 'Worst first'],
      ]),
    ),
    list,
    none,
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
          link.classList.toggle('ended', item.state === 'resolved')
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
      const { known, filters } = queue
      const alerts = queue.list()
      const folded = narrow.matches && !unfolded && alerts.length > FEW
      rows.draw(folded ? alerts.slice(0, FEW) : alerts)
      unfold.hidden = !folded
      setText(unfold, `Show ${alerts.length - FEW} more alerts`)
      const open = alerts.filter((alert) => alert.state === 'open')
      const high = open.filter((alert) => alert.severity === 'high').length
      const counted =
        filters.state === 'resolved' ? '' : `${open.length} open${high ? ` · ${high} high` : ''}`
      setText(count, known.answered ? counted : '')
      none.hidden = alerts.length > 0
      setText(
        none,
        !known.answered
          ? app.whyEmpty()
          : filters.type !== ''
            ? 'No alert matches these filters.'
            : app.route.run === 'live'
              ? `${filters.state === 'open' ? 'Nothing is open' : 'No alerts'}. They appear here by themselves.`
              : 'No alerts in this run.',
      )
      more.hidden = folded || known.cursor === null
      beyond.hidden = known.beyondCap === 0 && !filters.all
      setText(
        beyond,
        filters.all
          ? 'Hide those beyond the daily cap'
          : `${known.beyondCap} more beyond the daily cap: show ${known.beyondCap === 1 ? 'it' : 'them'}`,
      )
    },
  }
}
