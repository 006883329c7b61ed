// @ts-check
/** A channel: its series, what was expected, the indicators, the score; alerts, gaps and casts. */
import { SHOWN } from '../../../schemas/measures.js'
import { api, exportLink } from '../api.js'
import { FIRST_CHANNELS } from '../app.js'
import { NOT_ASKED } from '../asking.js'
import { PAGE } from '../bins.js'
import { el, redraw, segments, setText } from '../dom.js'
import {
  age,
  capital,
  channelLabel,
  duration,
  iso,
  period,
  plain,
  RESOLUTION_LABEL,
  RESOLUTIONS,
  short,
} from '../format.js'
import { allowed, NO_FILTERS, RANGES, rangeLabel, span } from '../route.js'
import { createSeriesView } from '../series-view.js'
import { severity, state, typeLabel, when, wholeUrl } from '../words.js'

/** @param {import('../app.js').App} app */
export function createChannelPage(app) {
  const view = createSeriesView(app, {
    look: () => looked(),
    onSelect: (at) => app.change({ at }),
    onAlert: ({ id }) => app.go({ page: 'alert', id }),
  })
  /** To go from one to the next, those most at risk first. */
  const order = app.question('the order of channels', async () => {
    const { run } = app.route
    if (app.order.length > 0) return NOT_ASKED
    const { items } = await api.overview({ run, limit: FIRST_CHANNELS })
    if (app.route.run === run) app.order = items.map(({ channel }) => channel)
  })
  const heading = el('h2', { class: 'channel-heading' })
  const whole = el('bdi', { class: 'muted' })
  const about = el('p', { class: 'muted' })
  const measures = segments(
    'Measure',
    SHOWN.map((m) => [m, capital(m)]),
    (measure) => app.change({ measure }),
  )
  const resolutions = segments(
    'Length of a bin',
    RESOLUTIONS.map((r) => [String(r), RESOLUTION_LABEL[r]]),
    (value) => {
      const resolution = Number(value)
      const { at } = app.route
      const step = resolution * 1000
      app.change({ resolution, at: at === null ? null : Math.floor(at / step) * step })
    },
  )
  const hint = el('p', { class: 'hint muted' })
  const ranges = el('select', { 'aria-label': 'Time shown' })
  ranges.addEventListener('change', () =>
    app.change({ range: RANGES.find((range) => range === ranges.value) ?? 'long' }),
  )
  const earlier = el('button', { type: 'button', 'aria-label': 'Earlier', onclick: () => pan(-1) }, '←')
  const later = el('button', { type: 'button', 'aria-label': 'Later', onclick: () => pan(1) }, '→')
  const newest = el('button', { type: 'button', onclick: () => app.change({ end: null }) }, 'Live')
  const alerts = el('div', { class: 'chips', role: 'group', 'aria-label': 'Alerts in the time shown' })
  const gaps = el('div')
  const gapsTitle = el('span', { class: 'muted' })
  const itsAlerts = el('a', {}, 'All its alerts')
  const countsLink = el('a', { download: '' }, 'Counts (CSV)')
  const signalsLink = el('a', { download: '' }, 'Decision log (CSV)')
  const more = el(
    'div',
    { class: 'stack' },
    el('section', { class: 'card' }, el('div', { class: 'head' }, el('h3', {}, 'Not seen'), gapsTitle), gaps),
    el(
      'section',
      { class: 'card' },
      el('div', { class: 'head' }, el('h3', {}, 'More of it')),
      el('p', { class: 'links' }, itsAlerts, countsLink, signalsLink),
    ),
  )
  const root = el(
    'div',
    { class: 'channel-page' },
    el(
      'div',
      { class: 'title' },
      el('div', { class: 'what' }, el('div', { class: 'row' }, heading, whole), about),
      el(
        'div',
        { class: 'controls' },
        measures.node,
        resolutions.node,
        ranges,
        el(
          'div',
          { class: 'segments pan', role: 'group', 'aria-label': 'Move in time' },
          earlier,
          later,
          newest,
        ),
        hint,
      ),
    ),
    alerts,
    view.charts,
    el('div', { class: 'columns' }, view.casts, more),
  )

  /** @returns {import('../bins.js').View} */
  const looked = () => ({ ...app.route, channel: app.route.id ?? '_' })

  function pan(/** @type {number} */ direction) {
    if (app.now === null) return
    const { to } = view.bins.shown(looked(), app.now)
    const length = span(app.route)
    // Back no further than to where the first bin is the leftmost.
    const least = (view.bins.first(looked()) ?? Number.NEGATIVE_INFINITY) + length
    const end = direction < 0 ? Math.min(to, Math.max(to - length / 2, least)) : to + length / 2
    app.change({ end: end >= app.now ? null : end })
  }

  return {
    root,
    get heading() {
      return channelLabel(app.route.id ?? '')
    },
    questions: [...view.questions, order],
    draw() {
      const { id, measure, resolution, range, end, run } = app.route
      const name = id ?? ''
      setText(heading, channelLabel(name))
      heading.title = plain(name, 300)
      setText(whole, wholeUrl(name))
      const can = allowed(app.route)
      measures.draw(measure, can.measure, can.why)
      resolutions.draw(String(resolution), (value) => can.resolution(Number(value)), can.why)
      setText(hint, can.why)
      hint.hidden = can.why === ''
      redraw(ranges, String(resolution), () =>
        RANGES.map((each) => el('option', { value: each }, rangeLabel(resolution, each))),
      )
      ranges.value = range
      newest.setAttribute('aria-pressed', String(end === null))
      setText(newest, run === 'live' ? 'Live' : 'Newest')
      later.disabled = end === null
      if (app.now === null) {
        setText(about, '')
        view.nothing(app.whyEmpty(app.questions.runs))
        return
      }
      const { from, to } = view.bins.shown(looked(), app.now)
      // Where the time shown begins is known with the series.
      if (view.bins.has(looked()))
        setText(
          about,
          `${RESOLUTION_LABEL[resolution]} bins · ${period(from, to)} (${duration((to - from) / 1000)})`,
        )
      const first = view.bins.first(looked())
      earlier.disabled = first !== null && from <= first
      view.draw(looked(), app.now, null)
      drawAlerts(from)
      // Nothing is known of a channel that isn't there, and nothing yet of one that was not loaded.
      more.hidden = !view.bins.has(looked()) || view.bins.known.refused !== ''
      drawGaps()
      const query = { run, series: `${measure}:${name}`, resolution, from: iso(from), to: iso(to) }
      countsLink.href = exportLink('counts', query)
      signalsLink.href = exportLink('signals', query)
      itsAlerts.href = app.link({ ...NO_FILTERS, channel: name })
    },
    /** Channels in the order of their risk, as the overview had them last. */
    step(/** @type {1 | -1} */ by) {
      const id = app.order[app.order.indexOf(app.route.id ?? '') + by]
      const { measure, resolution, range } = app.route
      if (id !== undefined) app.replace({ page: 'channel', id, measure, resolution, range })
    },
    items: () => [],
  }

  function drawAlerts(/** @type {number} */ from) {
    const touching = view.bins.known.alerts
      .filter((alert) => alert.resolvedAt === null || Date.parse(alert.resolvedAt) > from)
      .sort((a, b) => (a.openedAt < b.openedAt ? 1 : -1))
    const shown = view.bins.has(looked()) ? touching : []
    alerts.hidden = shown.length === 0
    const cut = view.bins.known.more.alerts
    redraw(alerts, JSON.stringify([shown, app.now, cut]), () => [
      cut && el('span', { class: 'cut' }, `Only the ${PAGE} alerts that were opened last are shown:`),
      ...shown.map((alert) =>
        el(
          'a',
          { class: 'chip', href: app.link({ page: 'alert', id: alert.id }), title: plain(alert.reason, 300) },
          severity(alert.severity),
          el('strong', {}, typeLabel(alert.type)),
          state(alert),
          el(
            'span',
            { class: 'muted' },
            when(alert.openedAt),
            ` ${age(Date.parse(alert.openedAt), app.now)}`,
          ),
        ),
      ),
    ])
  }

  function drawGaps() {
    const known = view.bins.has(looked()) ? view.bins.known.gaps : []
    const first = view.bins.known.more.gaps ? `the first ${PAGE} of many ` : ''
    setText(gapsTitle, `${first}in the time shown, times in UTC`)
    redraw(gaps, JSON.stringify([known]), () => [
      known.length === 0
        ? el('p', { class: 'none' }, 'No gap is known: all of it was covered.')
        : el(
            'table',
            { class: 'padded' },
            el(
              'thead',
              {},
              el('tr', {}, ...['Measure', 'From', 'To', 'Why'].map((n) => el('th', { scope: 'col' }, n))),
            ),
            el(
              'tbody',
              {},
              ...known.map((gap) =>
                el(
                  'tr',
                  {},
                  el('td', {}, plain(gap.measure, 40)),
                  el('td', { class: 'fixed' }, short(Date.parse(gap.from))),
                  el('td', { class: 'fixed' }, short(Date.parse(gap.to))),
                  el('td', { class: 'free' }, plain(gap.reason ?? '–', 200)),
                ),
              ),
            ),
          ),
    ])
  }
}
