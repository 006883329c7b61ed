/** The query of a request to a hub, read as strictly as hubs do. */
import { FARCASTER_EPOCH, SECOND } from '../../../common/time.ts'
import type { Position } from './entry.ts'
import type { PageQuery } from './store.ts'

/** A query that can't be read: said in plain text. */
export class BadQuery extends Error {}
/** What a hub refuses for a reason of its own. */
export class Refused extends Error {
  readonly code: 'not_found' | 'bad_request.invalid_param' | 'unavailable'
  readonly status: number
  constructor(code: Refused['code'], message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

export type Query = ReturnType<typeof readQuery>

/** Values by name; where one is not of its type, BadQuery. `lenient`: a flag may be 1 or 0 too, as with Hubble. */
export function readQuery(query: URLSearchParams, lenient: boolean) {
  const value = (...names: string[]): string | null => {
    for (const name of names) {
      const found = query.get(name)
      if (found !== null) return found
    }
    return null
  }
  const parsed = <T>(names: string[], parse: (text: string) => T | undefined): T | undefined => {
    const text = value(...names)
    if (text === null) return undefined
    const result = parse(text)
    if (result === undefined) throw new BadQuery(`${names[0]}: invalid value`)
    return result
  }
  const required = <T>(name: string, found: T | undefined): T => {
    if (found === undefined) throw new BadQuery(`missing field \`${name}\``)
    return found
  }

  const text = (name: string) => value(name) ?? undefined
  const whole = (...names: string[]) => parsed(names, wholeNumber)
  const hash = (name: string) => parsed([name], hashHex)
  const flag = (name: string) => parsed([name], (text) => readFlag(text, lenient))

  return {
    text,
    whole,
    hash,
    flag,
    requiredText: (name: string) => required(name, text(name)),
    requiredWhole: (name: string) => required(name, whole(name)),
    requiredHash: (name: string) => required(name, hash(name)),
    /** What every paged route takes. */
    page(): PageQuery {
      const size = whole('pageSize', 'page_size') ?? MAX_PAGE
      const token = value('pageToken', 'page_token')
      return {
        size: size === 0 ? MAX_PAGE : Math.min(size, MAX_PAGE),
        reverse: flag('reverse') ?? false,
        after: token === null || token === '' ? undefined : readToken(token),
      }
    },
    /** Farcaster seconds in the query, both ends included. */
    window() {
      const from = whole('startTimestamp', 'start_timestamp')
      const to = whole('stopTimestamp', 'stop_timestamp')
      return {
        from: from === undefined ? undefined : toMs(from),
        to: to === undefined ? undefined : toMs(to),
      }
    },
  }
}

export const MAX_PAGE = 1000

const toMs = (seconds: number): number => FARCASTER_EPOCH + seconds * SECOND

function wholeNumber(text: string): number | undefined {
  const number = Number(text)
  return /^\d+$/.test(text) && Number.isSafeInteger(number) ? number : undefined
}

const hashHex = (text: string): string | undefined =>
  /^(0x)?[0-9a-fA-F]{40}$/.test(text) ? text.slice(-40).toLowerCase() : undefined

function readFlag(text: string, lenient: boolean): boolean | undefined {
  if (text === 'true' || (lenient && text === '1')) return true
  return text === 'false' || (lenient && text === '0') ? false : undefined
}

/** Where a page ended: opaque to callers. */
export const writeToken = ({ time, hash }: Position): string =>
  Buffer.concat([Buffer.from(time.toString(16).padStart(12, '0'), 'hex'), Buffer.from(hash, 'hex')]).toString(
    'base64',
  )

function readToken(token: string): Position {
  // A plus sign that wasn't escaped has become a space.
  const bytes = Buffer.from(token.replaceAll(' ', '+'), 'base64')
  if (bytes.length !== 26) throw new Refused('bad_request.invalid_param', 'invalid page token')
  return { time: Number.parseInt(bytes.toString('hex', 0, 6), 16), hash: bytes.toString('hex', 6) }
}
