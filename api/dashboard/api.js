// @ts-check
/** The query API, as the page uses it. */
/** @import * as T from './types.ts' */

const TIMEOUT_MS = 8000

/** It can't be had at present, for want of an answer or of what the server needs for it: what is shown stays. */
export class Unreachable extends Error {}
/** The server answered that this can't be had; `message` says why. */
export class Refused extends Error {}

/**
 * Whether the server answers at all, by this machine's clock in ms. It is gone when nothing was answered since a question
 * that failed was put: what is slow alone, or can't be had alone, is no reason to doubt the rest.
 */
export const contact = {
  answeredAt: Date.now(),
  /** The last answer before it went away. @type {number | null} */ downSince: null,
  why: '',
}

/** @param {string} path @returns {Promise<{ status: number, body: any }>} `body`: null where it is not JSON */
async function ask(path) {
  const began = Date.now()
  try {
    const headers = { accept: 'application/json' }
    const response = await fetch(path, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
    Object.assign(contact, { answeredAt: Date.now(), downSince: null })
    return { status: response.status, body: await response.json().catch(() => null) }
  } catch (error) {
    const slow = error instanceof DOMException && error.name === 'TimeoutError'
    const why = slow ? `no answer within ${TIMEOUT_MS / 1000} s` : 'no connection'
    if (contact.answeredAt < began) {
      contact.downSince ??= contact.answeredAt
      contact.why = why
    }
    throw new Unreachable(why)
  }
}

/**
 * @template T
 * @param {string} path
 * @param {Query} [query]
 * @returns {Promise<T>}
 */
async function get(path, query = {}) {
  const search = searchOf(query)
  const { status, body } = await ask(search ? `${path}?${search}` : path)
  const ok = status >= 200 && status < 300
  if (ok && body !== null) return body
  const told = body?.detail ?? body?.title ?? `HTTP status ${status}`
  // The page does, by itself.
  const why = String(told).replace(/\.?( Try again (in \d+ s|later)\.)?$/, '')
  // Also who asks too much may ask again.
  if (status >= 500 || status === 429 || ok) throw new Unreachable(why)
  throw new Refused(told)
}

/** The answer, or null where the server refuses one. @template T @param {Promise<T>} answer @returns {Promise<T | null>} */
export const orNull = (answer) =>
  answer.catch((error) => {
    if (error instanceof Refused) return null
    throw error
  })

function searchOf(/** @type {Query} */ query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
}
/** Where all rows of `what` can be downloaded, for people: most open them in a spreadsheet. @param {'alerts' | 'signals' | 'counts'} what @param {Query} query */
export const exportLink = (what, query) => `/v1/export/${what}?${searchOf({ ...query, safe: 'spreadsheet' })}`

/** @template T @typedef {{ items: T[], next: string | null }} Page */
/** @typedef {Record<string, string | number | boolean | undefined>} Query */

const series = (/** @type {string} */ id) => `/v1/series/${encodeURIComponent(id)}`

export const api = {
  /** @returns {Promise<T.About>} */
  about: () => get('/v1/about'),
  /** @param {Query} query @returns {Promise<T.Overview>} most at risk first */
  overview: (query) => get('/v1/overview', query),
  /** @param {Query} query @returns {Promise<Page<T.Alert> & { beyondCap: number }>} newest first */
  alerts: (query) => get('/v1/alerts', query),
  /** @param {string} id @returns {Promise<T.AlertDetail>} */
  alert: (id) => get(`/v1/alerts/${encodeURIComponent(id)}`),
  /** @param {Query} query @returns {Promise<Page<T.Series>>} most total first */
  series: (query) => get('/v1/series', query),
  /** @param {string} id @param {Query} query @returns {Promise<Page<T.Count>>} ascending */
  counts: (id, query) => get(`${series(id)}/counts`, query),
  /** @param {string} id @param {Query} query @returns {Promise<Page<T.Signal>>} ascending */
  signals: (id, query) => get(`${series(id)}/signals`, query),
  /** @param {string} channel @param {Query} query @returns {Promise<Page<T.Cast>>} newest first */
  casts: (channel, query) => get(`/v1/channels/${encodeURIComponent(channel)}/casts`, query),
  /** @returns {Promise<{ items: T.Run[] }>} */
  runs: () => get('/v1/runs'),
  /** @param {Query} query @returns {Promise<Page<T.Gap>>} earliest first */
  gaps: (query) => get('/v1/gaps', query),
  /** @param {string} run @param {number} limit @returns {Promise<T.Source>} with so many channels */
  source: (run, limit) => get('/v1/ops/source', { run, limit }),
  /** @param {string} run @returns {Promise<{ items: T.Lag[] }>} */
  lag: (run) => get('/v1/ops/lag', { run }),
  /** @param {string} run @returns {Promise<T.Latency>} */
  latency: (run) => get('/v1/ops/latency', { run }),
  /** @param {string} run @returns {Promise<{ items: T.DeadLetter[] }>} */
  deadLetters: (run) => get('/v1/ops/dead-letters', { run }),
  /** What has failed in the server for good, in words; empty while it is ready. @returns {Promise<string>} */
  async ready() {
    const { status, body } = await ask('/readyz')
    return status === 503 ? (body?.detail ?? 'The server is not ready.') : ''
  },
}
