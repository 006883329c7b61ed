// @ts-check
/** The page: asks every 2 s, and draws what is known, at most five times a second. */
import { createAlertDetail, createAlertList } from './alerts.js'
import { api, Refused, Unreachable } from './api.js'
import { createCastList } from './casts.js'
import { byActivity, createChannelList } from './channels.js'
import { createCharts } from './charts.js'
import { byId, dismissible, el, setText } from './dom.js'
import {
  channelLabel,
  duration,
  full,
  integer,
  MEASURES,
  period,
  plain,
  RESOLUTION_LABEL,
  RESOLUTIONS,
  splitSeries,
  TYPE_LABEL,
} from './format.js'
import { makeGrid, wholeFrom } from './grid.js'
import { createKnowledge } from './knowledge.js'
import { CHANNELS, drawSource } from './source.js'
import { allowed, fit, formatHash, parseHash, span } from './state.js'
import { createStatus } from './status.js'

/**
 * @typedef {import('./state.js').View} View
 * @typedef {import('./api.js').Alert} Alert
 */

const POLL_MS = 2000
/** A tab that nobody sees only keeps the number of open alerts in its title. */
const HIDDEN_POLL_MS = 30_000
const FRAME_MS = 200

/** @type {View} */
let view = parseHash(location.hash)
/** By this machine's clock, ms. `downSince`: the last answer before the server went away. */
const connection = {
  answeredAt: Date.now(),
  askedAt: 0,
  /** @type {number | null} */ downSince: null,
  why: '',
}
/** @type {string | null} */
let lastAnnounced = null
/** What the server says of itself; undefined while it has to be asked, as after it was away.
 * @type {import('./api.js').About | null | undefined} */
let about

const filters = {
  type: /** @type {HTMLSelectElement} */ (byId('filter-type')),
  state: /** @type {HTMLSelectElement} */ (byId('filter-state')),
  channel: /** @type {HTMLInputElement} */ (byId('filter-channel')),
}
const knowledge = createKnowledge(
  () => view,
  () => ({ type: filters.type.value, state: filters.state.value, channel: filters.channel.checked }),
)
const { known } = knowledge

const status = createStatus()
const charts = createCharts(byId('charts'), (start) => go({ at: start }), choose)
const castList = createCastList()
const channelList = createChannelList((channel) => {
  go({ channel, alert: null, at: null })
  show('chart')
})
const alertList = createAlertList((alert) => {
  choose(alert)
  show('chart')
})
const alertDetail = createAlertDetail(() => go({ alert: null, at: null }))

/** Shows the series that opened an alert, at the bin that did. */
function choose(/** @type {Alert} */ alert) {
  const [measure, channel] = splitSeries(alert.series)
  const at = Date.parse(alert.start)
  const next = fit({ ...view, channel, measure, resolution: alert.resolution, alert: alert.id, at })
  go({ ...next, end: endFor(at, next.resolution) })
}

/** Where the time shown must end so that `moment` is well inside it; null, to follow, when it is among the newest. */
function endFor(/** @type {number} */ moment, /** @type {number} */ resolution) {
  const length = span(resolution)
  if (known.eventTime === null || moment > known.eventTime - length * 0.9) return null
  return Math.min(moment + length / 3, known.eventTime)
}

/** Changes what is looked at; the hash follows, and what is missing is asked for at once. */
function go(/** @type {Partial<View>} */ change) {
  const next = fit({ ...view, ...change })
  if (formatHash(next) !== formatHash(view)) history.pushState(null, '', formatHash(next))
  look(next)
}

function look(/** @type {View} */ next) {
  if (next.run !== view.run) knowledge.forget()
  view = next
  draw()
  void poll()
}

/** On narrow screens one pane is shown at a time. */
function show(/** @type {string} */ pane) {
  document.body.dataset.view = pane
  for (const tab of document.querySelectorAll('.tabs button')) {
    tab.setAttribute('aria-pressed', String(tab.getAttribute('data-show') === pane))
  }
}

// Asking

