// @ts-check
/** What the analyst looks at, all of it in the URL hash, so that a link shows another person the same. */
import { MEASURES, RESOLUTIONS } from './format.js'

/**
 * `at`: the selected moment; `end`: where the time shown ends, null while it follows the newest; both ms.
 * @typedef {{ run: string, channel: string | null, measure: string, resolution: number, alert: string | null,
 *   at: number | null, end: number | null }} View
 */

const time = (/** @type {string | null} */ text) => {
  const ms = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

/** The view that a hash means; what is missing or malformed in it falls back to the default. @returns {View} */
export function parseHash(/** @type {string} */ hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  const measure = fields.get('measure') ?? ''
  const resolution = Number(fields.get('resolution'))
  return fit({
    run: fields.get('run') || 'live',
    channel: fields.get('channel') || null,
    measure: MEASURES.find((m) => m === measure) ?? 'casts',
    resolution: RESOLUTIONS.find((r) => r === resolution) ?? 300,
    alert: fields.get('alert') || null,
    at: time(fields.get('at')),
    end: time(fields.get('end')),
  })
}

export function formatHash(/** @type {View} */ view) {
  const stamp = (/** @type {number | null} */ ms) => ms && `${new Date(ms).toISOString().slice(0, 19)}Z`
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...view, at: stamp(view.at), end: stamp(view.end) })) {
    if (value !== null && !(name === 'run' && value === 'live')) fields.set(name, String(value))
  }
  return `#${fields}`
}

/** Participants are distinct authors, which can't be summed over bins, nor over channels. */
export const allowed = (/** @type {View} */ view) => ({
  measure: (/** @type {string} */ m) => m !== 'participants' || view.channel !== '*',
  resolution: (/** @type {number} */ r) => r === 300 || view.measure !== 'participants',
})

/** The nearest view that there can be. @returns {View} */
export function fit(/** @type {View} */ view) {
  const measure = allowed(view).measure(view.measure) ? view.measure : 'casts'
  const fitted = { ...view, measure }
  return allowed(fitted).resolution(view.resolution) ? fitted : { ...fitted, resolution: 300 }
}

/** How much time is shown, in ms: 36 h of 5-minute bins, 20 d of hours, 120 d of 6 h; at most one page of the API. */
export const span = (/** @type {number} */ resolution) => resolution * 1000 * (resolution === 300 ? 432 : 480)
