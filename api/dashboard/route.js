// @ts-check
/** What is looked at, all of it in the URL's hash, so that a link shows another person the same. */
import { ruleOf, SHOWN } from '../../schemas/measures.js'
import { capital, RESOLUTIONS } from './format.js'

/** Lengths of the time shown, in bins, by resolution: short, medium, long. At most one page of the API. */
const BINS = { 300: [72, 144, 432], 3600: [48, 168, 480], 21600: [56, 160, 480] }
export const RANGES = /** @type {const} */ (['short', 'medium', 'long'])
const PAGES = /** @type {const} */ (['overview', 'channel', 'alert', 'ops'])

/**
 * `id`: of the channel or the alert; null where there is none. `at`: the selected moment; `end`: where the time shown
 * ends, null while it follows the newest; both ms.
 * @typedef {typeof PAGES[number]} PageName
 * @typedef {import('../../schemas/measures.js').Measure} Measure
 * @typedef {{ measure: Measure, resolution: number, range: typeof RANGES[number], at: number | null,
 *   end: number | null }} Window
 * @typedef {typeof NO_FILTERS} Filters  which alerts are listed, and which channels (`q`: what their names have in them);
 *   `from` and `to`: the first and the last day of their opening, such as `2026-01-26`; empty: any
 * @typedef {Window & Filters & { page: PageName, id: string | null, run: string }} Route
 */

const time = (/** @type {string | null} */ text) => {
  const ms = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

/** @type {Window} */
const WINDOW = { measure: 'casts', resolution: 300, range: 'long', at: null, end: null }
export const NO_FILTERS = {
  ...{ type: '', severity: '', state: '', channel: '', from: '', to: '' },
  /** Also those beyond the daily cap: `true`, or empty. */ all: '',
  order: 'newest',
  q: '',
}
const FILTERS = /** @type {(keyof typeof NO_FILTERS)[]} */ (Object.keys(NO_FILTERS))
export const OVERVIEW = /** @type {Route} */ ({
  ...{ page: 'overview', id: null, run: 'live' },
  ...WINDOW,
  ...NO_FILTERS,
})

const DAY = /^\d{4}-\d\d-\d\d$/
/** What may stand there, of what has not all the same form. @type {Partial<Record<keyof Filters, RegExp>>} */
const FORMS = {
  ...{ type: /^[a-z-]{1,40}$/, severity: /^(low|medium|high)$/, state: /^(open|resolved)$/ },
  ...{ from: DAY, to: DAY, all: /^true$/, order: /^(newest|worst)$/ },
}
/** @returns {Filters} */
export const filtersOf = (/** @type {Filters} */ of) =>
  /** @type {Filters} */ (Object.fromEntries(FILTERS.map((name) => [name, of[name]])))
const isAllowed = (/** @type {keyof Filters} */ name, /** @type {string | null} */ value) =>
  value !== null &&
  (FORMS[name]?.test(value) ?? true) &&
  (FORMS[name] !== DAY || !Number.isNaN(Date.parse(value)))

/** Whether it is of a page that lists alerts, or goes from one to the next. */
export const lists = (/** @type {Pick<Route, 'page'>} */ { page }) => page === 'overview' || page === 'alert'
/** Whether a hash says which run it is of. */
export const namesRun = (/** @type {string} */ hash) =>
  new URLSearchParams(hash.split('?', 2)[1] ?? '').has('run')

/** The route that a hash means; what is missing or malformed in it falls back to the default. @returns {Route} */
export function parseHash(/** @type {string} */ hash) {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [first, ...rest] = path.split('/')
  const fields = new URLSearchParams(search)
  let id = ''
  try {
    id = decodeURIComponent(rest.join('/'))
  } catch {}
  const page = PAGES.find((name) => name === first) ?? 'overview'
  const named = page === 'channel' || page === 'alert'
  const resolution = Number(fields.get('resolution'))
  return fit({
    page: named && id === '' ? 'overview' : page,
    id: named && id !== '' ? id : null,
    run: fields.get('run') || 'live',
    measure: SHOWN.find((m) => m === fields.get('measure')) ?? WINDOW.measure,
    resolution: RESOLUTIONS.find((r) => r === resolution) ?? WINDOW.resolution,
    range: RANGES.find((r) => r === fields.get('range')) ?? WINDOW.range,
    at: time(fields.get('at')),
    end: time(fields.get('end')),
    ...filtersIn(fields),
  })
}

/** @returns {Filters} */
const filtersIn = (/** @type {URLSearchParams} */ fields) =>
  /** @type {Filters} */ (
    Object.fromEntries(
      FILTERS.map((name) => {
        const value = fields.get(name)
        return [name, isAllowed(name, value) ? value : NO_FILTERS[name]]
      }),
    )
  )

export function formatHash(/** @type {Route} */ route) {
  const stamp = (/** @type {number | null} */ ms) => ms && `${new Date(ms).toISOString().slice(0, 19)}Z`
  const { page, id, run, ...rest } = route
  const listed = lists(route) ? filtersOf(route) : NO_FILTERS
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries({
    ...{ run, ...rest, ...listed },
    ...{ at: stamp(rest.at), end: stamp(rest.end) },
  })) {
    const usual = /** @type {Record<string, unknown>} */ (OVERVIEW)[name]
    if (value !== null && value !== usual) fields.set(name, String(value))
  }
  const path = page === 'overview' ? '' : id === null ? page : `${page}/${encodeURIComponent(id)}`
  return `#/${path}${fields.size > 0 ? `?${fields}` : ''}`
}

/** What there is; `why` there is no more, empty where all is. */
export const allowed = (/** @type {Pick<Route, 'id' | 'measure'>} */ { id, measure }) => ({
  measure: (/** @type {Measure} */ m) => id !== '*' || !ruleOf(m).distinct,
  resolution: (/** @type {number} */ r) => r === 300 || !ruleOf(measure).distinct,
  why:
    id === '*'
      ? "Participants are distinct authors: they can't be added up over channels."
      : ruleOf(measure).distinct
        ? `${capital(measure)} are distinct authors: they can't be added up over bins.`
        : '',
})

/** The nearest route that there can be. @returns {Route} */
export function fit(/** @type {Route} */ route) {
  const measure = allowed(route).measure(route.measure) ? route.measure : 'casts'
  const fitted = { ...route, measure }
  return allowed(fitted).resolution(route.resolution) ? fitted : { ...fitted, resolution: 300 }
}

/** How much time is shown, in ms. */
export function span(/** @type {Pick<Window, 'resolution' | 'range'>} */ { resolution, range }) {
  const bins = BINS[/** @type {300} */ (resolution)][RANGES.indexOf(range)]
  return resolution * 1000 * bins
}
/** `6 h`, `36 h`, `20 d`: how a range of this resolution is called. */
export function rangeLabel(/** @type {number} */ resolution, /** @type {typeof RANGES[number]} */ range) {
  const hours = span({ resolution, range }) / 3_600_000
  return hours <= 48 ? `${hours} h` : `${hours / 24} d`
}
