// @ts-check
/** The alerts to triage: as filtered, in one order for the list and for going from one to the next. */
import { api } from './api.js'

/** @typedef {import('./types.ts').Alert} Alert */

/** The API's largest page. */
const PAGE = 500
const ENDED = 50
const RANK = { high: 0, medium: 1, low: 2 }

const descending = (/** @type {string} */ a, /** @type {string} */ b) => (a < b ? 1 : a > b ? -1 : 0)
const newest = (/** @type {Alert} */ a, /** @type {Alert} */ b) =>
  descending(a.openedAt, b.openedAt) || descending(b.id, a.id)
const openFirst = (/** @type {Alert} */ a, /** @type {Alert} */ b) => descending(b.state, a.state)
/** @type {Record<string, (a: Alert, b: Alert) => number>} */
const ORDERS = {
  newest: (a, b) => openFirst(a, b) || newest(a, b),
  worst: (a, b) => openFirst(a, b) || RANK[a.severity] - RANK[b.severity] || newest(a, b),
}

export function createQueue() {
  const filters = { type: '', state: '', order: 'newest', all: false }
  const nothing = () => ({
    answered: false,
    /** @type {Alert[]} */ alerts: [],
    /** @type {Alert[]} ended ones beyond the first page */ older: [],
    /** @type {string | null} */ cursor: null,
    beyondCap: 0,
  })
  const known = nothing()
  let key = ''
  /** Alerts that came while the page was open, and that nobody has looked at. @type {Set<string>} */
  const fresh = new Set()
  /** @type {Set<string>} */
  const seen = new Set()

  const query = (/** @type {string} */ run) => ({ run, type: filters.type, all: filters.all || undefined })

  return {
    filters,
    /** Read only. */
    known,
    fresh,
    /** @returns {Promise<Alert[]>} open ones that were not there before */
    async ask(/** @type {string} */ run) {
      const { state } = filters
      const asked = JSON.stringify([run, filters.type, state, filters.all])
      const [open, ended] = await Promise.all([
        state === 'resolved' ? null : api.alerts({ ...query(run), state: 'open', limit: PAGE }),
        state === 'open' ? null : api.alerts({ ...query(run), state: 'resolved', limit: ENDED }),
      ])
      const same = asked === key
      if (!same) Object.assign(known, nothing())
      if (!same || known.older.length === 0) known.cursor = ended?.next ?? null
      key = asked
      known.answered = true
      known.alerts = [...(open?.items ?? []), ...(ended?.items ?? [])]
      // Each answer tells how many were left out of all that match it.
      known.beyondCap = (open?.beyondCap ?? 0) + (ended?.beyondCap ?? 0)
      const news = (open?.items ?? []).filter(({ id }) => !seen.has(id))
      for (const { id } of known.alerts) seen.add(id)
      if (!same) return []
      for (const { id } of news) fresh.add(id)
      return news
    },
    async askOlder(/** @type {string} */ run) {
      const asked = key
      if (known.cursor === null) return
      const page = await api.alerts({
        ...query(run),
        state: 'resolved',
        limit: ENDED,
        cursor: known.cursor,
      })
      if (asked !== key) return
      known.older.push(...page.items)
      known.cursor = page.next
    },
    /** @returns {Alert[]} */
    list() {
      const there = new Set(known.alerts.map(({ id }) => id))
      return [...known.alerts, ...known.older.filter(({ id }) => !there.has(id))].sort(ORDERS[filters.order])
    },
    /** Where an alert stands in the list; for one that is filtered out, where it would. */
    place(/** @type {Alert} */ alert) {
      const list = this.list()
      const index = list.findIndex(({ id }) => id === alert.id)
      const before = list.findIndex((other) => ORDERS[filters.order](alert, other) < 0)
      const at = index >= 0 ? index : before < 0 ? list.length : before
      return {
        index,
        length: list.length,
        previous: list[at - 1] ?? null,
        next: list[index >= 0 ? at + 1 : at] ?? null,
      }
    },
    forget() {
      Object.assign(known, nothing())
      key = ''
      fresh.clear()
      seen.clear()
    },
  }
}