let asking = false
let again = false
/** One round of questions at a time; what is asked for meanwhile follows at once. */
async function poll() {
  if (asking) {
    again = true
    return
  }
  asking = true
  connection.askedAt = Date.now()
  try {
    do {
      again = false
      await ask()
    } while (again)
  } finally {
    asking = false
    draw()
  }
}

async function ask() {
  try {
    await Promise.all([askAbout(), knowledge.askOverview()])
    if (view.channel === null && known.channels.length > 0) {
      const { run } = view
      const first = await knowledge.firstView()
      // Someone may have chosen meanwhile.
      if (view.channel === null && view.run === run) {
        view = fit({ ...view, ...first })
        history.replaceState(null, '', formatHash(view))
      }
    }
    await knowledge.askSelected()
  } catch (error) {
    if (error instanceof Unreachable) {
      connection.downSince ??= connection.answeredAt
      connection.why = error.message
      about = undefined
      return
    }
    if (!(error instanceof Refused)) throw error
    knowledge.refuse(error.message)
  }
  connection.answeredAt = Date.now()
  connection.downSince = null
}

/** A server that has nothing to say of itself refuses, which is fine. */
async function askAbout() {
  if (about !== undefined) return
  about = await api.about().catch((error) => {
    if (error instanceof Refused) return null
    throw error
  })
}

/** What a button asks for; a server that is gone is told of by the next poll. */
const quietly = (/** @type {() => Promise<void>} */ question) => () => {
  question()
    .then(draw)
    .catch((error) => {
      if (!(error instanceof Unreachable || error instanceof Refused)) throw error
    })
}

// Drawing

let drawnAt = 0
let waiting = 0
/** Draws soon: at once, or when 200 ms have passed since the last time. */
function draw() {
  if (waiting) return
  const wait = Math.max(0, drawnAt + FRAME_MS - performance.now())
  waiting = window.setTimeout(() => {
    waiting = 0
    drawnAt = performance.now()
    render()
  }, wait)
}

function render() {
  const seen = new Set(known.alerts.map((alert) => alert.id))
  const alerts = [...known.alerts, ...known.older.filter((alert) => !seen.has(alert.id))]
  const filtered = filters.type.value !== '' || filters.state.value !== '' || filters.channel.checked
  const none = filtered
    ? 'No alert matches these filters.'
    : view.run === 'live'
      ? 'No alerts. They appear here by themselves.'
      : 'No alerts in this run.'
  if (known.answered) alertList.draw(alerts, view.alert, none)
  byId('alerts-more').hidden = !known.olderCursor
  announce(alerts)
  channelList.draw(byActivity(known.channels, known.series), view.channel)
  const open = known.channels.reduce((sum, channel) => sum + channel.openAlerts, 0)
  setText(byId('tab-open'), String(open))
  byId('tab-open').hidden = open === 0
  document.title = `${open ? `(${open}) ` : ''}Farcaster Coordination Monitor`

  renderAbout()
  renderRuns()
  renderTypes()
  renderTitle()
  renderCharts()
  renderCasts()
  renderStatus()
  drawSource(known.source)
}

function renderStatus() {
  const { eventTime, movedAt, lag } = known
  const { downSince, why } = connection
  status.draw({ eventTime, movedAt, now: Date.now(), downSince, why, lag, historic: view.run !== 'live' })
}

/** New alerts are told to who can't see them arrive. */
function announce(/** @type {Alert[]} */ alerts) {
  const newest = alerts.find((alert) => alert.state === 'open')
  if (!newest || newest.id === lastAnnounced) return
  if (lastAnnounced !== null) {
    setText(
      byId('announce'),
      `New alert: ${newest.type} in ${channelLabel(newest.channel)}, severity ${newest.severity}`,
    )
  }
  lastAnnounced = newest.id
}

/** What was said last stays while the server is away. */
function renderAbout() {
  if (about === undefined) return
  const badge = byId('about-notice')
  badge.hidden = !about?.notice
  setText(badge, plain(about?.notice ?? '', 200))
}

