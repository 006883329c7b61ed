// @ts-check
/**
 * The query API, as the page uses it.
 * @typedef {'early-warning' | 'onset' | 'collapse'} AlertType
 * @typedef {{ id: string, run: string, channel: string, type: AlertType, severity: 'low' | 'medium' | 'high',
 *   state: 'open' | 'resolved', openedAt: string, updatedAt: string, resolvedAt: string | null, series: string,
 *   resolution: number, start: string, sequence: number, reason: string, outcome: string | null, preset: string,
 *   settings: string }} Alert  `reason`: why it was opened; `outcome`: why it ended, null while it has not
 * @typedef {{ series: string, resolution: number, start: string, count: number, expected: number, dispersion: number,
 *   variance: number | null, autocorrelation: number | null, p: number | null, score: number | null,
 *   reason: string }} Evidence
 * @typedef {Alert & { evidence: Evidence[],
 *   events: { sequence: number, event: string, severity: string, time: string, reason: string }[] }} AlertDetail
 * @typedef {{ id: string, run: string, measure: string, channel: string, firstAt: string, lastAt: string,
 *   total: number }} Series
 * @typedef {{ id: string, series: number, lastAt: string, openAlerts: number }} Channel
 * @typedef {{ start: string, seconds: number, count: number, late: number, covered: number }} Count
 * @typedef {{ start: string, resolution: number, count: number, expected: number | null, lower: number | null,
 *   upper: number | null, dispersion: number | null, residual: number | null, variance: number | null,
 *   autocorrelation: number | null, rawVariance: number | null, rawAutocorrelation: number | null,
 *   varianceTrend: number | null, autocorrelationTrend: number | null, pVariance: number | null,
 *   pAutocorrelation: number | null, p: number | null, score: number | null, decision: string, reason: string,
 *   settings: string }} Signal
 * @typedef {{ hash: string, fid: number, time: string, text: string | null, removed: boolean,
 *   parentHash: string | null, urls: string[] }} Cast
 * @typedef {{ run: string, createdAt: string, channels: number, firstAt: string | null, lastAt: string | null,
 *   alerts: number }} Run
 * @typedef {{ run: string, group: string, topic: string, partition: number, committed: number, end: number,
 *   records: number, seconds: number }} Lag
 * @typedef {{ channel: string, measure: string, from: string, to: string, reason: string | null }} Gap
 * @typedef {{ channel: string, postsTo: string | null, repliesTo: string | null, reactionsTo: string | null,
 *   polledAt: string | null, error: string | null, behind: string[], requests: number,
 *   failed: number }} Followed
 * @typedef {{ run: string,
 *   measures: { measure: string, decidedTo: string, gapRatio24h: number | null }[],
 *   round: { at: string, requests: number, failed: number, error: string | null, complete: string[],
 *     next: string | null } | null,
 *   requests: number, failed: number, hour: string | null, followed: number, failing: number,
 *   behind: number, channels: Followed[] }} Source  requests of channels are those in the hour from `hour` on
 * @typedef {{ version: string, notice: string | null }} About  `notice`: what a reader must know of all that is shown
 */

const TIMEOUT_MS = 8000

/** The server did not answer, or can't at present: what is shown stays, frozen. */
export class Unreachable extends Error {}
/** The server answered that this can't be had; `message` says why. */
export class Refused extends Error {}

/**
 * @template T
 * @param {string} path
 * @param {Record<string, string | number | undefined>} [query]
 * @returns {Promise<T>}
 */
export async function get(path, query = {}) {
  const parameters = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(parameters.map(([name, value]) => [name, String(value)])).toString()
  let response
  try {
    response = await fetch(search ? `${path}?${search}` : path, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (error) {
    const slow = error instanceof DOMException && error.name === 'TimeoutError'
    throw new Unreachable(slow ? `no answer within ${TIMEOUT_MS / 1000} s` : 'no connection')
  }
  /** @type {any} */
  const body = await response.json().catch(() => null)
  if (response.ok && body !== null) return body
  const why = body?.detail ?? body?.title ?? `HTTP status ${response.status}`
  if (response.status >= 500 || response.ok) throw new Unreachable(why)
  throw new Refused(why)
}

/** @template T @typedef {{ items: T[], next: string | null }} Page */

const series = (/** @type {string} */ id) => `/v1/series/${encodeURIComponent(id)}`

/** @typedef {Record<string, string | number | undefined>} Query */
export const api = {
  /** @returns {Promise<About>} */
  about: () => get('/v1/about'),
  /** @param {Query} query @returns {Promise<Page<Alert>>} newest first */
  alerts: (query) => get('/v1/alerts', query),
  /** @param {string} id @returns {Promise<AlertDetail>} */
  alert: (id) => get(`/v1/alerts/${encodeURIComponent(id)}`),
  /** @param {Query} query @returns {Promise<Page<Series>>} most total first */
  series: (query) => get('/v1/series', query),
  /** @param {string} id @param {Query} query @returns {Promise<Page<Count>>} ascending */
  counts: (id, query) => get(`${series(id)}/counts`, query),
  /** @param {string} id @param {Query} query @returns {Promise<Page<Signal>>} ascending */
  signals: (id, query) => get(`${series(id)}/signals`, query),
  /** @param {string} channel @param {Query} query @returns {Promise<Page<Cast>>} newest first */
  casts: (channel, query) => get(`/v1/channels/${encodeURIComponent(channel)}/casts`, query),
  /** @param {string} run @returns {Promise<{ items: Channel[] }>} */
  channels: (run) => get('/v1/channels', { run }),
  /** @returns {Promise<{ items: Run[] }>} */
  runs: () => get('/v1/runs'),
  /** @param {Query} query @returns {Promise<Page<Gap>>} earliest first */
  gaps: (query) => get('/v1/gaps', query),
  /** @param {string} run @param {number} limit @returns {Promise<Source>} with so many channels */
  source: (run, limit) => get('/v1/ops/source', { run, limit }),
  /** @param {string} run @returns {Promise<{ items: Lag[] }>} */
  lag: (run) => get('/v1/ops/lag', { run }),
}
