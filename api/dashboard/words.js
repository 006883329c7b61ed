// @ts-check
/** How an alert is named, and how its severity and state are marked, wherever it is shown. */
import { el } from './dom.js'
import {
  channelLabel,
  full,
  plain,
  RESOLUTION_LABEL,
  SEVERITY_MARK,
  short,
  splitSeries,
  TYPE_LABEL,
} from './format.js'

/** @typedef {import('./types.ts').Alert} Alert */

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
export const opener = (/** @type {Alert} */ { series, resolution }) =>
  `${plain(splitSeries(series)[0], 40)} per ${resolutionLabel(resolution)}`
export const when = (/** @type {string} */ time) =>
  el('time', { datetime: time, title: full(Date.parse(time)) }, short(Date.parse(time)))
/** Cut at its end where it is too long; whole in its title. */
export const channelName = (/** @type {string} */ id) =>
  el('span', { class: 'name', title: plain(id, 300) }, el('bdi', {}, channelLabel(id)))
/** The whole of what a name like `/memes` stands for; empty for other names. */
export const wholeUrl = (/** @type {string} */ id) => (channelLabel(id).startsWith('/') ? plain(id, 300) : '')