/** Not every preset gives onsets: one that none has, nobody can ask for. */
function renderTypes() {
  const onsets =
    known.onsets || filters.type.value === 'onset' || known.alerts.some((a) => a.type === 'onset')
  const types = Object.keys(TYPE_LABEL).filter((type) => type !== 'onset' || onsets)
  offer(filters.type, [['', 'All types'], ...types.map((type) => [type, TYPE_LABEL[type]])])
}

/** Changes the choices only when they are others. @param {HTMLSelectElement} select @param {string[][]} choices value, label */
function offer(select, choices) {
  if (choices.map(([value]) => value).join() === [...select.options].map((o) => o.value).join()) return
  const { value: chosen } = select
  select.replaceChildren(...choices.map(([value, label]) => el('option', { value }, label)))
  select.value = chosen
}

function renderRuns() {
  const select = /** @type {HTMLSelectElement} */ (byId('run'))
  const names = [...new Set(['live', view.run, ...known.runs.map((each) => each.run)])]
  byId('run-field').hidden = names.length < 2
  offer(
    select,
    names.map((name) => [name, plain(name, 40)]),
  )
  select.value = view.run
}

function renderTitle() {
  const { channel, measure, resolution, end } = view
  setText(byId('chart-heading'), channel === null ? 'No channel yet' : channelLabel(channel))
  const { from, to } = knowledge.shown()
  setText(
    byId('chart-sub'),
    channel === null || known.eventTime === null
      ? ''
      : `${RESOLUTION_LABEL[resolution]} bins · ${period(from, to)} (${duration((to - from) / 1000)})`,
  )
  const can = allowed(view)
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (
    document.querySelectorAll('.segments input')
  )) {
    const value = input.name === 'measure' ? measure : String(resolution)
    input.checked = input.value === value
    input.disabled =
      input.name === 'measure' ? !can.measure(input.value) : !can.resolution(Number(input.value))
  }
  byId('live').setAttribute('aria-pressed', String(end === null))
  setText(byId('live'), view.run === 'live' ? 'Live' : 'Newest')
  /** @type {HTMLButtonElement} */
  const later = byId('later')
  later.disabled = end === null
  /** @type {HTMLButtonElement} */
  const earlier = byId('earlier')
  const first = knowledge.first()
  earlier.disabled = first !== null && from <= first
}

function renderCharts() {
  const { channel, at, alert, measure, resolution } = view
  const detail = known.detail?.id === alert ? known.detail : null
  alertDetail(detail)
  // While another series is on its way, the one before stays, dimmed, rather than flicker or pass for the new one.
  const loading = channel !== null && known.eventTime !== null && !knowledge.current()
  byId('charts').classList.toggle('loading', loading)
  if (loading && connection.downSince === null) return
  const ready =
    !loading && channel !== null && known.eventTime !== null && known.refused === '' && known.counts.size > 0
  const empty = byId('empty')
  byId('charts').hidden = !ready
  empty.hidden = ready
  if (!ready) {
    setText(empty, whyEmpty())
    return
  }
  const grid = makeGrid({
    ...knowledge.shown(),
    resolution,
    whole: wholeFrom(channel),
    counts: known.counts,
    signals: known.signals,
  })
  charts.draw({ grid, measure, alerts: known.marks, gaps: known.gaps, at, alert })
}

function whyEmpty() {
  const { channel, run, measure } = view
  if (known.refused) return `This can't be shown: ${plain(known.refused, 300)}`
  if (!known.answered) return 'The server has not answered yet.'
  if (connection.downSince !== null) return 'This was not loaded before the server went away.'
  if (channel !== null && known.eventTime !== null) {
    return `No ${measure} of ${channelLabel(channel)} in this time.`
  }
  const state = known.runs.find((each) => each.run === run)
  const toGo = known.lag.reduce((sum, lag) => sum + lag.records, 0)
  if (state?.lastAt)
    return `Backfilling: event time ${full(Date.parse(state.lastAt))} reached. Charts begin with the first closed bins.`
  return toGo > 0
    ? `Backfilling: ${integer(toGo)} records to go. Charts begin with the first closed bins.`
    : 'No data yet. Charts begin when the source has sent its first records and their first bin has closed.'
}

