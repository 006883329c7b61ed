// @ts-check
/** What the source does: how far it has spoken, what it missed, what it asks for, and where that fails now. */
import { api } from '../api.js'
import { el, redraw, setText } from '../dom.js'
import { clock, counted, integer, plain, short } from '../format.js'
import { createStale } from '../stale.js'
import { channelName } from '../words.js'

/** @typedef {import('../types.ts').Source} Source */

/** From this share of gaps on, the source is said to miss much. */
const MUCH = 0.1
const ERROR_CAP = 200
/** Channels that are listed at first, and at most. */
const CHANNELS = 20
const ALL_CHANNELS = 5000

/** A share as a percentage; a little is not nothing. */
export function percent(/** @type {number | null} */ share) {
  if (share === null) return '–'
  return share > 0 && share < 0.0005 ? '< 0.1 %' : `${Number((share * 100).toFixed(1))} %`
}

/** What it comes to in a few words, and whether it is bad; null where a source has said nothing yet. */
export function inShort(/** @type {Source | null} */ source) {
  if (!source || (source.measures.length === 0 && source.round === null)) return null
  const { measures, failing, behind } = source
  const ratios = measures.flatMap(({ gapRatio24h: ratio }) => (ratio === null ? [] : [ratio]))
  const most = ratios.length > 0 ? Math.max(...ratios) : null
  const parts = [
    most === null ? 'Source' : `Gaps ${percent(most)}`,
    failing > 0 && `${integer(failing)} failing`,
    behind > 0 && `${integer(behind)} behind`,
  ].filter((part) => part !== false)
  return { text: parts.join(' · '), bad: failing > 0 || behind > 0 || (most ?? 0) >= MUCH }
}

const when = (/** @type {string | null} */ time) => (time === null ? '–' : short(Date.parse(time)))
const cell = (/** @type {string} */ text, kind = '') => el('td', kind ? { class: kind } : {}, text)

/** @param {import('../app.js').App} app */
export function createSource(app) {
  /** @type {Source | null} */
  let source = null
  let limit = CHANNELS
  const question = app.question('what the source does', async () => {
    const { run } = app.route
    const found = await api.source(run, limit)
    if (app.route.run === run) source = found
  })
  const stale = createStale()
  const measures = el('tbody')
  const round = el('p', { class: 'none' })
  const title = el('h4')
  const count = el('span', { class: 'muted' })
  const channels = el('tbody', { id: 'source-channels' })
  const all = el('button', { type: 'button', class: 'button', hidden: true })
  all.addEventListener('click', () => {
    limit = ALL_CHANNELS
    question.ask()
  })
  const head = (/** @type {string[][]} */ columns) =>
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        ...columns.map(([name, kind = '']) => el('th', { scope: 'col', class: kind || null }, name)),
      ),
    )
  const followed = el(
    'div',
    {},
    el('div', { class: 'head' }, title, count),
    el(
      'table',
      { class: 'padded source-table' },
      head([
        ['Channel'],
        ['Requests', 'num'],
        ['Failed', 'num'],
        ['Posts to'],
        ['Replies to', 'wide'],
        ['Reactions to', 'wide'],
      ]),
      channels,
    ),
    all,
  )
  const table = el(
    'table',
    { class: 'padded' },
    head([['Measure'], ['Decided to (UTC)'], ['Gaps, 24 h', 'num']]),
    measures,
  )
  const node = el(
    'section',
    { class: 'card source' },
    el(
      'div',
      { class: 'head' },
      el('h3', {}, 'Source: how far it has spoken, and what it missed of channels that it follows'),
    ),
    stale.node,
    table,
    round,
    followed,
  )

  return {
    node,
    question,
    /** Nothing of a run whose source has said nothing. */
    draw() {
      stale.draw(question, true)
      if (source?.run !== app.route.run) source = null
      const isMissing = question.why !== '' || question.refused !== ''
      node.hidden = inShort(source) === null && !isMissing
      for (const part of [table, round, followed]) part.hidden = source === null
      if (!source || node.hidden) return
      const { measures: found, channels: listed, followed: many, hour } = source
      redraw(measures, JSON.stringify(found), () =>
        found.map(({ measure, decidedTo, gapRatio24h: ratio }) =>
          el(
            'tr',
            { class: (ratio ?? 0) >= MUCH ? 'behind' : '' },
            cell(measure),
            cell(when(decidedTo)),
            cell(percent(ratio), 'num'),
          ),
        ),
      )
      setText(round, aboutRound(source))
      round.hidden = source.round === null
      followed.hidden = listed.length === 0
      const from = hour === null ? null : Date.parse(hour)
      setText(
        title,
        `Requests by channel${from === null ? '' : `, ${short(from)}–${clock(from + 3_600_000)}`}`,
      )
      setText(
        count,
        listed.length < many ? `${listed.length} of ${integer(many)}` : `${integer(many)} followed`,
      )
      all.hidden = listed.length >= many || listed.length >= ALL_CHANNELS
      setText(
        all,
        `Show ${many > ALL_CHANNELS ? `the first ${integer(ALL_CHANNELS)}` : `all ${integer(many)}`}`,
      )
      redraw(channels, JSON.stringify(listed), () => listed.flatMap((each) => channelRows(app, each)))
    },
  }
}

function aboutRound(/** @type {Source} */ { round }) {
  if (round === null) return ''
  const { at, requests, failed, next } = round
  const asked = `${counted(requests, 'requests')}, ${integer(failed)} failed`
  return `Last round of polls ${when(at)}: ${asked}.${next === null ? '' : ` Next from ${when(next)} on.`}`
}

/** A row, and below it in words what is wrong, if anything is. */
function channelRows(
  /** @type {import('../app.js').App} */ app,
  /** @type {import('../types.ts').Followed} */ { channel, requests, failed, error, behind, ...to },
) {
  const wrongs = [
    error !== null && `Fails now: ${plain(error, ERROR_CAP)}`,
    behind.length > 0 && `Behind in ${listed(behind)}`,
  ].filter((wrong) => wrong !== false)
  const kind = error !== null ? 'failing' : wrongs.length > 0 ? 'behind' : ''
  return [
    el(
      'tr',
      kind ? { class: `${kind} wrong` } : {},
      el(
        'td',
        { class: 'source-name' },
        el('a', { href: app.link({ page: 'channel', id: channel }) }, channelName(channel)),
      ),
      cell(integer(requests), 'num'),
      cell(integer(failed), 'num'),
      cell(when(to.postsTo)),
      cell(when(to.repliesTo), 'wide'),
      cell(when(to.reactionsTo), 'wide'),
    ),
    ...(wrongs.length > 0
      ? [el('tr', { class: `source-why ${kind}` }, el('td', { colspan: 6 }, wrongs.join(' · ')))]
      : []),
  ]
}

/** `posts, replies and reactions`. */
export const listed = (/** @type {string[]} */ words) =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
