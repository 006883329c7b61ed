import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SECOND } from '../../../common/time.ts'
import type { CastMessage, Message } from '../../../schemas/message.ts'
import { cast, hash } from '../fixtures.ts'
import { toHubJson } from '../hub-json.ts'
import { ArgumentError } from './cursor.ts'
import { type Held, pageOf } from './fake-hub.fixture.ts'
import { type HttpClient, HubError, type Query } from './http-client.ts'
import { type List, MAX_MESSAGES, type Page, paging, readPage } from './hub-pages.ts'

const START = Date.UTC(2024, 1, 5)
const CHANNEL = 'https://onchainsummer.xyz'
const ALWAYS = { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }
const isCast = (message: Message): message is CastMessage => message.type === 'cast'
const LIST: List<CastMessage> = { path: '/v1/castsByParent', query: { url: CHANNEL }, pick: isCast }
const TIMED: List<CastMessage> = { path: '/v1/castsByFid', query: { fid: 1 }, timed: true, pick: isCast }

/** The hub of `held`. `reverse` false: its reverse pages fail, as with a dangling index key. */
function hubOf(held: Held[], { cap = 1000, reverse = true, status = 400 } = {}) {
  const requests: URLSearchParams[] = []
  const hub: HttpClient = {
    async get(_path: string, query: Query) {
      const params = new URLSearchParams()
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) params.set(name, String(value))
      requests.push(params)
      if (!reverse && params.has('reverse'))
        throw new HubError('refused', 'could not get message with key', status)
      if (params.get('pageToken')?.startsWith('gone')) throw new HubError('refused', 'bad token', 400)
      return JSON.parse(JSON.stringify(pageOf(held, params, cap)))
    },
    close() {},
  }
  return { hub, requests }
}

const numbers = (page: Page<CastMessage>): number[] =>
  page.entries.map((entry) => (entry === null ? -1 : entry.hash.readUInt32BE(16)))

const post = (n: number, second: number): CastMessage => cast(n, START + second * SECOND, CHANNEL)
const posts = (count: number): CastMessage[] => Array.from({ length: count }, (_, n) => post(n + 1, n * 10))

describe('a window', () => {
  const world = fc.record({
    // Several in one second, so that time alone is no order.
    seconds: fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }),
    removes: fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 20 }),
    since: fc.integer({ min: -1, max: 21 }),
    length: fc.integer({ min: 1, max: 22 }),
    limits: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
    arrivals: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1 }),
    cap: fc.integer({ min: 1, max: 9 }),
    timed: fc.boolean(),
    reverse: fc.boolean(),
  })

  test('is its pages, of any size, one after the other, while newer messages arrive', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ seconds, removes, limits, arrivals, ...w }) => {
        const held: Held[] = seconds.map((second, n) => post(n + 1, second))
        for (const [n, second] of removes.entries())
          held.push({
            type: 'cast-removed',
            hash: hash(10_000 + n),
            fid: 1,
            time: START + second * SECOND,
            target: hash(1),
          })
        const window = {
          since: START + w.since * SECOND - 1,
          until: START + (w.since + w.length) * SECOND,
        }
        const expected = held
          .filter(
            (one) =>
              'type' in one && one.type === 'cast' && one.time >= window.since && one.time < window.until,
          )
          .sort((a, b) => b.time - a.time || Buffer.compare(b.hash, a.hash))
          .map((one) => one.hash.readUInt32BE(16))
        const pages = paging(hubOf(held, w).hub)
        const found: number[] = []
        let cursor: string | undefined
        for (let n = 0; ; n++) {
          const limit = limits[n % limits.length]!
          const page = await pages.page(w.timed ? TIMED : LIST, window, limit, cursor, {})
          expect(page.entries.length).toBeLessThanOrEqual(limit)
          found.push(...numbers(page))
          if (page.cursor === null) break
          cursor = page.cursor
          expect(n).toBeLessThan(500)
          // Newer than the newest, and inside the window or past it.
          for (let k = 0; k < arrivals[n % arrivals.length]!; k++)
            held.push(post(100_000 + n * 10 + k, found.length === 0 ? 1000 : 21 + n))
        }
        expect(found.filter((n) => n < 100_000)).toEqual(expected)
        expect(new Set(found).size).toBe(found.length)
      }),
      { numRuns: 400 },
    )
  })

  test('is since <= time < until', async () => {
    const pages = paging(hubOf(posts(5)).hub)
    const window = { since: START + 10 * SECOND, until: START + 30 * SECOND }
    for (const list of [LIST, TIMED])
      expect(numbers(await pages.page(list, window, 10, undefined, {}))).toEqual([3, 2])
  })

  test('asks the hub for no more than it needs', async () => {
    const { hub, requests } = hubOf(posts(100))
    const page = await paging(hub).page(
      LIST,
      { since: START + 950 * SECOND, until: ALWAYS.until },
      10,
      undefined,
      {},
    )
    expect(page).toMatchObject({ cursor: null, entries: { length: 5 } })
    await paging(hub).page(LIST, ALWAYS, 10, undefined, {})
    expect(requests).toHaveLength(2)
    requests.pop()
    expect(requests.map(String)).toEqual([
      `url=${encodeURIComponent(CHANNEL)}&pageSize=10&reverse=true`.replaceAll('%20', '+'),
    ])
    await paging(hub).page(
      TIMED,
      { since: START + 950 * SECOND, until: START + 960 * SECOND },
      10,
      undefined,
      {},
    )
    expect(Object.fromEntries(requests[1]!)).toMatchObject({
      startTimestamp: String((START - Date.UTC(2021, 0, 1)) / SECOND + 950),
      stopTimestamp: String((START - Date.UTC(2021, 0, 1)) / SECOND + 959),
    })
  })

  test('has each message once, though the hub repeats one on its next page', async () => {
    const json = (numbers: number[], nextPageToken: string) => ({
      messages: numbers.map((n) => toHubJson(post(n, n))),
      nextPageToken,
    })
    const hub: HttpClient = {
      get: async (_path, { pageToken }) => (pageToken ? json([4, 3], '') : json([5, 4], 'more')),
      close() {},
    }
    expect(numbers(await paging(hub).page(LIST, ALWAYS, 9, undefined, {}))).toEqual([5, 4, 3])
  })

  test('far back takes a bounded number of requests a call, and gets there', async () => {
    const { hub, requests } = hubOf(posts(150), { cap: 2 })
    const pages = paging(hub)
    const window = { since: ALWAYS.since, until: START + 20 * SECOND }
    const first = await pages.page(LIST, window, 2, undefined, {})
    expect(requests).toHaveLength(50)
    expect(first.entries).toEqual([])
    const second = await pages.page(LIST, window, 2, first.cursor!, {})
    expect(numbers(second)).toEqual([2, 1])
  })
})

