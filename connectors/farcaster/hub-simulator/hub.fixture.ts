/** What the tests of this folder share: a hub over hand-made messages. */
import { FARCASTER_EPOCH, SECOND } from '../../../common/time.ts'
import type { CastMessage, Message } from '../../../schemas/message.ts'
import { cast, hash } from '../fixtures.ts'
import { ownClock } from './clock.ts'
import { type HubData, listChannels } from './data.ts'
import { byOrder, type Entry, entryOf } from './entry.ts'
import { createHub, type Hub, type HubOptions } from './hub.ts'

/** A whole minute, so that a block begins here. */
export const T = Date.UTC(2026, 0, 10, 12)
export const stamp = (time: number): number => (time - FARCASTER_EPOCH) / SECOND
export const hex = (n: number): string => `0x${hash(n).toString('hex')}`

export const post = (n: number, time: number, more: Partial<CastMessage> = {}): CastMessage => ({
  ...cast(n, time, 'https://a.org'),
  ...more,
})
export const castRemoved = (n: number, time: number, target: number, fid = 1): Message => ({
  type: 'cast-removed',
  hash: hash(n),
  fid,
  time,
  target: hash(target),
})
export const like = (n: number, time: number, fid: number, target: number): Message => ({
  type: 'reaction',
  kind: 'like',
  hash: hash(n),
  fid,
  time,
  target: { fid: 1, hash: hash(target) },
})
export const recast = (n: number, time: number, fid: number, target: number): Message =>
  Object.assign(like(n, time, fid, target), { kind: 'recast' })
export const unlike = (n: number, time: number, fid: number, target: number): Message =>
  Object.assign(like(n, time, fid, target), { type: 'reaction-removed' })

export function dataOf(messages: Message[], retention = Number.POSITIVE_INFINITY): HubData {
  const entries: Entry[] = messages.map((message) => entryOf(message)).sort(byOrder)
  return {
    name: 'by hand',
    seed: 1,
    live: T,
    retention,
    channels: listChannels([
      { name: 'a', url: 'https://a.org', leadFid: 1, createdAt: 5, followerCount: 7, memberCount: 2 },
    ]),
    *upTo(now) {
      while (entries[0] && entries[0].time <= now) yield entries.shift()!
    },
  }
}

/** A hub over `messages` at `now`, and how to ask it; `get` returns parsed JSON. */
export async function openHub(
  messages: Message[],
  now: number,
  options: Partial<HubOptions> = {},
): Promise<Hub & { get: <T>(path: string) => Promise<T> }> {
  const hub = await createHub({ data: dataOf(messages), clock: ownClock(now, 0), ...options })
  return {
    ...hub,
    get: async <T>(path: string) => (await (await fetch(hub.url + path)).json()) as T,
  }
}

export type Page = { messages: { hash: string }[]; nextPageToken: string }
export const hashes = ({ messages }: Page): string[] => messages.map(({ hash }) => hash)
