// @ts-check
/** How an alert is named, and how its severity and state are marked, wherever it is shown. */
import { el } from './dom.js'
import {
  capital,
  channelLabel,
  clock,
  duration,
  full,
  plain,
  RESOLUTION_LABEL,
  SEVERITY_MARK,
  short,
  TYPE_LABEL,
} from './format.js'

/** @typedef {import('./types.ts').Alert} Alert */

/** From here on it is said that the newest is not decided, ms: posts close within 10 minutes. */
const LATE_MS = 15 * 60_000
/**
 * Why there is nothing at the right edge of what is shown up to now; empty where there is.
 * @param {string} measure @param {number | null} end of the newest bin that is decided, ms @param {number} now event time, ms
 */
export function undecided(measure, end, now) {
  if (end === null || now - end < LATE_MS) return ''
  const why =
    measure === 'posts'
      ? ''
      : ` ${capital(measure === 'reactions' ? measure : 'replies')} are learned by asking again for each cast, so their bins are decided over an hour late.`
  return `${capital(measure)} are decided up to ${clock(end)} UTC, ${duration((now - end) / 1000)} before the newest bin.${why}`
}

export const typeLabel = (/** @type {string} */ type) => TYPE_LABEL[type] ?? plain(type, 40)
export const resolutionLabel = (/** @type {number} */ resolution) =>
  RESOLUTION_LABEL[resolution] ?? `${resolution} s`

export const severity = (/** @type {string} */ level) =>
  el(
    'span',
    { class: `severity ${level}`, title: `Severity: ${level} (● low, ◆ medium, ▲ high)` },
    el('span', { 'aria-hidden': 'true' }, SEVERITY_MARK[level] ?? ''),
    ` ${level}`,
  )
export const state = (/** @type {Alert} */ alert) => el('span', { class: `tag ${alert.state}` }, alert.state)
/** Beyond what a day's cap lets through, an alert is kept and shown, but sent to nobody. */
export const unlisted = (/** @type {Alert} */ alert) =>
  alert.listed === false &&
  el('span', { class: 'tag', title: 'Left out by the daily cap of this deployment' }, 'beyond cap')
export const when = (/** @type {string} */ time) =>
  el('time', { datetime: time, title: full(Date.parse(time)) }, short(Date.parse(time)))
/** Cut at its end where it is too long; whole in its title. */
export const channelName = (/** @type {string} */ id) =>
  el('span', { class: 'name', title: plain(id, 300) }, el('bdi', {}, channelLabel(id)))
/** The whole of what a name like `/memes` stands for; empty for other names. */
export const wholeUrl = (/** @type {string} */ id) => (channelLabel(id).startsWith('/') ? plain(id, 300) : '')