describe('messages that can not be read', () => {
  const bad = (n: number, second: number): Held => ({
    unreadable: true,
    time: START + second * SECOND,
    hash: hash(n),
  })

  test('stand among the others', async () => {
    const pages = paging(hubOf([...posts(4), bad(9, 25)]).hub)
    expect(numbers(await pages.page(LIST, ALWAYS, 10, undefined, {}))).toEqual([4, -1, 3, 2, 1])
    const first = await pages.page(LIST, ALWAYS, 2, undefined, {})
    expect(numbers(first)).toEqual([4, -1])
    expect(numbers(await pages.page(LIST, ALWAYS, 2, first.cursor!, {}))).toEqual([3, 2])
  })

  test('are not lost where a page of ours ends inside one of the hub', async () => {
    const removed = (n: number): Message => ({
      type: 'cast-removed',
      hash: hash(50 + n),
      fid: 1,
      time: START + 100 * SECOND,
      target: hash(1),
    })
    const pages = paging(hubOf([...posts(4), bad(9, 25), removed(1), removed(2)]).hub)
    const first = await pages.page(TIMED, ALWAYS, 1, undefined, {})
    const second = await pages.page(TIMED, ALWAYS, 1, first.cursor!, {})
    expect([...numbers(first), ...numbers(second)]).toEqual([4, -1])
  })

  test('are told too where reverse fails', async () => {
    const pages = paging(hubOf([...posts(4), bad(9, 25)], { reverse: false }).hub)
    expect(numbers(await pages.page(LIST, ALWAYS, 10, undefined, {}))).toEqual([4, -1, 3, 2, 1])
  })
})

