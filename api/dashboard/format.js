// @ts-check
/** How numbers, times and strangers' texts are written. Everything is in UTC and says so. */

const pad = (/** @type {number} */ n) => String(n).padStart(2, '0')
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** ms since the epoch -> `14:05`. */
export const clock = (/** @type {number} */ ms) => {
  const d = new Date(ms)
  return `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}`
}
/** ms -> `14:05:10 UTC`: by the clock of this machine. */
export const second = (/** @type {number} */ ms) => `${clock(ms)}:${pad(new Date(ms).getUTCSeconds())} UTC`
/** ms -> `26 Jan`. */
export const day = (/** @type {number} */ ms) => {
  const d = new Date(ms)
  return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`
}
/** ms -> `26 Jan 14:05`, for dense places whose heading says UTC. */
export const short = (/** @type {number} */ ms) => `${day(ms)} ${clock(ms)}`
/** ms -> `2026-01-26 14:05 UTC`. */
export const full = (/** @type {number} */ ms) =>
  `${new Date(ms).toISOString().slice(0, 10)} ${clock(ms)} UTC`
/** From and to, in ms, in one format: the date is said twice only when it changes. */
export const period = (/** @type {number} */ from, /** @type {number} */ to) => {
  const [start, end] = [full(from), full(to)].map((text) => text.replace(' UTC', ''))
  const sameDay = start.slice(0, 10) === end.slice(0, 10)
  return `${start} to ${sameDay ? end.slice(11) : end} UTC`
}
/** ms -> `2026-01-26T14:05:00Z`, as the API takes it. */
export const iso = (/** @type {number} */ ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** A length of time in s -> `40 s`, `12 min`, `3 h`, `2 d`. */
export function duration(/** @type {number} */ seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86400)} d`
}

/** How long before `now` something was, both in ms: `12 min ago`, `now`; empty for what lies ahead of it. */
export function age(/** @type {number} */ at, /** @type {number | null} */ now) {
  if (now === null || at > now) return ''
  return now - at < 1000 ? 'now' : `${duration((now - at) / 1000)} ago`
}

const integers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const compacts = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
export const integer = (/** @type {number} */ n) => integers.format(n)
export const compact = (/** @type {number} */ n) => compacts.format(n)
/** `1 cast`, `2 casts`, `1 reply`: how many of what; `what` is a plural. */
export const counted = (/** @type {number} */ n, /** @type {string} */ what) =>
  `${integer(n)} ${n === 1 ? what.replace(/ies$/, 'y').replace(/s$/, '') : what}`

/** Below it two decimals are zeros. */
const ALMOST_NOTHING = 0.005

let allDigits = false
/** Whether numbers are written with all digits from now on, or as few as are worth reading. */
export const writeAllDigits = (/** @type {boolean} */ all) => {
  allDigits = all
}

/** To `digits` significant digits; `0.00` for almost nothing, no decimals behind thousands; an en dash for what is not known. */
export function number(/** @type {number | null | undefined} */ n, digits = 3) {
  if (n === null || n === undefined || !Number.isFinite(n)) return '–'
  if (allDigits) return String(n)
  if (n !== 0 && Math.abs(n) < ALMOST_NOTHING) return '0.00'
  return Math.abs(n) >= 1000 ? integer(n) : String(Number(n.toPrecision(digits)))
}
/** All digits, for titles; empty for what is not known. */
export const exact = (/** @type {number | null | undefined} */ n) => (n == null ? '' : String(n))
/** A score from 0 to 1. */
export const score = (/** @type {number | null | undefined} */ n) =>
  n === null || n === undefined ? '–' : allDigits ? String(n) : n.toFixed(2)
/** A p-value: never 0, since no finite null says that. */
export function pValue(/** @type {number | null | undefined} */ p) {
  if (p === null || p === undefined) return '–'
  if (allDigits) return String(p)
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

/** Controls and bidirectional overrides: they can make a text look like what it isn't. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const TRICKS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** A stranger's text, made safe to read: tricks become visible, at most `cap` code points. Shown by textContent only. */
export function plain(/** @type {string} */ text, /** @type {number} */ cap) {
  // A code point has at most 2 units: only so much of a long text needs to be looked at.
  const points = [...text.slice(0, 2 * cap + 2)]
  const cut = points.length > cap || text.length > 2 * cap + 2
  return (cut ? `${points.slice(0, cap).join('')}…` : text).replace(TRICKS, '\ufffd')
}

/** What most channels are called, and nothing else: letters that look alike, or are not seen, are other names. */
const NAMED = /^https:\/\/(?:warpcast\.com|farcaster\.xyz)\/~\/channel(\/[a-z0-9][a-z0-9-]*)$/
/** A host follows, by its look too. */
const HOSTED = /^https:\/\/(?=[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:[/?#:]|$))/i
const URL_LIKE = /^[a-z][a-z0-9+.-]*:\S/i

/**
 * How a channel is called where people read: `/memes` where its URL is of the usual form, else its URL, of which
 * `https://` goes without saying. What is no URL stands in quotes, and so passes for none of these.
 */
export function channelLabel(/** @type {string} */ id) {
  if (id === '*') return 'All channels'
  if (id === '_') return 'No channel'
  const [, name] = NAMED.exec(id) ?? []
  if (name !== undefined) return plain(name, LABEL_CAP)
  return URL_LIKE.test(id) ? plain(id.replace(HOSTED, ''), LABEL_CAP) : `"${plain(id, LABEL_CAP)}"`
}
const LABEL_CAP = 120

export const RESOLUTIONS = /** @type {const} */ ([300, 3600, 21600])
/** @type {Record<number, string>} */
export const RESOLUTION_LABEL = { 300: '5 min', 3600: '1 h', 21600: '6 h' }
/** @type {Record<string, string>} */
export const TYPE_LABEL = { 'early-warning': 'Early warning', onset: 'Onset', collapse: 'Collapse' }
/** Shapes tell severities apart where colours don't. @type {Record<string, string>} */
export const SEVERITY_MARK = { high: '▲', medium: '◆', low: '●' }
/** @type {Record<string, string>} */
export const DECISION_LABEL = {
  quiet: 'Quiet',
  opened: 'Alert opened',
  held: 'Alert held open',
  suppressed: 'Suppressed',
  masked: 'Not covered',
  insufficient: 'Not enough data',
}
/** From where on a score warns, as the detectors' words tell; null where they don't: not every preset scores. */
export function thresholdIn(/** @type {string} */ reason) {
  const told = /\bscore [\d.e-]+ \(threshold ([\d.]+)/.exec(reason)?.[1]
  return told === undefined ? null : Number(told)
}
/** The detectors' words, with scores as they are shown elsewhere. */
export const rounded = (/** @type {string} */ reason) =>
  reason.replace(/\bscore (\d+(?:\.\d+)?(?:e-\d+)?)/, (_, told) => `score ${score(Number(told))}`)
/** `casts` -> `Casts`. */
export const capital = (/** @type {string} */ word) => word.charAt(0).toUpperCase() + word.slice(1)
/** `casts:https://x` -> [measure, channel]. */
export const splitSeries = (/** @type {string} */ series) => {
  const colon = series.indexOf(':')
  return /** @type {[import('../../schemas/measures.js').Measure, string]} */ ([
    series.slice(0, colon),
    series.slice(colon + 1),
  ])
}
