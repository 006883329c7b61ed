/** What a line of an archive holds. */
import { isUtf8 } from 'node:buffer'
import { FcmError } from '../../../common/errors.ts'
import { iso, MINUTE } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import { parseHubMessage, signedTime } from '../hub-message.ts'
import { MAX_LINE_BYTES } from './lines.ts'

/** The protocol refuses what is signed further ahead: there it is a broken clock or line. */
const MAX_AHEAD = 10 * MINUTE

export type Parsed =
  | { kind: 'message'; message: Message }
  /** `time`, ms, where it can be read though the rest can't. */
  | { kind: 'unreadable'; why: string; time: number | null }
  /** A message whose clock is not believed. */
  | { kind: 'wrong-clock'; why: string }
  /** A message of a type that isn't kept. */
  | { kind: 'other' }

/** Times that are believed, ms, both included. */
export type Believed = { from: number; to: number }

/** Null for a blank line. `now`: the wall clock, ms; nothing is signed later. */
export function parseLine(
  { bytes, length }: { bytes: Buffer; length: number },
  now: number,
  believed?: Believed,
): Parsed | null {
  if (length > MAX_LINE_BYTES) return unreadable(`its line has ${length} bytes`)
  if (!isUtf8(bytes)) return unreadable('its line is not UTF-8')
  const text = bytes.toString()
  if (text.trim() === '') return null
  let json: unknown
  try {
    // Some editors put a byte order mark before the first line.
    json = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return unreadable('its line is not JSON')
  }
  try {
    const message = parseHubMessage(json)
    if (!message) return { kind: 'other' }
    const why = doubt(message.time, now, believed)
    return why === null ? { kind: 'message', message } : { kind: 'wrong-clock', why: reason(why) }
  } catch (error) {
    if (!(error instanceof FcmError)) throw error
    const time = signedTime(json)
    return {
      kind: 'unreadable',
      why: error.message,
      time: time === null || doubt(time, now, believed) !== null ? null : time,
    }
  }
}

/** Why a signed time is not believed; null for one that is. */
export function doubt(time: number, now: number, believed: Believed | undefined): string | null {
  if (time > now + MAX_AHEAD) return 'data.timestamp is in the future'
  if (!believed || (time >= believed.from && time <= believed.to)) return null
  return `data.timestamp is ${iso(time)}, far from all others, which lie from ${iso(believed.from)} to ${iso(believed.to)}: a wrong clock`
}

const reason = (why: string): string => new FcmError('HUB_MESSAGE_INVALID', { why }).message
const unreadable = (why: string): Parsed => ({ kind: 'unreadable', why: reason(why), time: null })
