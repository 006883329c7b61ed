import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import { hash } from '../fixtures.ts'
import { byOrder, castKey, type Entry, entryOf, jsonOf } from './entry.ts'
import { castRemoved, like, post, recast, stamp, T, unlike } from './hub.fixture.ts'
import { createStore, HUB_RETENTION, type HubStore, LISTS } from './store.ts'

const ALL = { size: 1000, reverse: false }
const key = (n: number) => castKey(1, hash(n).toString('hex'))

/** A store that has been led over these moments. */
function at(messages: Message[], times: number[], retention = Number.POSITIVE_INFINITY): HubStore {
  const entries = messages.map((message) => entryOf(message)).sort(byOrder)
  const store = createStore(retention)
  for (const now of times) {
    const until = entries.findIndex(({ time }) => time > now)
    store.advance(entries.splice(0, until < 0 ? entries.length : until), now)
  }
  return store
}

const numbers = (entries: Entry[]) => entries.map((entry) => Number.parseInt(entry.hash, 16))
const castsOf = (store: HubStore) => numbers(store.page(LISTS.castsOf(1), ALL))
const likesOf = (store: HubStore) => numbers(store.page(LISTS.reactionsTo(key(1)), ALL))

describe('what is visible', () => {
  it('is what was signed by then', () => {
    const messages = [post(1, T), post(2, T + 1000)]
    expect(castsOf(at(messages, [T - 1]))).toEqual([])
    expect(castsOf(at(messages, [T]))).toEqual([1])
    expect(castsOf(at(messages, [T + 1000]))).toEqual([1, 2])
  })

  it('is no removed cast, but its removal', () => {
    const messages = [post(1, T, { mentions: [5] }), post(2, T), castRemoved(3, T + 1000, 1)]
    const before = at(messages, [T])
    const after = at(messages, [T, T + 1000])
    const places = [LISTS.under('url https://a.org'), LISTS.mentioning(5)]
    expect(places.map((list) => numbers(before.page(list, ALL)))).toEqual([[1, 2], [1]])
    expect(before.cast(1, hash(1).toString('hex'))).not.toBeNull()
    expect(places.map((list) => numbers(after.page(list, ALL)))).toEqual([[2], []])
    expect(after.cast(1, hash(1).toString('hex'))).toBeNull()
    expect(castsOf(after)).toEqual([2, 3])
  })

  it('is no cast whose removal is older, nor one removed by another account', () => {
    expect(castsOf(at([castRemoved(3, T - 1000, 1), post(1, T)], [T]))).toEqual([3])
    expect(castsOf(at([post(1, T), castRemoved(3, T + 1000, 1, 2)], [T + 1000]))).toEqual([1])
  })

  it('is the last of an account’s reactions of a kind to a cast; a removal at the same time wins', () => {
    const liked = [post(1, T), like(2, T, 7, 1), recast(3, T, 7, 1), like(4, T, 8, 1)]
    expect(likesOf(at(liked, [T]))).toEqual([2, 3, 4])
    expect(likesOf(at([...liked, unlike(5, T + 1000, 7, 1)], [T + 1000]))).toEqual([3, 4])
    const again = [...liked, unlike(5, T + 1000, 7, 1), like(6, T + 2000, 7, 1)]
    expect(likesOf(at(again, [T + 2000]))).toEqual([3, 4, 6])
    expect(likesOf(at([...liked, unlike(1, T, 7, 1)], [T]))).toEqual([3, 4])
    expect(likesOf(at([...liked, unlike(9, T, 7, 1)], [T]))).toEqual([3, 4])
  })

  it('is each message once, however often it comes', () => {
    expect(castsOf(at([post(1, T), post(1, T)], [T]))).toEqual([1])
  })

  it('is no cast that was removed before it came, however long before', () => {
    const messages = [castRemoved(3, T, 1), post(9, T + 5 * DAY), post(1, T + 20 * DAY)]
    const last = T + 20 * DAY
    expect(castsOf(at(messages, [last], DAY))).toEqual([])
    expect(castsOf(at(messages, [T, T + 5 * DAY, T + 10 * DAY, last], DAY))).toEqual([])
  })

  it('is under a mention once, however often it mentions', () => {
    const store = at([post(1, T, { mentions: [5, 5] })], [T])
    expect(numbers(store.page(LISTS.mentioning(5), ALL))).toEqual([1])
  })

  it('is nothing older than it remembers, by the millisecond', () => {
    const messages = [post(1, T), like(2, T, 7, 1), post(3, T + HOUR)]
    const last = at(messages, [T + DAY], DAY)
    expect([castsOf(last), likesOf(last), last.count(1).messages + last.count(2).messages]).toEqual([
      [1, 3],
      [2],
      3,
    ])
    const past = at(messages, [T + DAY + 1], DAY)
    expect([castsOf(past), likesOf(past), past.count(1).messages + past.count(2).messages]).toEqual([
      [3],
      [],
      1,
    ])
    expect(past.cast(1, hash(1).toString('hex'))).toBeNull()
  })
})