function renderCasts() {
  const { channel, at, resolution, end } = view
  const { from, to } = knowledge.castSpan()
  const about =
    channel === '*'
      ? ''
      : at !== null
        ? `${period(/** @type {number} */ (from), /** @type {number} */ (to))}, newest first; the selected bin is ${period(at, at + resolution * 1000)}`
        : end === null
          ? 'newest first, times in UTC'
          : `up to ${full(/** @type {number} */ (to))}, newest first`
  castList.draw(
    known.casts,
    about,
    channel === '*' ? 'Casts are listed by channel: choose one.' : 'No casts are stored for this time.',
  )
  byId('casts-more').hidden = !known.castsCursor
}

// Wiring

/** @param {string} id @param {string} name @param {[string, string][]} choices value, label @param {(value: string) => void} onChoose */
function segments(id, name, choices, onChoose) {
  byId(id).append(
    ...choices.map(([value, label]) =>
      el(
        'label',
        {},
        el('input', { type: 'radio', name, value, onchange: () => onChoose(value) }),
        el('span', {}, label),
      ),
    ),
  )
}
segments(
  'measures',
  'measure',
  MEASURES.map((m) => [m, m[0].toUpperCase() + m.slice(1)]),
  (measure) => go({ measure }),
)
segments(
  'resolutions',
  'resolution',
  RESOLUTIONS.map((r) => [String(r), RESOLUTION_LABEL[r]]),
  (r) =>
    go({
      resolution: Number(r),
      at: view.at === null ? null : Math.floor(view.at / (Number(r) * 1000)) * Number(r) * 1000,
    }),
)

function pan(/** @type {number} */ direction) {
  if (known.eventTime === null) return
  const { to } = knowledge.shown()
  const length = span(view.resolution)
  // Back no further than to where the first bin is the leftmost.
  const least = (knowledge.first() ?? Number.NEGATIVE_INFINITY) + length
  const end = direction < 0 ? Math.min(to, Math.max(to - length / 2, least)) : to + length / 2
  go({ end: end >= known.eventTime ? null : end })
}
byId('earlier').addEventListener('click', () => pan(-1))
byId('later').addEventListener('click', () => pan(1))
byId('live').addEventListener('click', () => go({ end: null }))
byId('alerts-more').addEventListener('click', quietly(knowledge.askOlderAlerts))
byId('casts-more').addEventListener('click', quietly(knowledge.askMoreCasts))
for (const id of ['source', 'lag']) dismissible(byId(id))
byId('source-all').addEventListener(
  'click',
  quietly(() => knowledge.askSource(true)),
)
byId('source').addEventListener('toggle', () => {
  const closed = !(/** @type {HTMLDetailsElement} */ (byId('source')).open)
  if (closed && known.sourceLimit > CHANNELS) quietly(() => knowledge.askSource(false))()
})
byId('skip').addEventListener('click', (event) => {
  event.preventDefault()
  show('chart')
  byId('chart-heading').focus()
})
byId('run').addEventListener('change', (event) => {
  go({
    run: /** @type {HTMLSelectElement} */ (event.target).value,
    channel: null,
    alert: null,
    at: null,
    end: null,
  })
})
for (const filter of Object.values(filters)) filter.addEventListener('change', () => void poll())
for (const tab of document.querySelectorAll('.tabs button')) {
  tab.addEventListener('click', () => show(tab.getAttribute('data-show') ?? 'alerts'))
}
window.addEventListener('popstate', () => look(parseHash(location.hash)))
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void poll()
})
setInterval(() => {
  if (!document.hidden || Date.now() - connection.askedAt >= HIDDEN_POLL_MS) void poll()
}, POLL_MS)
setInterval(renderStatus, 1000)

show(view.alert || view.channel ? 'chart' : 'alerts')
void poll()
