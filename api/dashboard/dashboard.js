// @ts-check
/** The page around the pages: where one is, whether what is shown can be believed, and the keyboard. */
import { contact } from './api.js'
import { createApp } from './app.js'
import { byId, el, forgetDrawn, offer, redraw, setText } from './dom.js'
import { channelLabel, counted, duration, full, plain, second, writeAllDigits } from './format.js'
import { bindKeys } from './keys.js'
import { createAlertPage } from './pages/alert.js'
import { createChannelPage } from './pages/channel.js'
import { BEHIND_SECONDS, worst } from './pages/lag.js'
import { createOps } from './pages/ops.js'
import { createOverview } from './pages/overview.js'
import { inShort, listed } from './pages/source.js'
import { filtersOf, formatHash, lists, NO_FILTERS, OVERVIEW, parseHash } from './route.js'
import { typeLabel } from './words.js'

/** @typedef {import('./route.js').Route} Route @typedef {import('./app.js').Page} Page */

/** From here on it is catching up, and what is shown is history, s. */
const CATCHING_UP_SECONDS = 60
/** Event time moves at least with every 5-minute bin; when it has not for this long, something upstream stands still. */
const STALE_MS = 15 * 60_000

const main = byId('page')
const dot = /** @type {HTMLElement} */ (document.querySelector('.freshness .dot'))
const runSelect = /** @type {HTMLSelectElement} */ (byId('run'))

const app = createApp({
  page: () => current(),
  arrive,
  draw,
  announce: (text) => setText(byId('announce'), text),
  tell: ({ type, channel, severity }) =>
    `${typeLabel(type)} in ${channelLabel(channel)}, severity ${severity}`,
})
/** @type {Record<import('./route.js').PageName, Page>} */
const pages = {
  overview: createOverview(app),
  channel: createChannelPage(app),
  alert: createAlertPage(app),
  ops: createOps(app),
}
const current = () => pages[app.route.page]

/** The channel and the alert that were looked at last. @type {Partial<Record<import('./route.js').PageName, string>>} */
const lastIds = {}
/** Where Escape leads, one page after the other. @type {Route[]} */
let trail = []

/** Another page, or another view of it. */
function arrive(/** @type {Route} */ from) {
  const { route } = app
  if (route.id !== null) lastIds[route.page] = route.id
  const page = current()
  if (main.firstElementChild === page.root) {
    if (route.id !== from.id) main.scrollTo(0, 0)
    return
  }
  if (trail.at(-1)?.page === route.page) trail.pop()
  else trail.push(from)
  if (route.page === 'overview') trail = []
  main.replaceChildren(page.root)
  main.scrollTo(0, 0)
  draw()
  if (page.comeBack && from.id !== null) page.comeBack(from)
  else main.focus({ preventScroll: true })
}

/** The channel or alert a page is about when nobody says which. */
function idFor(/** @type {import('./route.js').PageName} */ name) {
  if (name === 'channel') return lastIds.channel ?? app.order[0]
  if (name === 'alert') return lastIds.alert ?? app.queue.list()[0]?.id
  return null
}
function linkTo(/** @type {import('./route.js').PageName} */ name) {
  const id = idFor(name)
  return id === undefined ? null : app.link({ page: name, id })
}

function draw() {
  const page = current()
  page.draw()
  const { route, known } = app
  const { open: alerts, moreOpen } = app.queue.known
  const open = alerts.length === 0 ? '' : `${alerts.length}${moreOpen ? '+' : ''}`
  setText(byId('open-count'), open)
  byId('open-count').hidden = open === ''
  document.title = `${open && `(${open}) `}${page.heading} · Farcaster Coordination Monitor`
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (
    document.querySelectorAll('[data-page]')
  )) {
    const name = /** @type {import('./route.js').PageName} */ (link.dataset.page)
    const href = name === route.page ? formatHash(route) : linkTo(name)
    // A page about nothing yet can't be gone to.
    if (href === null) link.removeAttribute('href')
    else if (link.getAttribute('href') !== href) link.setAttribute('href', href)
    if (name === route.page) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }

  const about = byId('about-notice')
  about.hidden = app.notice() === ''
  setText(about, plain(app.notice(), 200))
  about.title = about.textContent ?? ''
  const names = [...new Set(['live', route.run, ...known.runs.map((each) => each.run)])]
  byId('run-field').hidden = names.length < 2
  offer(
    runSelect,
    names.map((name) => [name, plain(name, 40)]),
  )
  runSelect.value = route.run
  drawStatus()
}

