// @ts-check
/** What the source does: how far it has spoken, what it missed, what it asks for, and where that fails now. */
import { byId, el, setText } from './dom.js'
import { channelLabel, clock, integer, plain, short } from './format.js'

/** @typedef {import('./api.js').Source} Source */

/** From this share of gaps on, the source is said to miss much. */
const MUCH = 0.1
const ERROR_CAP = 200
/** Channels that are listed at first, and at most. */
export const CHANNELS = 20
export const ALL_CHANNELS = 5000

/** A share as a percentage; a little is not nothing. */
export function percent(/** @type {number | null} */ share) {
  if (share === null) return '–'
  return share > 0 && share < 0.0005 ? '< 0.1 %' : `${Number((share * 100).toFixed(1))} %`
}

const when = (/** @type {string | null} */ time) => (time === null ? '–' : short(Date.parse(time)))
const cell = (/** @type {string} */ text, kind = '') => el('td', kind ? { class: kind } : {}, text)

/** @type {Source | null} */
let drawn = null

/** Draws the badge, and behind it what is known; nothing of a run whose source has said nothing yet. */
export function drawSource(/** @type {Source | null} */ source) {
  const root = byId('source')
  root.hidden = !source || (source.measures.length === 0 && source.round === null)
  // What is drawn already is left alone: someone may be reading, or marking a name.
  if (!source || root.hidden || source === drawn) return
  drawn = source
  drawBadge(source)
  byId('source-measures').replaceChildren(
    ...source.measures.map(({ measure, decidedTo, gapRatio24h }) =>
      el('tr', {}, cell(measure), cell(when(decidedTo)), cell(percent(gapRatio24h), 'num')),
    ),
  )
  setText(byId('source-round'), aboutRound(source))
  drawChannels(source)
}

function drawBadge(/** @type {Source} */ { measures, failing, behind }) {
  const badge = byId('source-badge')
  const ratios = measures.flatMap(({ gapRatio24h: ratio }) => (ratio === null ? [] : [ratio]))
  const worst = ratios.length > 0 ? Math.max(...ratios) : null
  const gaps = worst === null ? 'Source' : `Gaps ${percent(worst)}`
  const parts = [
    gaps,
    failing > 0 && `${integer(failing)} failing`,
    behind > 0 && `${integer(behind)} behind`,
  ].filter((part) => part !== false)
  setText(badge, parts.join(' · '))
  badge.className = failing > 0 || behind > 0 || (worst ?? 0) >= MUCH ? 'behind' : ''
  badge.title =
    'Gaps: share of the followed time of the last 24 hours, by event time, that was not covered. ' +
    'Failing: channels whose last poll failed. ' +
    'Behind: channels of which posts are not decided for an hour, or replies or reactions for three.'
}

function aboutRound(/** @type {Source} */ { round }) {
  if (round === null) return ''
  const { at, requests, failed, next } = round
  const asked = `${integer(requests)} ${requests === 1 ? 'request' : 'requests'}, ${integer(failed)} failed`
  return `Last round of polls ${when(at)}: ${asked}.${next === null ? '' : ` Next from ${when(next)} on.`}`
}

function drawChannels(/** @type {Source} */ { channels, hour, followed }) {
  byId('source-channels-part').hidden = channels.length === 0
  const from = hour === null ? null : Date.parse(hour)
  const span = from === null ? '' : `, ${short(from)}–${clock(from + 3_600_000)}`
  setText(byId('source-hour'), `Requests by channel${span}`)
  setText(
    byId('source-count'),
    channels.length < followed
      ? `${channels.length} of ${integer(followed)}`
      : `${integer(followed)} followed`,
  )
  const all = byId('source-all')
  all.hidden = channels.length >= followed || channels.length >= ALL_CHANNELS
  setText(
    all,
    `Show ${followed > ALL_CHANNELS ? `the first ${integer(ALL_CHANNELS)}` : `all ${integer(followed)}`}`,
  )
  byId('source-channels').replaceChildren(...channels.flatMap(channelRows))
}

/** A row, and below it in words what is wrong, if anything is. */
function channelRows(/** @type {import('./api.js').Followed} */ followed) {
  const { channel, requests, failed, postsTo, repliesTo, reactionsTo, error, behind } = followed
  const wrongs = [
    error !== null && `Fails now: ${plain(error, ERROR_CAP)}`,
    behind.length > 0 && `Behind in ${listed(behind)}`,
  ].filter((wrong) => wrong !== false)
  const kind = error !== null ? 'source-failing' : wrongs.length > 0 ? 'source-behind' : ''
  return [
    el(
      'tr',
      kind ? { class: `${kind} source-wrong` } : {},
      // The front of a name that is too long is cut, for that is what names have in common: it runs to the left, and
      // only what is in `bdi` in its own direction.
      el('td', { class: 'source-name', title: plain(channel, 300) }, el('bdi', {}, channelLabel(channel))),
      cell(integer(requests), 'num'),
      cell(integer(failed), 'num'),
      cell(when(postsTo)),
      cell(when(repliesTo), 'source-wide'),
      cell(when(reactionsTo), 'source-wide'),
    ),
    ...(wrongs.length > 0
      ? [el('tr', { class: `source-why ${kind}` }, el('td', { colspan: 6 }, wrongs.join(' · ')))]
      : []),
  ]
}

/** `posts, replies and reactions`. */
const listed = (/** @type {string[]} */ words) =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
