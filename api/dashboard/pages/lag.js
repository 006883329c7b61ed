// @ts-check
/** What each role has not read yet, whether that grows, and when it will be done. */
import { el, keyedList, setClass, setText } from '../dom.js'
import { duration, integer, plain } from '../format.js'
import { createSparkline } from '../sparkline.js'

/** @typedef {import('../types.ts').Lag} Lag */
/** @typedef {{ key: string, role: string, topic: string, partitions: number, records: number, seconds: number }} Row */

/** Oldest unread record, in s: from here on a role is behind, and said to be. */
export const BEHIND_SECONDS = 10
/** So many samples are kept: two minutes of them, as the page asks. */
const SAMPLES = 60
/** A rate over less than this says nothing, s. */
const LEAST_SECONDS = 8

/** Of all partitions: unread records of the role with the most, since a record waits once; the age of the oldest in s. */
export function worst(/** @type {Lag[]} */ items) {
  const rows = byRole(items)
  return {
    records: Math.max(0, ...rows.map((row) => row.records)),
    seconds: Math.max(0, ...rows.map((row) => row.seconds)),
  }
}

/** `fcm.live.detect` -> `detect`. */
const last = (/** @type {string} */ name) => plain(name.split('.').at(-1) ?? name, 40)

/** @returns {Row[]} */
function byRole(/** @type {Lag[]} */ items) {
  /** @type {Map<string, Row>} */
  const rows = new Map()
  for (const { group, topic, records, seconds } of items) {
    const key = `${group} ${topic}`
    const none = { key, role: last(group), topic: last(topic), partitions: 0, records: 0, seconds: 0 }
    const row = rows.get(key) ?? none
    row.partitions++
    row.records += records
    row.seconds = Math.max(row.seconds, seconds)
    rows.set(key, row)
  }
  return [...rows.values()]
}

export function createLagTable() {
  const body = el('tbody')
  const columns = [
    ...[['Role'], ['Topic'], ['Records', 'num'], ['Oldest', 'num'], ['Trend']],
    ['Course', 'spark-cell'],
  ]
  const node = el(
    'table',
    { class: 'padded lag-table' },
    el(
      'thead',
      {},
      el('tr', {}, ...columns.map(([name, kind]) => el('th', { scope: 'col', class: kind }, name))),
    ),
    body,
  )
  let run = ''
  /** When the last sample was taken, ms. */
  let sampledAt = 0
  /** By role and topic. @type {Map<string, { at: number, records: number }[]>} */
  const samples = new Map()

  const list = keyedList(body, {
    key: (/** @type {Row} */ row) => row.key,
    make(row) {
      const [records, oldest, trend] = ['num', 'num', 'trend'].map((kind) => el('td', { class: kind }))
      const spark = createSparkline({ slots: SAMPLES, gaps: false, kind: 'lag' })
      const node = el(
        'tr',
        {},
        el('th', { scope: 'row' }, row.role),
        el('td', {}, row.topic),
        records,
        oldest,
        trend,
        el('td', { class: 'spark-cell' }, spark.node),
      )
      return {
        node,
        focus: node,
        update({ key, records: unread, seconds }) {
          const kept = samples.get(key) ?? []
          setText(records, integer(unread))
          setText(oldest, duration(seconds))
          setClass(node, seconds >= BEHIND_SECONDS ? 'behind' : '')
          setText(trend, trendOf(kept))
          const values = kept.map((sample) => sample.records)
          spark.draw(values, Math.max(10, ...values), null)
        },
      }
    },
  })
  return {
    node,
    /** @param {string} of the run @param {Lag[]} items @param {number} at when this was learned, ms */
    draw(of, items, at) {
      const rows = byRole(items)
      if (of !== run) samples.clear()
      run = of
      if (at !== sampledAt) {
        sampledAt = at
        for (const { key, records } of rows) {
          const kept = samples.get(key) ?? []
          kept.push({ at: at / 1000, records })
          samples.set(key, kept.slice(-SAMPLES))
        }
      }
      list.draw(rows)
    },
  }
}

/** In words: how fast it grows, or how soon it is done, over the last half minute or so. */
function trendOf(/** @type {{ at: number, records: number }[]} */ samples) {
  const now = samples.at(-1)
  if (!now) return ''
  const before = samples.at(-16) ?? samples[0]
  const seconds = now.at - before.at
  if (now.records === 0 && before.records === 0) return 'none'
  if (seconds < LEAST_SECONDS) return '…'
  const rate = (now.records - before.records) / seconds
  if (Math.abs(rate) < 0.5) return 'steady'
  if (rate > 0) return `grows by ${integer(Math.ceil(rate))}/s`
  return now.records === 0 ? 'done' : `done in ${duration(now.records / -rate)}`
}
