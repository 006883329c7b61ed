import { SECOND } from '../../../common/time.ts'
import type { CastMessage, Message, ReactionMessage } from '../../../schemas/message.ts'
import type { Measure } from '../../../schemas/records.ts'
import { idOf } from './memory.ts'
import type { Answer, ChannelInfo, Counts, FarcasterServer, PageKey } from './port.ts'

export type Fake = {
  messages: readonly Message[]
  now: () => number
  /** Every question passes here first; what it returns is the answer instead. */
  before?: (question: string) => Answer<never> | undefined
  /** Entries on a page; then a cursor follows. */
  pageSize?: number
  /** No cursors, no `since`: pages are widened up to this many entries. */
  widest?: number
  counts?: boolean
  measures?: Measure[]
  /** Messages that can't be read. */
  unreadable?: (message: Message) => boolean
  /** How long after its signed time a message can be seen, ms. */
  delay?: (message: Message) => number
}

/** A server over given messages, as they are at a time. Counts its answers in `asked`. */
export function fakeServer(fake: Fake): FarcasterServer & { asked: string[] } {
  const { now, pageSize = 1000, widest, delay = () => 0 } = fake
  const asked: string[] = []
  const posts = new Map<string, CastMessage[]>()
  const replies = new Map<string, CastMessage[]>()
  const reactions = new Map<string, ReactionMessage[]>()
  const put = <T>(map: Map<string, T[]>, key: string, item: T) =>
    map.set(key, [...(map.get(key) ?? []), item])
  for (const m of fake.messages) {
    if (m.type === 'reaction') put(reactions, idOf(m.target.hash), m)
    if (m.type !== 'cast' || m.parent === null) continue
    if ('url' in m.parent) put(posts, m.parent.url, m)
    else put(replies, idOf(m.parent.cast.hash), m)
  }

  function page<T extends Message>(question: string, all: T[] = [], since: number, key?: PageKey): Answer<T> {
    asked.push(question)
    const instead = fake.before?.(question)
    if (instead) return instead
    const visible = all.filter((m) => m.time + delay(m) <= now()).sort((a, b) => b.time - a.time)
    const wanted = widest === undefined ? visible.filter((m) => m.time >= since) : visible
    const begin = key && 'cursor' in key ? Number(key.cursor) : 0
    const size = widest === undefined ? pageSize : key && 'limit' in key ? key.limit : pageSize
    const entries = wanted.slice(begin, begin + size)
    const items = entries.filter((m) => !fake.unreadable?.(m))
    const isFull = wanted.length > begin + size
    const oldest = (entries.at(-1)?.time ?? 0) + SECOND
    const answer = { outcome: 'page', items, invalid: entries.length - items.length, seconds: 0 } as const
    if (!isFull || oldest <= since) return { ...answer, from: since, next: null }
    if (widest === undefined) return { ...answer, from: oldest, next: { cursor: String(begin + size) } }
    return { ...answer, from: oldest, next: size < widest ? { limit: Math.min(widest, size * 4) } : null }
  }

  return {
    asked,
    measures: fake.measures ?? ['posts', 'replies', 'reactions'],
    async channels() {
      asked.push('channels')
      const items: ChannelInfo[] = [...posts].map(([url, { length }]) => ({
        id: url.split('/').at(-1)!,
        url,
        followers: length,
      }))
      return (
        fake.before?.('channels') ?? { outcome: 'page', items, from: 0, next: null, invalid: 0, seconds: 0 }
      )
    },
    posts: async (channel, since, key) => page(`posts ${channel}`, posts.get(channel), since, key),
    replies: async ({ hash }, since, key) =>
      page(`replies ${hash.toString('hex')}`, replies.get(idOf(hash)), since, key),
    async reactions({ hash }, since, key): Promise<Answer<ReactionMessage> | Counts> {
      const question = `reactions ${hash.toString('hex')}`
      const all = reactions.get(idOf(hash)) ?? []
      if (!fake.counts) return page(question, all, since, key)
      asked.push(question)
      const instead = fake.before?.(question)
      if (instead) return instead
      const counts = (['like', 'recast'] as const).map((kind) => {
        const { length } = all.filter((m) => m.kind === kind && m.time + delay(m) <= now())
        return { kind, count: Math.min(50, length), saturated: length >= 50 }
      })
      return { outcome: 'counts', counts, seconds: 0 }
    },
    close: async () => {},
  }
}
