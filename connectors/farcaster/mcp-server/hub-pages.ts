/**
 * Windows over a hub's lists of messages, newest first. The hub's own means are page tokens, which stay right while
 * messages arrive, an order by (signed time, hash), and `reverse`, which a known fault of hubs makes fail on some lists:
 * those are read from their oldest.
 */
import { FARCASTER_EPOCH, SECOND } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import { parseHubMessage } from '../hub-message.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { type Call, type HttpClient, HubError, type Query } from './http-client.ts'

const PAGE = 1000
/** Messages that a hub's page may have: none was asked for more than a thousand. */
export const MAX_MESSAGES = 10_000
/** Requests that one call may make of a list read from its newest; beyond it the cursor says where to go on. */
const MAX_REQUESTS = 50
/** The same, of a list that can only be read from its oldest. */
const MAX_ASCENDING = 100
/** Pages of such lists that are remembered, so that the next call needn't begin with the oldest. */
const LISTS = 500
const MARKS = 64

export type List<T extends Message> = {
  path: string
  /** Names the list. */
  query: Query
  /** The hub takes times for this list. */
  timed?: true
  pick: (message: Message) => message is T
}
/** Signed time in ms, since <= time < until. */
export type Window = { since: number; until: number }

/** `entries`: newest first, null for a message that can't be read. `cursor`: null when the window has been returned. */
export type Page<T> = { entries: (T | null)[]; cursor: string | null; othersSeen: boolean }

/** Below what the next page begins; `token` of the hub's page where that is, `from` the message itself. */
type Position = { from: { time: number; hash: Buffer } | null; token: string | undefined }
type Mark = { token: string | undefined; time: number }

export interface Paging {
  /** @throws HubError; ArgumentError for a cursor that isn't one of this list */
  page<T extends Message>(
    list: List<T>,
    window: Window,
    limit: number,
    cursor: string | undefined,
    call: Call,
  ): Promise<Page<T>>
}

export function paging(hub: HttpClient): Paging {
  const marks = new Map<string, Mark[]>()

  async function page<T extends Message>(
    list: List<T>,
    window: Window,
    limit: number,
    cursor: string | undefined,
    call: Call,
  ): Promise<Page<T>> {
    const name = `${list.path} ${JSON.stringify(list.query)}`
    const at = cursor === undefined ? { from: null, token: undefined } : position(name, cursor)
    if (window.until <= FARCASTER_EPOCH) return { entries: [], cursor: null, othersSeen: false }
    const reading = { list, window, limit, at, ask: asking(list, window, call) }
    const { next, ...found } = await fromNewest(reading).catch(async (failure: unknown) => {
      if (!mayBeReverse(failure)) throw failure
      // A token may also have become foreign: the hub was replaced by another.
      if (at.token !== undefined && failure.status === 400) {
        const again = await fromNewest({ ...reading, at: { ...at, token: undefined } }).catch(rethrowOther)
        if (again) return again
      }
      return fromOldest(reading, name, failure)
    })
    return {
      ...found,
      cursor:
        next &&
        writeCursor(name, [
          next.from?.time ?? null,
          next.from?.hash.toString('base64url') ?? null,
          next.token ?? null,
        ]),
    }
  }

  type Reading<T extends Message> = {
    list: List<T>
    window: Window
    limit: number
    at: Position
    ask: (query: Query) => Promise<{ messages: unknown[]; next: string | undefined }>
  }
  type Found<T> = { entries: (T | null)[]; next: Position | null; othersSeen: boolean }

  const asking = <T extends Message>(list: List<T>, { since, until }: Window, call: Call) => {
    const times = list.timed && {
      ...(since > FARCASTER_EPOCH && { startTimestamp: Math.ceil((since - FARCASTER_EPOCH) / SECOND) }),
      ...(until < Number.POSITIVE_INFINITY && {
        stopTimestamp: Math.ceil((until - FARCASTER_EPOCH) / SECOND) - 1,
      }),
    }
    return async (query: Query) =>
      readPage(await hub.get(list.path, { ...list.query, ...times, ...query }, call))
  }

  async function fromNewest<T extends Message>(reading: Reading<T>): Promise<Found<T>> {
    const { list, window, limit, at, ask } = reading
    const entries: (T | null)[] = []
    const seen = new Set<string>()
    let othersSeen = false
    let { from, token } = at
    // Whether what stands here is inside the window and not on an earlier page: messages without a time go by the one before.
    let inside = true
    for (let n = 0; n < MAX_REQUESTS; n++) {
      const page = await ask({ pageSize: n === 0 ? limit : PAGE, reverse: true, pageToken: token })
      for (const json of page.messages) {
        const message = read(json)
        if (message === undefined) continue
        if (message !== null) {
          if (message.time < window.since) return { entries, next: null, othersSeen }
          const hash = message.hash.toString('latin1')
          inside = message.time < window.until && isBelow(message, at.from) && !seen.has(hash)
          seen.add(hash)
          if (!inside) {
            if (at.from && message.hash.equals(at.from.hash)) inside = true
            continue
          }
        } else if (!inside) continue
        if (entries.length === limit) return { entries, next: { from, token }, othersSeen }
        if (message === null) entries.push(null)
        else {
          from = message
          if (list.pick(message)) entries.push(message)
          else othersSeen = true
        }
      }
      if (page.next === undefined) return { entries, next: null, othersSeen }
      token = page.next
      if (entries.length === limit) break
    }
    return { entries, next: { from, token }, othersSeen }
  }

  /** `failure`: why the list can't be read from its newest; thrown if that wasn't it. */
  async function fromOldest<T extends Message>(
    reading: Reading<T>,
    name: string,
    failure: HubError,
  ): Promise<Found<T>> {
    const { window, at } = reading
    const known = marks.get(name) ?? []
    marks.delete(name)
    marks.set(name, known)
    if (marks.size > LISTS) marks.delete(marks.keys().next().value!)
    const top = Math.min(window.until, at.from?.time ?? Number.POSITIVE_INFINITY)
    // One page before the last that begins below the top: so there is a whole page to return.
    const start = known[known.findLastIndex((mark) => mark.time < top) - 1]
    const tail = start && (await ascend(reading, known, start, failure))
    return tail ?? (await ascend(reading, known, undefined, failure))!
  }

  /** Undefined when more than what follows `start` is needed. */
  async function ascend<T extends Message>(
    { list, window, limit, at, ask }: Reading<T>,
    known: Mark[],
    start: Mark | undefined,
    failure: HubError,
  ): Promise<Found<T> | undefined> {
    let entries: (T | null)[] = []
    let othersSeen = false
    let dropped = false
    let sawOlder = start?.token === undefined
    let token = start?.token
    for (let n = 0; n < MAX_ASCENDING; n++) {
      const page = await ask({ pageSize: PAGE, pageToken: token }).catch((error: unknown) => {
        throw n === 0 && error instanceof HubError && error.status === failure.status ? failure : error
      })
      let inside = false
      let past = false
      let first = true
      for (const json of page.messages) {
        const message = read(json)
        if (message === undefined) continue
        if (message !== null) {
          if (first) remember(known, { token, time: message.time })
          first = false
          if (message.time < window.since) sawOlder = true
          past = message.time >= window.until || (at.from !== null && message.time > at.from.time)
          if (past) break
          inside = message.time >= window.since && isBelow(message, at.from)
        }
        if (!inside) continue
        if (message === null) entries.push(null)
        else if (list.pick(message)) entries.push(message)
        else othersSeen = true
      }
      if (entries.length > limit) {
        dropped = true
        entries = entries.slice(-limit)
      }
      if (!past && page.next !== undefined) {
        token = page.next
        continue
      }
      if (entries.length < limit && !sawOlder) return undefined
      const more = dropped || !sawOlder
      const oldest = entries.find((entry) => entry !== null)
      if (more && !oldest)
        throw new HubError('unreadable', 'Failed to fetch from Hubble: no message on the page can be read')
      return {
        entries: entries.reverse(),
        next: more ? { from: oldest!, token: undefined } : null,
        othersSeen,
      }
    }
    throw new HubError(
      'refused',
      `${failure.message}; from its oldest this list is longer than ${MAX_ASCENDING} pages: asked again, it goes on from there`,
      failure.status,
    )
  }

  return { page }
}

