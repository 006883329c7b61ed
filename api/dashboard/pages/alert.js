// @ts-check
/** An alert: what, where, since when, why; the evidence, the course around the moment, the casts about it. */
import { api, exportLink } from '../api.js'
import { NOT_ASKED } from '../asking.js'
import { el, redraw, setText } from '../dom.js'
import { age, channelLabel, clock, day, duration, full, iso, plain, short } from '../format.js'
import { fit, OVERVIEW, span } from '../route.js'
import { createSeriesView } from '../series-view.js'
import { createStale } from '../stale.js'
import { severity, state, typeLabel, unlisted, wholeUrl } from '../words.js'
import { evidenceTable, figures, isOfBin } from './evidence.js'
import { binOf, members, opener } from './subject.js'

/** @typedef {import('../types.ts').AlertDetail} AlertDetail */

/** A bin that was decided later than this after its end has waited for what is learned late, ms. */
const LATE_MS = 30 * 60_000
const BIN_MS = 300_000

/** @param {import('../app.js').App} app */
export function createAlertPage(app) {
  /** @type {AlertDetail | null} */
  let alert = null
  const view = createSeriesView(app, {
    look: () => {
      const current = shown()
      return current && looked(current)
    },
    onSelect: (at) => app.change({ at }),
    onAlert: ({ id }) => app.replace({ page: 'alert', id }),
  })
  const question = app.question('the alert', async () => {
    const asked = app.route
    const id = asked.id ?? ''
    app.queue.fresh.delete(id)
    const listed = [...app.queue.known.open, ...app.queue.known.alerts].find((each) => each.id === id)
    const isNew = alert?.id !== id
    if (!isNew && alert?.sequence === listed?.sequence) return NOT_ASKED
    const answer = await api.alert(id)
    if (app.route !== asked) return
    alert = answer
    // A link may be of another run, or say nothing of it.
    if (answer.run !== asked.run) app.replace({ page: 'alert', id, run: answer.run })
    else if (isNew) for (const each of view.questions) each.ask(true)
  })
  const stale = createStale()
  const place = el('span', { class: 'muted' })
  const previous = el('button', { type: 'button', class: 'button', onclick: () => step(-1) }, '← Previous')
  const next = el('button', { type: 'button', class: 'button', onclick: () => step(1) }, 'Next →')
  const links = el('div', { class: 'links' })
  const story = el('section', { class: 'card story', 'aria-label': 'The alert' })
  const who = el('section', { class: 'card', 'aria-labelledby': 'members-heading', hidden: true })
  const evidence = el('section', { class: 'card', 'aria-labelledby': 'evidence-heading' })
  const history = el('section', { class: 'card', 'aria-labelledby': 'history-heading' })
  const root = el(
    'div',
    { class: 'alert-page' },
    el('div', { class: 'title' }, el('div', { class: 'stepper' }, previous, next, place), links),
    stale.node,
    story,
    who,
    view.charts,
    evidence,
    el('div', { class: 'columns' }, view.casts, history),
  )

  const shown = () => (alert?.id === app.route.id ? alert : null)
  function step(/** @type {1 | -1} */ by) {
    const current = shown()
    if (!current) return
    const { previous, next } = app.queue.place(current)
    const to = by < 0 ? previous : next
    if (to) app.replace({ page: 'alert', id: to.id })
  }

  /**
   * The bin that opened it, well inside the time shown; for what is about no series, casts of its channel then.
   * @returns {import('../bins.js').View}
   */
  function looked(/** @type {AlertDetail} */ current) {
    const opened = { measure: /** @type {const} */ ('casts'), channel: current.channel, resolution: 300 }
    const start = Math.floor(Date.parse(current.openedAt) / BIN_MS - 1) * BIN_MS
    const { measure, channel, resolution, start: at } = binOf(current) ?? { ...opened, start }
    const { id, ...window } = fit({ ...OVERVIEW, id: channel, measure, resolution, range: 'medium' })
    const length = span(window)
    const end = app.now === null || at > app.now - length * 0.9 ? null : Math.min(at + length / 3, app.now)
    return { ...window, run: app.route.run, channel, end, at: app.route.at ?? at }
  }

  return {
    root,
    get heading() {
      const current = shown()
      return current ? `${typeLabel(current.type)} in ${channelLabel(current.channel)}` : 'Alert'
    },
    questions: [question, ...view.questions],
    draw() {
      const current = shown()
      const missing = question.refused
      stale.draw(question)
      for (const part of [view.charts, evidence, history, view.casts]) part.hidden = !current
      if (!current) {
        redraw(story, JSON.stringify([missing, app.route.id]), () => [
          el(
            'p',
            { class: 'none' },
            missing !== '' ? `This alert can't be shown: ${plain(missing, 300)}` : 'Asking…',
          ),
        ])
        return
      }
      drawStory(current)
      redraw(who, JSON.stringify(current), () => members(current) ?? [])
      who.hidden = members(current) === null
      drawEvidence(current)
      drawHistory(current)
      const window = looked(current)
      if (app.now !== null) view.draw(window, app.now, current)
      const spot = app.queue.place(current)
      setText(place, spot.index < 0 ? 'not among those listed' : `${spot.index + 1} of ${spot.length}`)
      previous.disabled = !spot.previous
      next.disabled = !spot.next
      drawLinks(current, window)
    },
    step,
    items: () => [],
  }

  function drawLinks(/** @type {AlertDetail} */ current, /** @type {import('../bins.js').View} */ window) {
    const { measure, resolution, end, channel, run } = window
    const { from, to } = view.bins.shown(window, app.now ?? Date.parse(current.openedAt))
    const opened = Date.parse(current.openedAt)
    const bin = binOf(current)
    redraw(links, JSON.stringify([current.id, window, from, to]), () => [
      el(
        'a',
        {
          href: app.link({
            ...{ page: 'channel', id: channel, measure, resolution, end },
            at: window.at,
          }),
        },
        'Open the channel',
      ),
      el(
        'a',
        {
          href: exportLink('alerts', {
            run,
            channel: current.channel,
            from: iso(opened),
            to: iso(opened + 1000),
          }),
          download: '',
        },
        'Its events (CSV)',
      ),
      bin &&
        el(
          'a',
          {
            href: exportLink('signals', {
              run,
              series: bin.series,
              resolution,
              from: iso(from),
              to: iso(to),
            }),
            download: '',
          },
          'Decision log (CSV)',
        ),
    ])
  }

  /**
   * The bin that opened it: from the series shown, since what an alert carries is the evidence of its last event.
   * @returns {import('./evidence.js').Figures | undefined}
   */
  function openingOf(/** @type {AlertDetail} */ current) {
    const bin = binOf(current)
    if (!bin) return undefined
    const { evidence, type } = current
    const carried = evidence
      .filter(isOfBin)
      .find(
        (e) =>
          e.series === bin.series && e.resolution === bin.resolution && Date.parse(e.start) === bin.start,
      )
    // An onset is decided while its bin is open: what the series says of the closed one is something else.
    if (carried || type === 'onset' || !view.bins.has(looked(current))) return carried
    const signal = view.bins.known.signals.get(bin.start)
    // A signal's p is that of the indicators.
    return signal && type === 'collapse' ? { ...signal, p: null } : signal
  }

  function drawStory(/** @type {AlertDetail} */ current) {
    const { now } = app
    const opened = Date.parse(current.openedAt)
    const open = current.resolvedAt === null
    const ago = age(opened, now)
    const since = open
      ? now === null || ago === ''
        ? 'still open'
        : `open for ${duration((now - opened) / 1000)}`
      : `resolved ${full(Date.parse(current.resolvedAt ?? ''))} after ${duration((Date.parse(current.resolvedAt ?? '') - opened) / 1000)}`
    const opening = openingOf(current)
    redraw(story, JSON.stringify([current, since, opening]), () => [
      el(
        'div',
        { class: 'row' },
        severity(current.severity),
        el(
          'h2',
          {},
          typeLabel(current.type),
          ' in ',
          el('bdi', { class: 'channel', title: plain(current.channel, 300) }, channelLabel(current.channel)),
        ),
        state(current),
        unlisted(current),
        el('bdi', { class: 'muted' }, wholeUrl(current.channel)),
      ),
      el(
        'p',
        { class: 'muted opened' },
        `Opened ${full(opened)}${ago === '' ? '' : ` (${ago})`} by ${opener(current)} · ${since}`,
        late(current),
      ),
      el('p', { class: 'why' }, plain(current.reason, 1000)),
      !open &&
        current.outcome !== null &&
        el('p', { class: 'outcome' }, `Resolved: ${plain(current.outcome, 1000)}`),
      figures(current, opening),
    ])
  }

  /** Why it opened so long after its bin. */
  function late(/** @type {AlertDetail} */ current) {
    const bin = binOf(current)
    if (!bin) return ''
    const end = bin.start + bin.resolution * 1000
    const opened = Date.parse(current.openedAt)
    if (opened - end <= LATE_MS) return ''
    const at = day(end) === day(opened) ? clock : short
    return ` · The bin ended ${at(end)}; its ${plain(bin.measure, 40)} were covered at ${at(opened)}.`
  }

  function drawEvidence(/** @type {AlertDetail} */ current) {
    redraw(evidence, JSON.stringify(current.evidence), () => [
      el(
        'div',
        { class: 'head' },
        el('h3', { id: 'evidence-heading' }, 'Evidence'),
        el('span', { class: 'muted' }, 'all that was looked at when it was decided, times in UTC'),
      ),
      ...evidenceTable(current),
    ])
  }

  function drawHistory(/** @type {AlertDetail} */ current) {
    redraw(history, JSON.stringify([current.events, current.id]), () => [
      el('div', { class: 'head' }, el('h3', { id: 'history-heading' }, 'History')),
      el(
        'ol',
        { class: 'history' },
        ...current.events.map((event) =>
          el(
            'li',
            {},
            el('span', { class: 'muted' }, `${short(Date.parse(event.time))} `),
            el('strong', {}, plain(event.event, 20)),
            `, ${plain(event.severity, 20)}: ${plain(event.reason, 600)}`,
          ),
        ),
        el(
          'li',
          { class: 'muted' },
          `Preset ${plain(current.preset, 40)}, settings ${plain(current.settings, 16)}, id ${plain(current.id, 80)}`,
        ),
      ),
    ])
  }
}
