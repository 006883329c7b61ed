// @ts-check
/** The channel picker: most active first, those with open alerts marked, narrowed by what is typed. */
import { byId, el, keyedList, setText } from './dom.js'
import { channelLabel, compact } from './format.js'

/** @typedef {{ id: string, total: number, openAlerts: number }} Entry */

/** As many as anyone scrolls through: the search reaches the others. */
const SHOWN = 200

/** @param {(channel: string) => void} onSelect */
export function createChannelList(onSelect) {
  const search = /** @type {HTMLInputElement} */ (byId('channel-search'))
  /** @type {Entry[]} */
  let entries = []
  /** @type {string | null} */
  let selected = null

  const list = keyedList(byId('channel-list'), {
    key: (/** @type {Entry} */ entry) => entry.id,
    signature: (entry) => `${compact(entry.total)} ${entry.openAlerts}`,
    select: (entry) => onSelect(entry.id),
    label: (entry) =>
      `${channelLabel(entry.id)}, ${compact(entry.total)} events` +
      (entry.openAlerts ? `, ${entry.openAlerts} open alerts` : ''),
    content: (entry) => [
      el('bdi', { class: 'channel', title: channelLabel(entry.id) }, channelLabel(entry.id)),
      ...(entry.openAlerts ? [el('span', { class: 'pill' }, `${entry.openAlerts} open`)] : []),
      el('span', { class: 'muted num', title: 'Events counted so far' }, compact(entry.total)),
    ],
  })

  function redraw() {
    const wanted = search.value.trim().toLowerCase()
    const found = entries.filter(
      ({ id }) => id.toLowerCase().includes(wanted) || channelLabel(id).toLowerCase().includes(wanted),
    )
    list.draw(found.slice(0, SHOWN), selected)
    setText(
      byId('channels-count'),
      found.length > SHOWN
        ? `first ${SHOWN} of ${found.length}`
        : wanted
          ? `${found.length} of ${entries.length}`
          : `${entries.length}`,
    )
  }
  search.addEventListener('input', redraw)
  search.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') {
      event.preventDefault()
      list.focus()
    } else if (event.key === 'Escape') {
      search.value = ''
      redraw()
    }
  })
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    search.focus()
  })

  return {
    /** @param {Entry[]} next most active first @param {string | null} current */
    draw(next, current) {
      entries = next
      selected = current
      redraw()
    },
  }
}

/**
 * Channels by their most active series; those of no listed series after them, newest first.
 * @param {import('./api.js').Channel[]} channels
 * @param {import('./api.js').Series[]} series
 * @returns {Entry[]}
 */
export function byActivity(channels, series) {
  /** @type {Map<string, number>} */
  const totals = new Map()
  for (const { channel, total } of series) totals.set(channel, Math.max(total, totals.get(channel) ?? 0))
  return channels
    .map(({ id, openAlerts, lastAt }) => ({ id, openAlerts, lastAt, total: totals.get(id) ?? 0 }))
    .sort(
      (a, b) =>
        b.total - a.total || (a.lastAt < b.lastAt ? 1 : a.lastAt > b.lastAt ? -1 : a.id < b.id ? -1 : 1),
    )
}
