// @ts-check
/** Channels by risk, now, and the alerts to triage. */
import { api, orNull } from '../api.js'
import { FIRST_CHANNELS } from '../app.js'
import { el, setText } from '../dom.js'
import { clock, day, integer, iso, thresholdIn } from '../format.js'
import { createStale } from '../stale.js'
import { undecided } from '../words.js'
import { createRisks } from './risks.js'
import { createTriage } from './triage.js'

/** All that the API gives when asked for more. */
const MOST = 500
const BIN_MS = 300_000

/** @typedef {import('../app.js').App} App */

/** @param {App} app */
export function createOverview(app) {
  /** @type {import('../types.ts').Overview} */
  let known = { now: null, items: [] }
  let knownRun = ''
  /** Whether more channels were asked for. */
  let wide = false
  /** Of the score, by run. @type {Map<string, number | null>} */
  const thresholds = new Map()

  const question = app.question('channels', async () => {
    const { run } = app.route
    const overview = await api.overview({ run, limit: wide ? MOST : FIRST_CHANNELS })
    if (app.route.run !== run) return
    if (knownRun !== run) risks.forget()
    known = overview
    knownRun = run
    app.order = overview.items.map(({ channel }) => channel)
    app.reached(overview.now)
    app.threshold = thresholds.get(run) ?? null
    if (!thresholds.has(run)) threshold.ask()
  })
  /** It stands in the decision about any bin that has a score. */
  const threshold = app.question('from where on a score warns', async () => {
    const run = knownRun
    const scored = known.items.find(({ score, at }) => score !== null && at !== null)
    if (!scored?.at) return
    const start = Date.parse(scored.at)
    const query = { run, resolution: 300, from: iso(start), to: iso(start + 1000), limit: 1 }
    const found = await orNull(api.signals(scored.series, query))
    thresholds.set(run, thresholdIn(found?.items[0]?.reason ?? ''))
    if (app.route.run === run) app.threshold = thresholds.get(run) ?? null
  })
  const stale = createStale()
  const triage = createTriage(app)
  const count = el('span', { class: 'muted' })
  const held = el('span', { class: 'held muted' })
  const edge = el('p', { class: 'edge', hidden: true })
  const search = el('input', {
    type: 'search',
    class: 'search',
    placeholder: 'Search channels  ( / )',
    'aria-label': 'Search channels',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 300,
  })
  const risks = createRisks(app, (moved) => {
    setText(held, moved ? 'order held while you are in the list' : '')
  })
  const more = el(
    'button',
    { type: 'button', class: 'button', hidden: true, onclick: () => widen() },
    'Show more channels',
  )
  function widen() {
    wide = true
    question.ask()
  }
  const root = el(
    'div',
    { class: 'overview' },
    triage.node,
    el(
      'section',
      { class: 'card risks', 'aria-labelledby': 'risks-heading' },
      el(
        'div',
        { class: 'head' },
        el('h2', { id: 'risks-heading' }, 'Channels by risk'),
        count,
        held,
        search,
      ),
      stale.node,
      edge,
      risks.node,
      more,
    ),
  )
  search.addEventListener('input', () => {
    app.filter({ q: search.value })
    // Those that are listed at first are not all that can be found.
    if (!wide && search.value !== '') widen()
  })
  search.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault()
      const [first] = risks.inOrder()
      if (event.key === 'Enter') first?.click()
      else first?.focus()
    } else if (event.key === 'Escape') {
      event.preventDefault()
      if (search.value === '') search.blur()
      search.value = ''
      app.filter({ q: '' })
    }
  })

  return {
    root,
    heading: 'Overview',
    questions: [question],
    draw() {
      triage.draw()
      stale.draw(question)
      if (search !== document.activeElement) search.value = app.route.q
      if (knownRun !== app.route.run) {
        // Rows of another run are not those of this one.
        risks.draw([], '', null)
        risks.explain(app.whyEmpty(question))
        setText(count, '')
        return
      }
      const wanted = app.route.q.trim().toLowerCase()
      if (wanted !== '' && !wide) widen()
      const shown = risks.draw(known.items, wanted, known.now)
      const now = known.now === null ? null : Date.parse(known.now)
      const cut = known.items.length === (wide ? MOST : FIRST_CHANNELS)
      const total = `${integer(known.items.length)}${cut ? ' or more' : ''}`
      setText(
        count,
        now === null
          ? ''
          : `${wanted === '' ? total : `${shown} of ${total}`} · last bin ends ${day(now)} ${clock(now)} UTC`,
      )
      const ends = known.items.flatMap(({ at }) => (at === null ? [] : Date.parse(at) + BIN_MS))
      const late = now === null || ends.length === 0 ? '' : undecided('casts', Math.max(...ends), now)
      edge.hidden = late === ''
      setText(edge, late)
      more.hidden = !cut || wide
      risks.explain(known.items.length > 0 ? 'No channel is called that.' : app.whyEmpty(question))
    },
    items: () => [...triage.inOrder(), ...risks.inOrder()],
    search: () => search.focus(),
    /** Puts the focus where the reader comes from. @param {import('../route.js').Route} from */
    comeBack: (from) => (from.page === 'alert' ? triage.focus(from.id ?? '') : risks.focus(from.id ?? '')),
  }
}
