// @ts-check
/** Whether what is shown can be believed: how far the roles lag, how fast warnings are, what was missed, what failed. */
import { api, orNull } from '../api.js'
import { el, redraw, setText } from '../dom.js'
import { counted, duration, full, integer, iso, plain, short } from '../format.js'
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
    run: '',
    ready: '',
    /** @type {import('../types.ts').Latency | null} */ latency: null,
    /** @type {import('../types.ts').DeadLetter[]} */ dead: [],
    /** @type {import('../types.ts').Gap[]} */ gaps: [],
    moreGaps: false,
  })
  let known = nothing()
  const health = el('dl', { class: 'figures' })
  const lag = createLagTable()
  const latency = createLatency()
  const source = createSource(app)
  const dead = el('div')
  const gaps = el('div')
  const gapsTitle = el('span', { class: 'muted' })

  const card = (/** @type {string} */ title, /** @type {string} */ kind, /** @type {Node[]} */ ...parts) =>
    el('section', { class: `card ${kind}` }, el('div', { class: 'head' }, el('h3', {}, title)), ...parts)
  const gapsCard = card('Gaps of the last 24 hours', 'gaps', gaps)
  gapsCard.firstElementChild?.append(gapsTitle)
  const root = el(
    'div',
    { class: 'ops' },
    el('h2', { class: 'sr' }, 'Operations'),
    card('State', 'health', health),
    el('div', { class: 'stack' }, card('Unread records, by role', 'lag', lag.node), source.node),
    el(
      'div',
      { class: 'stack' },
      card('From record to alert', 'latency', latency.node),
      gapsCard,
      card('Dead letters', 'dead', dead),
    ),
  )

  return {
    root,
    heading: 'Operations',
    items: () => [],
    async ask() {
      const { run } = app.route
      const { now } = app
      const from = now === null ? undefined : iso(now - DAY_MS)
      const [ready, lags, hops, letters, found] = await Promise.all([
        api.ready(),
        api.lag(run),
        orNull(api.latency(run)),
        orNull(api.deadLetters(run)),
        api.gaps({ run, from, limit: GAPS }),
        source.ask(),
      ])
      if (app.route.run !== run) return
      app.known.lag = lags.items
      lag.learn(run, lags.items)
      known = {
        ...{ run, ready, latency: hops, dead: letters?.items ?? [] },
        ...{ gaps: found.items, moreGaps: found.next !== null },
      }
    },
    draw() {
      drawHealth()
      if (known.run !== app.route.run) return
      lag.draw()
      latency.draw(known.latency)
      source.draw()
      drawGaps()
      drawDead()
    },
  }

  function drawHealth() {
    const { connection, live, now } = app
    const down = connection.downSince !== null
    const run = app.known.runs.find((each) => each.run === app.route.run)
    /** @type {[string, string, string][]} */
    const parts = [
      [
        'Server',
        down ? 'not answering' : known.ready === '' ? 'ready' : 'not ready',
        down ? connection.why : known.ready,
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
    el(
      'table',
      { class: 'padded' },
      el('thead', {}, el('tr', {}, ...columns.map((name) => el('th', { scope: 'col' }, name)))),
      el(
        'tbody',
        {},
        ...rows.map((cells) =>
          el(
            'tr',
            {},
            ...cells.map((cell, i) => el('td', { class: i === cells.length - 1 ? 'free' : 'fixed' }, cell)),
          ),
        ),
      ),
    ),
  )
