// @ts-check
/**
 * The alerts to triage: all that are open, whatever is listed, so that nobody overlooks one; and those that are listed, as
 * filtered, in one order for the list and for going from one to the next.
 */
import { api, Refused } from './api.js'
import { filtersOf, NO_FILTERS } from './route.js'

/** @typedef {import('./types.ts').Alert} Alert @typedef {import('./route.js').Filters} Filters */

/** The API's largest page. */
export const PAGE = 500
const ENDED = 50
const DAY_MS = 86_400_000
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

/** The filters that the API knows, as it knows them; the state apart. */
function queryOf(/** @type {Filters} */ { type, severity, channel, from, to, all }) {
  const end = to && `${new Date(Date.parse(to) + DAY_MS).toISOString().slice(0, 10)}T00:00:00Z`
  return { type, severity, channel, from: from && `${from}T00:00:00Z`, to: end, all }
}
const EVERYTHING = JSON.stringify(queryOf(NO_FILTERS))

/** @param {() => Filters} filters those of now */
export function createQueue(filters) {
  const nothing = () => ({
    /** @type {Alert[]} those that are open, whatever the filters */ open: [],
    /** Whether there are more of these than can be asked for at once. */ moreOpen: false,
    /** @type {Alert[]} as filtered */ alerts: [],
    /** Whether more open ones pass the filters. */ moreListed: false,
    /** @type {Alert[]} resolved ones beyond the first page */ older: [],
    /** @type {string | null} */ cursor: null,
    beyondCap: 0,
    /** Why these filters are refused; empty: they are not. */ refused: '',
  })
  const known = nothing()
  /** Of which run and filters `alerts` are. */
  let key = ''
  let knownRun = ''
  /** Alerts that came while the page was open, and that nobody has looked at. @type {Set<string>} */
  const fresh = new Set()
  /** @type {Set<string>} */
  const seen = new Set()
  const keyOf = (/** @type {string} */ run) =>
    JSON.stringify([run, filters().state, queryOf(filtersOf(filters()))])

  return {
    /** Read only. */
    known,
    fresh,
    /** Whether what is listed is as filtered now. */
    isAnswered: () => key !== '' && key === keyOf(knownRun),
    /** Whether the list leaves some out. */
    isFiltered: () => filters().state !== '' || JSON.stringify(queryOf(filters())) !== EVERYTHING,
    /** @returns {Promise<Alert[]>} open ones that were not there before */
    async ask(/** @type {string} */ run) {
      const { state } = filters()
      const query = queryOf(filters())
      const asked = keyOf(run)
      const all = JSON.stringify(query) === EVERYTHING
      let refused = ''
      /** Of a channel without series, say: those that are open are told of all the same. */
      const listed = (/** @type {Parameters<typeof api.alerts>[0]} */ question) =>
        api.alerts(question).catch((error) => {
          if (!(error instanceof Refused) || all) throw error
          refused = error.message
          return null
        })
      const [every, some, resolved] = await Promise.all([
        api.alerts({ run, state: 'open', limit: PAGE }),
        all || state === 'resolved' ? null : listed({ run, ...query, state: 'open', limit: PAGE }),
        state === 'open' ? null : listed({ run, ...query, state: 'resolved', limit: ENDED }),
      ])
      const open = state === 'resolved' ? null : all ? every : some
      if (asked !== keyOf(run)) return []
      const isSame = asked === key
      const isFirst = knownRun !== run
      if (!isSame) Object.assign(known, nothing())
      if (!isSame || known.older.length === 0) known.cursor = resolved?.next ?? null
      key = asked
      knownRun = run
      known.refused = refused
      known.open = every.items
      known.moreOpen = every.next !== null
      known.moreListed = (open?.next ?? null) !== null
      known.alerts = [...(open?.items ?? []), ...(resolved?.items ?? [])]
      // Each answer tells how many were left out of all that match it.
      known.beyondCap = (open?.beyondCap ?? 0) + (resolved?.beyondCap ?? 0)
      const news = every.items.filter(({ id }) => !seen.has(id))
      for (const { id } of every.items) seen.add(id)
      if (isFirst) return []
      for (const { id } of news) fresh.add(id)
      return news
    },
    async askOlder(/** @type {string} */ run) {
      const asked = key
      const { cursor } = known
      if (cursor === null) return
      const query = queryOf(filters())
      const page = await api.alerts({ run, ...query, state: 'resolved', limit: ENDED, cursor })
      if (asked !== key || known.cursor !== cursor) return
      known.older.push(...page.items)
      known.cursor = page.next
    },
    /** @returns {Alert[]} */
    list() {
      const there = new Set(known.alerts.map(({ id }) => id))
      const older = known.older.filter(({ id }) => !there.has(id))
      return [...known.alerts, ...older].sort(ORDERS[filters().order])
    },
    /** Where an alert stands in the list; for one that is filtered out, where it would. */
    place(/** @type {Alert} */ alert) {
      const list = this.list()
      const index = list.findIndex(({ id }) => id === alert.id)
      const before = list.findIndex((other) => ORDERS[filters().order](alert, other) < 0)
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
      knownRun = ''
      fresh.clear()
      seen.clear()
    },
  }
}
