/**
 * Event time is in milliseconds since the Unix epoch; lengths of bins are in seconds, as their names say.
 * Bins are half-open, [start, start + seconds), and aligned to the epoch.
 */
export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const WEEK = 7 * DAY

/** The base bin: everything that is counted is counted in these. */
export const BASE_SECONDS = 300
export const BASE = BASE_SECONDS * SECOND

/** The resolutions at which series are judged, finest first; each a multiple of the one before. */
export const RESOLUTIONS = [300, 3600, 21600] as const
export type Resolution = (typeof RESOLUTIONS)[number]

/** L, the allowed lateness: what arrives later than this behind the clock of its source is outside the promise. */
export const LATENESS = 5 * MINUTE

export const floorTo = (time: number, length: number): number => Math.floor(time / length) * length
export const ceilTo = (time: number, length: number): number => Math.ceil(time / length) * length

/** The day of which a time was written last, with its text: most of a list are of few days. */
let written = { day: Number.NaN, text: '' }
const TWO_DIGITS = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'))

/**
 * ISO 8601 in UTC, to the second: 2024-02-05T00:05:00Z. Lists and exports write several for each row: this takes a tenth of the
 * time of `Date`.
 * @throws RangeError for what is no time
 */
export function iso(time: number): string {
  const day = Math.floor(time / DAY)
  if (day !== written.day)
    written = { day, text: new Date(day * DAY).toISOString().slice(0, -'00:00:00.000Z'.length) }
  const seconds = Math.floor((time - day * DAY) / SECOND)
  const hours = TWO_DIGITS[Math.floor(seconds / 3600)]
  return `${written.text}${hours}:${TWO_DIGITS[Math.floor(seconds / 60) % 60]}:${TWO_DIGITS[seconds % 60]}Z`
}

/**
 * ms of a time in ISO 8601, in UTC: a day, a minute, a second or part of one. Null for anything else, and for a day or an
 * hour that there is not, such as 2024-02-30 or 24:00, which `Date.parse` takes for the next one.
 */
export function utc(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/.test(text)) return null
  const ms = Date.parse(text)
  const isReal = !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.replace(/(\.\d+)?Z$/, ''))
  return isReal ? ms : null
}

/** Farcaster counts seconds from 2021-01-01T00:00:00Z. */
export const FARCASTER_EPOCH = 1609459200 * SECOND
