// @ts-check
/**
 * What an alert is about: a series, a channel, a cluster of accounts, a community, or what this page has no words for,
 * which it then shows as it is called.
 */
import { el } from '../dom.js'
import { counted, integer, plain, splitSeries } from '../format.js'
import { resolutionLabel } from '../words.js'

/** @typedef {import('../types.ts').Alert} Alert */
/** @typedef {{ type: string, id?: string, accounts?: number[], size?: number }} Subject  `accounts`: some of its `size` */
/** The bin that opened an alert. `start`: ms. @typedef {{ series: string, measure: import('../../../schemas/measures.js').Measure, channel: string, resolution: number, start: number }} Bin */

/** @returns {Subject} */
export const subjectOf = (/** @type {Alert & { subject?: Subject }} */ { subject }) =>
  subject ?? { type: 'series' }

/** Null for an alert that is about no series. @returns {Bin | null} */
export function binOf(/** @type {Alert} */ alert) {
  const { series, resolution, start } = alert
  if (subjectOf(alert).type !== 'series' || !series || !resolution || !start) return null
  const [measure, channel] = splitSeries(series)
  return { series, measure, channel, resolution, start: Date.parse(start) }
}

/** What opened it, in a few words. */
export function opener(/** @type {Alert} */ alert) {
  const bin = binOf(alert)
  if (bin) return `${plain(bin.measure, 40)} per ${resolutionLabel(bin.resolution)}`
  const { type, size, id } = subjectOf(alert)
  if (type === 'cluster' && size !== undefined) return `a cluster of ${counted(size, 'accounts')}`
  if (type === 'community' && size !== undefined) return `a community of ${counted(size, 'accounts')}`
  if (type === 'channel') return 'the channel as a whole'
  return id === undefined ? plain(type, 40) : `${plain(type, 40)} ${plain(id, 80)}`
}

/** Who is in it, where the alert tells; null where it doesn't. */
export function members(/** @type {Alert} */ alert) {
  const { accounts = [], size = accounts.length, id } = subjectOf(alert)
  if (accounts.length === 0) return null
  const more = size > accounts.length ? ` and ${integer(size - accounts.length)} more` : ''
  return [
    el(
      'div',
      { class: 'head' },
      el('h3', { id: 'members-heading' }, 'Accounts'),
      el('span', { class: 'muted' }, id === undefined ? '' : plain(id, 80)),
    ),
    el('p', { class: 'members' }, `fid ${accounts.map((fid) => plain(String(fid), 20)).join(', ')}${more}`),
  ]
}
