// @ts-check
/** What the source does: how far it has spoken, what it missed, what it asks for, and where that fails now. */
import { byId, el, setText } from './dom.js'
import { channelLabel, clock, integer, plain, short } from './format.js'

/** @typedef {import('./api.js').Source} Source */

/** From this share of gaps on, the source is said to miss much. */
const MUCH = 0.1
const ERROR_CAP = 200
/** Channels that are listed. */
export const CHANNELS = 20

/** A share as a percentage; a little is not nothing. */
export function percent(/** @type {number | null} */ share) {
  if (share === null) return '–'
  return share > 0 && share < 0.0005 ? '< 0.1 %' : `${Number((share * 100).toFixed(1))} %`
}

const when = (/** @type {string | null} */ time) => (time === null ? '–' : short(Date.parse(time)))
const cell = (/** @type {string} */ text, kind = '') => el('td', kind ? { class: kind } : {}, text)

/** Draws the badge, and behind it what is known; nothing of a run whose source has said nothing yet. */
export function drawSource(/** @type {Source | null} */ source) {
  const root = byId('source')
  root.hidden = !source || (source.measures.length === 0 && source.round === null)
  if (!source || root.hidden) return
  drawBadge(source)
  byId('source-measures').replaceChildren(
    ...source.measures.map(({ measure, decidedTo, gapRatio24h }) =>
      el('tr', {}, cell(measure), cell(when(decidedTo)), cell(percent(gapRatio24h), 'num')),
    ),
  )
  setText(byId('source-round'), aboutRound(source))
  drawChannels(source)
}

function drawBadge(/** @type {Source} */ { measures, failing }) {
  const badge = byId('source-badge')
  const ratios = measures.flatMap(({ gapRatio24h: ratio }) => (ratio === null ? [] : [ratio]))
  const worst = ratios.length > 0 ? Math.max(...ratios) : null
  const gaps = worst === null ? 'Source' : `Gaps ${percent(worst)}`
  setText(badge, failing > 0 ? `${gaps} · ${integer(failing)} failing` : gaps)
  badge.className = failing > 0 || (worst ?? 0) >= MUCH ? 'behind' : ''
  badge.title = 'Share of the followed time of the last 24 hours, by event time, that was not covered'
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
  byId('source-channels').replaceChildren(
    ...channels
      .flatMap(({ channel, requests, failed, postsTo, repliesTo, error }) => [
        el(
          'tr',
          error === null ? {} : { class: 'source-failing' },
          el('td', { class: 'source-name', title: plain(channel, 300) }, channelLabel(channel)),
          cell(integer(requests), 'num'),
          cell(integer(failed), 'num'),
          cell(when(postsTo)),
          cell(when(repliesTo), 'source-wide'),
        ),
        error === null
          ? null
          : el(
              'tr',
              { class: 'source-why' },
              el('td', { colspan: 5 }, `Fails now: ${plain(error, ERROR_CAP)}`),
            ),
      ])
      .filter((row) => row !== null),
  )
}