describe('where reverse fails', () => {
  test('the next call begins near the end', async () => {
    const held = posts(3500)
    const { hub, requests } = hubOf(held, { reverse: false })
    const pages = paging(hub)
    expect(numbers(await pages.page(LIST, ALWAYS, 3, undefined, {}))).toEqual([3500, 3499, 3498])
    expect(requests).toHaveLength(1 + 4)
    held.push(post(9999, 40_000))
    const since = { since: START + 34_980 * SECOND, until: ALWAYS.until }
    expect(numbers(await pages.page(LIST, since, 10, undefined, {}))).toEqual([9999, 3500, 3499])
    expect(requests).toHaveLength(5 + 1 + 2)
  })

  test('what lies before the remembered page is found all the same', async () => {
    const { hub } = hubOf(posts(3500), { reverse: false })
    const pages = paging(hub)
    await pages.page(LIST, ALWAYS, 3, undefined, {})
    const old = { since: ALWAYS.since, until: START + 50 * SECOND }
    expect(numbers(await pages.page(LIST, old, 10, undefined, {}))).toEqual([5, 4, 3, 2, 1])
    const long = await pages.page(LIST, { since: START, until: ALWAYS.until }, 1000, undefined, {})
    expect(long.entries).toHaveLength(1000)
    expect(long.cursor).not.toBeNull()
  })

  test('a list too long for one call says so, and the next call gets to its end', async () => {
    const { hub } = hubOf(posts(150), { reverse: false, cap: 1 })
    const pages = paging(hub)
    await expect(pages.page(LIST, ALWAYS, 1, undefined, {})).rejects.toMatchObject({
      error: 'refused',
      status: 400,
      message: expect.stringContaining('longer than 100 pages'),
    })
    expect(numbers(await pages.page(LIST, ALWAYS, 1, undefined, {}))).toEqual([150])
  })

  test('and ascending too, the first failure is told', async () => {
    const hub: HttpClient = {
      get: async (_path, query) => {
        throw new HubError('refused', query.reverse ? 'first' : 'second', 400)
      },
      close() {},
    }
    await expect(paging(hub).page(LIST, ALWAYS, 1, undefined, {})).rejects.toThrow('first')
  })

  test.each([400, 500])('with %i', async (status) => {
    const { hub } = hubOf(posts(3), { reverse: false, status })
    expect(numbers(await paging(hub).page(LIST, ALWAYS, 2, undefined, {}))).toEqual([3, 2])
  })

  test('other failures are not taken for it', async () => {
    const asked: Query[] = []
    const hub: HttpClient = {
      get: async (_path, query) => {
        asked.push(query)
        throw new HubError('refused', 'slow down', 429, 7)
      },
      close() {},
    }
    await expect(paging(hub).page(LIST, ALWAYS, 1, undefined, {})).rejects.toMatchObject({ retryAfter: 7 })
    expect(asked).toHaveLength(1)
  })
})

describe('a cursor', () => {
  const remade = (cursor: string, change: (parts: unknown[]) => void): string => {
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    change(parts)
    return Buffer.from(JSON.stringify(parts)).toString('base64url')
  }

  test('that is damaged or of another list is an argument error', async () => {
    const pages = paging(hubOf(posts(5)).hub)
    const { cursor } = await pages.page(LIST, ALWAYS, 2, undefined, {})
    const other = { ...LIST, query: { url: 'https://other.example' } }
    const wrong = [
      [LIST, 'x'],
      [LIST, cursor!.slice(0, -3)],
      [LIST, remade(cursor!, (parts) => parts.pop())],
      [LIST, remade(cursor!, (parts) => parts.splice(1, 1, '5'))],
      [LIST, remade(cursor!, (parts) => parts.splice(2, 1, null))],
      [other, cursor!],
    ] as const
    for (const [list, given] of wrong)
      await expect(pages.page(list, ALWAYS, 2, given, {})).rejects.toThrow(ArgumentError)
  })

  test('whose token the hub no longer knows still goes on where it was', async () => {
    const { hub, requests } = hubOf(posts(5))
    const pages = paging(hub)
    const { cursor } = await pages.page(LIST, ALWAYS, 2, undefined, {})
    const foreign = remade(cursor!, (parts) => parts.splice(3, 1, 'gone'))
    expect(numbers(await pages.page(LIST, ALWAYS, 10, foreign, {}))).toEqual([3, 2, 1])
    expect(requests.slice(1).map((asked) => asked.get('reverse'))).toEqual(['true', 'true'])
  })
})

test('an answer that is no page is unreadable', async () => {
  for (const answer of [null, 5, [], {}, { messages: {} }, { messages: [], nextPageToken: 7 }]) {
    const hub: HttpClient = { get: async () => answer, close() {} }
    await expect(paging(hub).page(LIST, ALWAYS, 1, undefined, {})).rejects.toMatchObject({
      error: 'unreadable',
    })
  }
})

test('a page has an end', () => {
  const page = (n: number) => readPage({ messages: Array.from({ length: n }, () => null), nextPageToken: '' })
  expect(page(MAX_MESSAGES).messages).toHaveLength(MAX_MESSAGES)
  expect(() => page(MAX_MESSAGES + 1)).toThrow(/over 10000 messages/)
})