it('lets go of what is past', async () => {
  setFlagsFromString('--expose_gc')
  const gc = runInNewContext('gc') as () => void
  const store = createStore(DAY)
  const old = ((): WeakRef<Entry>[] => {
    const entries = [post(1, T), like(2, T, 1, 1)].map((message) => entryOf(message))
    store.advance(entries, T)
    return entries.map((entry) => new WeakRef(entry))
  })()
  for (let day = 1; day < 6; day++) {
    store.advance([entryOf(post(day + 9, T + day * DAY))], T + day * DAY)
    // A weak reference holds until its job ends.
    await new Promise((resolve) => setImmediate(resolve))
    gc()
    // Events tell of it for three days.
    if (day === 2) expect(old.every((entry) => entry.deref())).toBe(true)
  }
  expect(old.map((entry) => entry.deref())).toEqual([undefined, undefined])
  expect(castsOf(store)).toEqual([13, 14])
})

it('answers alike however it came to a moment, and keeps no more than it must', () => {
  const step = fc.record({
    kind: fc.constantFrom('post', 'remove', 'like', 'unlike'),
    ahead: fc.integer({ min: 0, max: 9 * 60 }),
    fid: fc.integer({ min: 1, max: 2 }),
    target: fc.integer({ min: 1, max: 20 }),
  })
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 60 }),
      fc.integer({ min: 0, max: 100 }),
      (steps, more) => {
        let time = T
        const messages = steps.map(({ kind, ahead, fid, target }, i): Message => {
          time += ahead * MINUTE
          if (kind === 'post') return post(i, time)
          if (kind === 'remove') return castRemoved(i, time, target)
          return kind === 'like' ? like(i, time, fid, target) : unlike(i, time, fid, target)
        })
        const end = time + more * MINUTE
        const every = Array.from(
          { length: Math.ceil((end - T) / (20 * MINUTE)) },
          (_, i) => T + i * 20 * MINUTE,
        )
        const show = (store: HubStore) => ({
          casts: store.page(LISTS.castsOf(1), ALL).map(jsonOf),
          likes: steps.map((_, i) => store.page(LISTS.reactionsTo(key(i)), ALL).map(jsonOf)),
          events: messages.flatMap(({ fid, time }) => {
            const block = Math.floor(stamp(time) / 60) * 2 ** 14
            const within = { from: block, stop: block + 2 ** 14, size: 1000, reverse: false }
            return store.events.page({ shard: 1 + (fid % 2), now: end, ...within })
          }),
        })
        expect(show(at(messages, [...every, end], DAY))).toEqual(show(at(messages, [end], DAY)))
      },
    ),
    { numRuns: 50 },
  )
})

describe('a page', () => {
  const LIST = LISTS.under('url https://a.org')
  // Three a second.
  const store = at(
    Array.from({ length: 50 }, (_, i) => post(i, T + Math.floor(i / 3) * SECOND)),
    [T + DAY],
    HUB_RETENTION,
  )

  it('follows page, each way, so that all come once and in order', () => {
    const all = Array.from({ length: 50 }, (_, i) => i)
    for (const size of [1, 2, 3, 4, 5, 6, 7, 50, 51]) {
      for (const reverse of [false, true]) {
        const read: Entry[] = []
        for (;;) {
          const page = store.page(LIST, { size, reverse, after: read.at(-1) })
          expect(page.length).toBeLessThanOrEqual(size)
          read.push(...page)
          if (page.length < size) break
        }
        expect(numbers(read)).toEqual(reverse ? all.toReversed() : all)
      }
    }
  })

  it('can be of a window, both ends included', () => {
    const window = { ...ALL, from: T + SECOND, to: T + 2 * SECOND }
    expect(numbers(store.page(LIST, window))).toEqual([3, 4, 5, 6, 7, 8])
    expect(numbers(store.page(LIST, { ...window, reverse: true, size: 2 }))).toEqual([8, 7])
  })

  it('is filled with what is wanted only', () => {
    const even = (entry: Entry) => Number.parseInt(entry.hash, 16) % 2 === 0
    expect(numbers(store.page(LIST, { size: 3, reverse: false, keep: even }))).toEqual([0, 2, 4])
  })
})