function drawStatus() {
  const { known, movedAt, live, questions } = app
  const { downSince } = contact
  const now = Date.now()
  const { records, seconds } = worst(known.lag)
  const behind = seconds >= BEHIND_SECONDS
  const historic = app.route.run !== 'live'
  const stale = !historic && now - movedAt >= STALE_MS
  const reached = app.now === null ? 'No data yet' : full(app.now)
  const ago = downSince !== null ? 'frozen' : `${duration((now - movedAt) / 1000)} ago`
  setText(byId('freshness-text'), app.now === null || historic ? reached : `${reached} · ${ago}`)
  const quality =
    downSince !== null
      ? 'down'
      : behind || stale || app.now === null
        ? 'behind'
        : live.state() === 'live'
          ? 'fresh'
          : 'polled'
  dot.className = `dot ${quality}`
  const quoted = {
    down: 'The server does not answer',
    behind: 'What is shown is behind',
    fresh: 'Live: news comes by itself',
    polled: 'No live connection: the server is asked every 3 s',
  }[quality]
  byId('freshness').title = `How far event time has come, and when it last moved. ${quoted}.`

  const lag = byId('lag-badge')
  const { answeredAt } = questions.lag
  const why = questions.lag.why || questions.lag.refused
  redraw(lag, `${seconds} ${records} ${why}`, () => [
    why === '' ? `Lag ${duration(seconds)}` : 'Lag unknown',
    why === '' && records > 0 && el('span', { class: 'wide' }, ` · ${counted(records, 'records')}`),
  ])
  lag.className = behind || why !== '' ? 'badge behind' : 'badge'
  const unread = `${counted(records, 'records')} unread, the oldest ${duration(seconds)} old`
  lag.title =
    why === ''
      ? unread
      : `${plain(why, 160)}${answeredAt === null ? '' : `. At ${second(answeredAt)}: ${unread}`}`
  const source = inShort(known.source)
  const badge = byId('source-badge')
  badge.hidden = source === null
  setText(badge, source?.text ?? '')
  badge.className = source?.bad ? 'badge behind' : 'badge'
  badge.title =
    'Gaps: share of the followed time of the last 24 hours, by event time, that was not covered. ' +
    'Failing: channels whose last poll failed. ' +
    'Behind: channels of which posts are not decided for an hour, or replies or reactions for three.'
  for (const link of [lag, badge]) link.setAttribute('href', app.link({ page: 'ops' }))

  const refused = app.refused()
  const missing = app.asked().filter((each) => each.why !== '')
  const text =
    downSince !== null
      ? `Frozen since ${second(downSince)}: the server does not answer (${plain(contact.why, 160)}). What is shown is what was last known; trying again every 2 s.`
      : refused !== ''
        ? `This can't be shown: ${plain(refused, 300)}`
        : missing.length > 0
          ? `Can't be had now: ${listed(missing.map((each) => each.name))} (${plain(missing[0].why, 160)}). What is shown of that is as old as it says; all else is of now.`
          : seconds >= CATCHING_UP_SECONDS && app.now !== null
            ? `Catching up: event time ${full(app.now)} reached, ${counted(records, 'records')} to go.`
            : stale && app.now !== null
              ? `Event time has not moved for ${duration((now - movedAt) / 1000)}: the source sends nothing, or can't prove what it covers.`
              : ''
  const notice = byId('notice')
  notice.className = `notice ${downSince !== null ? 'down' : 'behind'}`
  notice.hidden = text === ''
  setText(notice, text)
}

// Wiring

runSelect.addEventListener('change', () =>
  app.go({ ...NO_FILTERS, page: app.route.page === 'ops' ? 'ops' : 'overview', run: runSelect.value }),
)
byId('skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
const themeButton = byId('theme-button')
const otherTheme = () => (document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark')
const switchTheme = () => dispatchEvent(new CustomEvent('choose-theme', { detail: otherTheme() }))
const nameTheme = () => themeButton.setAttribute('aria-label', `Switch to ${otherTheme()} colours`)
themeButton.addEventListener('click', switchTheme)
addEventListener('theme', nameTheme)
nameTheme()

const digitsButton = byId('digits-button')
function switchDigits() {
  const all = digitsButton.getAttribute('aria-pressed') !== 'true'
  digitsButton.setAttribute('aria-pressed', String(all))
  document.documentElement.toggleAttribute('data-digits', all)
  writeAllDigits(all)
  forgetDrawn()
  draw()
}
digitsButton.addEventListener('click', switchDigits)

/** Through the items of the page, or from one alert or channel to the next. */
function step(/** @type {1 | -1} */ by) {
  const page = current()
  if (page.step) return page.step(by)
  const items = page.items()
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement))
  items[at < 0 ? 0 : Math.max(0, Math.min(items.length - 1, at + by))]?.focus()
}
bindKeys({
  next: () => step(1),
  previous: () => step(-1),
  back() {
    if (app.route.page === 'overview')
      return /** @type {HTMLElement | null} */ (document.activeElement)?.blur()
    const to = trail.at(-1) ?? OVERVIEW
    app.go({ ...to, run: app.route.run, ...filtersOf(app.route) })
  },
  search() {
    if (app.route.page !== 'overview') app.go({})
    current().search?.()
  },
  page(name) {
    const id = idFor(name)
    if (id !== undefined && name !== app.route.page) app.go({ page: name, id })
  },
  theme: switchTheme,
  digits: switchDigits,
})
addEventListener('popstate', () => {
  const parsed = parseHash(location.hash)
  // What is listed elsewhere doesn't stand in the address of a page that lists nothing, and is kept.
  const next = lists(parsed) ? parsed : { ...parsed, ...filtersOf(app.route) }
  if (formatHash(next) !== formatHash(app.route)) app.look(next)
})
setInterval(drawStatus, 1000)

main.append(current().root)
if (app.route.id !== null) lastIds[app.route.page] = app.route.id
draw()
app.ask()
