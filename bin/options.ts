/** Values of options, checked. Each throws FcmError OPTION_INVALID with the form that is wanted. */
import { DECIMAL } from '../app/config.ts'
import { FcmError } from '../common/errors.ts'
import { DAY, HOUR, MINUTE, SECOND, utc, WEEK } from '../common/time.ts'

export function wholeNumber(option: string, value: string, most = Number.MAX_SAFE_INTEGER): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number <= most) return number
  throw new FcmError('OPTION_INVALID', {
    option: `${option} "${value}"`,
    why: `must be a whole number${most < Number.MAX_SAFE_INTEGER ? ` up to ${most}` : ''}`,
    hint: `For example ${option} 7`,
  })
}

/** `example`: a value that would do. */
export function atLeast(
  least: number,
  option: string,
  value: string,
  example: number,
  why = `must be at least ${least}`,
): number {
  const number = wholeNumber(option, value)
  if (number >= least) return number
  throw new FcmError('OPTION_INVALID', {
    option: `${option} "${value}"`,
    why,
    hint: `For example ${option} ${example}`,
  })
}

export function positiveNumber(option: string, value: string): number {
  const number = Number(value)
  if (DECIMAL.test(value) && number > 0 && Number.isFinite(number)) return number
  throw new FcmError('OPTION_INVALID', {
    option: `${option} "${value}"`,
    why: 'must be a number above 0',
    hint: `For example ${option} 300`,
  })
}

/** Longer than any history, and short enough that an end is still a date. */
const LONGEST = 36_525 * DAY
const UNITS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: WEEK }

/** `6h`, `30m`, `2d`: ms. */
export function duration(option: string, value: string): number {
  const [, number, unit] = /^(\d+)([smhdw])$/.exec(value) ?? []
  const ms = Number(number) * (UNITS[unit ?? ''] ?? Number.NaN)
  if (ms <= LONGEST) return ms
  throw new FcmError('OPTION_INVALID', {
    option: `${option} "${value}"`,
    why: 'must be a length of time, a number with s, m, h, d or w, up to 100 years',
    hint: `For example ${option} 6h`,
  })
}

/** ISO 8601 in UTC, a day or a second: ms. */
export function time(option: string, value: string): number {
  const ms = utc(value)
  if (ms !== null) return ms
  throw new FcmError('OPTION_INVALID', {
    option: `${option} "${value}"`,
    why: `must be a time in UTC${option === '--sim-until' ? ', or a length of time such as 12h' : ''}`,
    hint: `For example ${option} 2026-01-26T12:00:00Z or ${option} 2026-01-26`,
  })
}
