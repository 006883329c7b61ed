/** Which signed times of an archive are believed: a wrong clock must not say where the archive begins or ends. */
import { FARCASTER_EPOCH, HOUR } from '../../../common/time.ts'
import type { Believed } from './parse.ts'

/** How many messages each hour has since `FARCASTER_EPOCH`: signed times are 32 bits of seconds. */
export const newHours = (): Uint32Array => new Uint32Array(Math.ceil((2 ** 32 * 1000) / HOUR))
export const hourOf = (time: number): number => Math.floor((time - FARCASTER_EPOCH) / HOUR)

/** More than this share of the messages is no accident. */
const SHARE = 0.05
/** A silence this many times as long as any other is none: nobody was there. */
const FACTOR = 10
/** What is shorter, hours, has seen no night, in which half a day's silence would be usual. */
const A_DAY = 20
const A_NIGHT = 12
/** More groups that lie by themselves are how this archive is. */
const GROUPS = 4

/** Of the hours that have messages: indices, both included. */
type Part = { first: number; last: number; messages: number }

/**
 * The first and last ms of what is believed; undefined when all is. Not believed are up to four groups of messages, at most
 * a twentieth of all, before and after the rest, when the silences that part them from it are ten times as long as any
 * within it (one of less than an hour counts as an hour; in a rest of less than 20 hours, one of 12 is usual). A wrong clock
 * in the midst of an archive can't be told from a right one, and does no more harm. The same for any order of messages.
 */
export function believedIn(hours: Uint32Array): Believed | undefined {
  const busy: number[] = []
  for (let hour = 0; hour < hours.length; hour++) if (hours[hour]! > 0) busy.push(hour)
  const silence = (i: number) => busy[i]! - busy[i - 1]! - 1
  const messages = (first: number, last: number) =>
    busy.slice(first, last + 1).reduce((sum, hour) => sum + hours[hour]!, 0)
  const usual = ({ first, last }: Part): number => {
    let longest = busy[last]! - busy[first]! + 1 < A_DAY ? A_NIGHT : 1
    for (let i = first + 1; i <= last; i++) longest = Math.max(longest, silence(i))
    return longest
  }

  const all = messages(0, busy.length - 1)
  const parts: Part[] = [{ first: 0, last: busy.length - 1, messages: all }]
  const cuts = busy
    .map((_, i) => i)
    .slice(1)
    .filter((i) => silence(i) >= FACTOR)
    .sort((a, b) => silence(b) - silence(a))
  let believed: Believed | undefined
  for (const cut of cuts.slice(0, GROUPS)) {
    const at = parts.findIndex(({ first, last }) => first < cut && cut <= last)
    const { first, last } = parts[at]!
    parts.splice(
      at,
      1,
      { first, last: cut - 1, messages: messages(first, cut - 1) },
      { first: cut, last, messages: messages(cut, last) },
    )
    const rest = parts.reduce((a, b) => (b.messages > a.messages ? b : a))
    if (all - rest.messages > SHARE * all) break
    if (silence(cut) < FACTOR * usual(rest)) continue
    const start = (hour: number) => FARCASTER_EPOCH + hour * HOUR
    believed = { from: start(busy[rest.first]!), to: start(busy[rest.last]! + 1) - 1 }
  }
  return believed
}
