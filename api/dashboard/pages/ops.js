// @ts-check
/** Whether what is shown can be believed: how far the roles lag, how fast warnings are, what was missed, what failed. */
import { api, contact, orNull } from '../api.js'
import { el, redraw, setText, tableOf } from '../dom.js'
import { counted, duration, full, integer, iso, plain, short } from '../format.js'
import { createStale } from '../stale.js'
import { channelName } from '../words.js'
import { createLagTable } from './lag.js'
import { createLatency } from './latency.js'
import { createSource, listed } from './source.js'

const DAY_MS = 86_400_000
const GAPS = 100
const WHY_CAP = 300

/** @param {import('../app.js').App} app */
export function createOps(app) {
  const nothing = () => ({
    ready: '',
    /** @type {import('../types.ts').Latency | null} */ latency: null,
    /** @type {import('../types.ts').DeadLetter[]} */ dead: [],
    /** @type {import('../types.ts').Gap[]} */ gaps: [],
    moreGaps: false,
  })
  let known = nothing()
  let knownRun = ''
  /** @param {string} name @param {(run: string) => Promise<Partial<ReturnType<typeof nothing>>>} work */
  const asked = (name, work) =>
    app.question(name, async () => {
      const { run } = app.route
      const found = await work(run)
      if (app.route.run !== run) return
      known = { ...(knownRun === run ? known : nothing()), ...found }
      knownRun = run
    })
  const questions = {
    ready: asked('whether the server is ready', async () => ({ ready: await api.ready() })),
    latency: asked('how long alerts take', async (run) => ({ latency: await orNull(api.latency(run)) })),
    dead: asked('dead letters', async (run) => ({ dead: (await orNull(api.deadLetters(run)))?.items ?? [] })),
    gaps: asked('gaps', async (run) => {
      const from = app.now === null ? undefined : iso(app.now - DAY_MS)
      const { items, next } = await api.gaps({ run, from, limit: GAPS })
      return { gaps: items, moreGaps: next !== null }
    }),
  }
  const health = el('dl', { class: 'figures' })
  const lag = createLagTable()
  const latency = createLatency()
  const source = createSource(app)
  const dead = el('div')
  const gaps = el('div')
  const gapsTitle = el('span', { class: 'muted' })

  /** @type {[ReturnType<typeof createStale>, import('../asking.js').Question][]} */
  const panels = []
  /** @param {string} title @param {string} kind @param {import('../asking.js').Question} question @param {Node} part */
  const card = (title, kind, question, part) => {
    const stale = createStale()
    panels.push([stale, question])
    const head = el('div', { class: 'head' }, el('h3', {}, title))
    return el('section', { class: `card ${kind}` }, head, stale.node, part)
  }
  const gapsCard = card('Gaps of the last 24 hours', 'gaps', questions.gaps, gaps)
  gapsCard.firstElementChild?.append(gapsTitle)
  const root = el(
    'div',
    { class: 'ops' },
    el('h2', { class: 'sr' }, 'Operations'),
    card('State', 'health', questions.ready, health),
    el(
      'div',
      { class: 'stack' },
      card('Unread records, by role', 'lag', app.questions.lag, lag.node),
      source.node,
    ),
    el(
      'div',
      { class: 'stack' },
      card('From record to alert', 'latency', questions.latency, latency.node),
      gapsCard,
      card('Dead letters', 'dead', questions.dead, dead),
    ),
  )

  return {
    root,
    heading: 'Operations',
    items: () => [],
    questions: [...Object.values(questions), source.question],
    draw() {
      drawHealth()
      for (const [panel, question] of panels) panel.draw(question, true)
      source.draw()
      if (app.questions.lag.answeredAt !== null)
        lag.draw(app.route.run, app.known.lag, app.questions.lag.answeredAt)
      if (knownRun !== app.route.run) return
      latency.draw(known.latency)
      if (questions.gaps.answeredAt !== null) drawGaps()
      if (questions.dead.answeredAt !== null) drawDead()
    },
  }

  function drawHealth() {
    const { live, now } = app
    const down = contact.downSince !== null
    const run = app.known.runs.find((each) => each.run === app.route.run)
    /** @type {[string, string, string][]} */
    const parts = [
      [
        'Server',
        down ? 'not answering' : known.ready === '' ? 'ready' : 'not ready',
        down ? contact.why : known.ready,
      ],
      [
        'News',
        { live: 'live', connecting: 'connecting', lost: 'asking every 3 s', off: 'off' }[live.state()],
        'of alerts and closed bins',
      ],
      ['Event time', now === null ? '–' : full(now).replace(' UTC', ''), 'UTC, the end of the newest bin'],
      [
        'Run',
        plain(app.route.run, 40),
        run ? `${counted(run.channels, 'channels')}, ${counted(run.alerts, 'alerts')}` : '',
      ],
      ['Version', plain(app.known.about?.version ?? '–', 40), plain(app.notice(), 200)],
    ]
    redraw(health, JSON.stringify(parts), () =>
      parts.map(([name, value, note], i) =>
        el(
          'div',
          { class: i === 0 && value !== 'ready' ? 'wrong' : '' },
          el('dt', {}, name),
          el('dd', {}, value, el('span', { class: 'muted' }, plain(note, WHY_CAP))),
        ),
      ),
    )
  }

  function drawGaps() {
    const { gaps: found, moreGaps } = known
    // What was missed of several measures at once was missed once.
    const spans = Map.groupBy(found, ({ channel, from, to, reason }) =>
      JSON.stringify([channel, from, to, reason]),
    )
    const channels = new Set(found.map(({ channel }) => channel)).size
    setText(
      gapsTitle,
      found.length === 0
        ? ''
        : `${moreGaps ? 'the first ' : ''}${counted(spans.size, 'gaps')} in ${counted(channels, 'channels')}, times in UTC`,
    )
    redraw(gaps, JSON.stringify(found), () => [
      found.length === 0
        ? el('p', { class: 'none' }, 'None is known.')
        : table(
            ['Channel', 'Measures', 'From', 'To', 'Long', 'Why'],
            // Newest first: those that can still be asked about.
            [...spans.values()]
              .reverse()
              .map(([gap, ...same]) => [
                el(
                  'a',
                  { href: app.link({ page: 'channel', id: gap.channel, at: Date.parse(gap.from) }) },
                  channelName(gap.channel),
                ),
                el(
                  'span',
                  { class: 'wrap' },
                  listed([gap, ...same].map(({ measure }) => plain(measure, 40)).sort()),
                ),
                short(Date.parse(gap.from)),
                short(Date.parse(gap.to)),
                duration((Date.parse(gap.to) - Date.parse(gap.from)) / 1000),
                plain(gap.reason ?? '–', WHY_CAP),
              ]),
          ),
    ])
  }

  function drawDead() {
    redraw(dead, JSON.stringify(known.dead), () => [
      known.dead.length === 0
        ? el('p', { class: 'none' }, 'None: every record could be processed.')
        : table(
            ['Topic', 'Role', 'Count', 'Last (UTC)', 'Why'],
            known.dead.map(({ topic, role, count, lastAt, lastWhy }) => [
              ...[plain(topic, 80), plain(role, 40), integer(count)],
              ...[short(Date.parse(lastAt)), plain(lastWhy, WHY_CAP)],
            ]),
          ),
    ])
  }
}

/** The last column is free to wrap. @param {string[]} columns @param {(string | Node)[][]} rows */
export const table = (columns, rows) =>
  el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': columns.join(', ') },
    tableOf(columns, rows, (cell, i) =>
      el('td', { class: i === columns.length - 1 ? 'free' : 'fixed' }, cell),
    ),
  )