function remember(known: Mark[], mark: Mark): void {
  const at = known.findIndex((other) => other.token === mark.token)
  if (at >= 0) known[at] = mark
  else known.push(mark)
  known.sort((a, b) => a.time - b.time)
  if (known.length > MARKS) known.shift()
}

/** Older in the hub's order, (signed time, hash). */
const isBelow = (message: Message, from: Position['from']): boolean =>
  from === null ||
  message.time < from.time ||
  (message.time === from.time && Buffer.compare(message.hash, from.hash) < 0)

/** 500 too, since hubs differ in how they say that an index has a hole. */
const mayBeReverse = (error: unknown): error is HubError =>
  error instanceof HubError && error.error === 'refused' && (error.status === 400 || error.status === 500)

function rethrowOther(error: unknown): undefined {
  if (!mayBeReverse(error)) throw error
}

/** Null for one that can't be read, undefined for one that isn't kept. */
function read(json: unknown): Message | null | undefined {
  try {
    return parseHubMessage(json) ?? undefined
  } catch {
    return null
  }
}

/** A hub's page of anything. @throws HubError */
export function readPage(json: unknown): { messages: unknown[]; next: string | undefined } {
  const { messages, nextPageToken } = (json ?? {}) as { messages?: unknown; nextPageToken?: unknown }
  const token = nextPageToken ?? ''
  if (!Array.isArray(messages) || typeof token !== 'string' || token.length > 1000)
    throw new HubError('unreadable', 'Failed to fetch from Hubble: the answer is not a page of messages')
  if (messages.length > MAX_MESSAGES)
    throw new HubError(
      'unreadable',
      `Failed to fetch from Hubble: the page has over ${MAX_MESSAGES} messages`,
    )
  return { messages, next: token === '' ? undefined : token }
}

function position(name: string, cursor: string): Position {
  const [time, hash, token] = readCursor(name, cursor, isPosition)
  return {
    from: time === null ? null : { time, hash: Buffer.from(hash!, 'base64url') },
    token: token ?? undefined,
  }
}

function isPosition(at: unknown[]): at is [number | null, string | null, string | null] {
  const [time, hash, token] = at
  return (
    at.length === 3 &&
    (time === null ? hash === null : Number.isSafeInteger(time) && typeof hash === 'string') &&
    (token === null || typeof token === 'string')
  )
}
