// @ts-check
/** Whether what is shown can be believed: how fresh it is, how far the pipeline lags, and whether the server is there. */
import { byId, el, setText } from './dom.js'
import { clock, duration, full, integer, plain } from './format.js'

/** @typedef {import('./api.js').Lag} Lag */

/** Oldest unread record, in s: from here on the pipeline is behind, and said to be. */
const BEHIND_SECONDS = 10
/** From here on it is catching up, and what is shown is history. */
const CATCHING_UP_SECONDS = 60
/** Event time moves at least with every 5-minute bin; when it has not for this long, something upstream stands still. */
const STALE_MS = 15 * 60_000

/**
 * Of all partitions: unread records, and the age of the oldest in s.
 * A record waits once, so the stage with the most says how much is left.
 * @param {Lag[]} items
 */
export function worst(items) {
  /** @type {Map<string, number>} */
  const records = new Map()
  for (const lag of items) records.set(lag.group, (records.get(lag.group) ?? 0) + lag.records)
  return {
    records: Math.max(0, ...records.values()),
    seconds: Math.max(0, ...items.map((lag) => lag.seconds)),
  }
}

export function createStatus() {
  const dot = /** @type {HTMLElement} */ (document.querySelector('.freshness .dot'))
  const badge = byId('lag-badge')

  return {
    /**
     * @param {{ eventTime: number | null, movedAt: number, now: number, downSince: number | null, why: string,
     *   lag: Lag[], historic: boolean }} facts  times in ms; `movedAt`, `now`, `downSince` by this machine's clock;
     *   `historic`: a run that is not expected to go on
     */
    draw({ eventTime, movedAt, now, downSince, why, lag, historic }) {
      const { records, seconds } = worst(lag)
      const behind = seconds >= BEHIND_SECONDS
      const stale = !historic && now - movedAt >= STALE_MS
      const reached = eventTime === null ? 'No data yet' : `Event time ${full(eventTime)}`
      setText(
        byId('freshness-text'),
        eventTime === null || historic
          ? reached
          : `${reached}, ${downSince ? 'frozen' : `${duration((now - movedAt) / 1000)} ago`}`,
      )
      dot.className = `dot ${downSince ? 'down' : behind || stale || eventTime === null ? 'behind' : 'fresh'}`
      setText(badge, `Lag ${duration(seconds)}${records ? ` · ${integer(records)}` : ''}`)
      badge.className = behind ? 'behind' : ''
      badge.title = `${integer(records)} records unread, the oldest ${duration(seconds)} old`
      drawRows(lag)

      const notice = byId('notice')
      const text = downSince
        ? `Frozen since ${clock(downSince)}:${String(new Date(downSince).getUTCSeconds()).padStart(2, '0')} UTC: the server does not answer (${plain(why, 160)}). ` +
          'What is shown is what was last known; trying again every 2 s.'
        : seconds >= CATCHING_UP_SECONDS && eventTime !== null
          ? `Catching up: event time ${full(eventTime)} reached, ${integer(records)} records to go.`
          : stale && eventTime !== null
            ? `Event time has not moved for ${duration((now - movedAt) / 1000)}: the source sends nothing, or can't prove what it covers.`
            : ''
      notice.className = `notice ${downSince ? 'down' : 'behind'}`
      notice.hidden = text === ''
      setText(notice, text)
    },
  }
}

function drawRows(/** @type {Lag[]} */ lag) {
  /** @type {Map<string, { stage: string, topic: string, records: number, seconds: number }>} */
  const rows = new Map()
  for (const { group, topic, records, seconds } of lag) {
    const key = `${group} ${topic}`
    const row = rows.get(key) ?? { stage: last(group), topic: last(topic), records: 0, seconds: 0 }
    rows.set(key, { ...row, records: row.records + records, seconds: Math.max(row.seconds, seconds) })
  }
  byId('lag-rows').replaceChildren(
    ...[...rows.values()].map((row) =>
      el(
        'tr',
        {},
        el('td', {}, row.stage),
        el('td', {}, row.topic),
        el('td', { class: 'num' }, integer(row.records)),
        el('td', { class: 'num' }, duration(row.seconds)),
      ),
    ),
  )
}

/** `fcm.live.detect` -> `detect`. */
const last = (/** @type {string} */ name) => plain(name.split('.').at(-1) ?? name, 40)
