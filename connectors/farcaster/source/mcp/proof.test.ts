import { expect, test } from 'vitest'
import type { PageKey } from '../port.ts'
import { type Abilities, type PageContent, pageRequest, proof } from './proof.ts'

const SINCE = 1_000_000
const able: Record<string, Abilities> = {
  ours: { since: true, cursor: true, maxLimit: 1000 },
  cursors: { since: false, cursor: true, maxLimit: 1000 },
  limits: { since: false, cursor: false, maxLimit: 1000 },
}
/** The first page of `n` entries, one each second, the oldest at `oldest`. */
const times = (n: number, oldest: number) => Array.from({ length: n }, (_, i) => oldest + (n - 1 - i) * 1000)
const page = (kind: keyof typeof able, key: PageKey | undefined, content: Partial<PageContent>) => {
  const abilities = able[kind]!
  const entries = content.times?.length ?? 0
  return proof(SINCE, pageRequest(key, abilities), abilities, {
    times: [],
    entries,
    cursor: undefined,
    ...content,
  })
}

test('a server that says there is no more has told all', () => {
  expect(page('ours', undefined, { times: times(2, SINCE + 5000), cursor: null })).toEqual({
    from: SINCE,
    next: null,
  })
})

test('a cursor leads on from a second after the oldest entry', () => {
  const first = page('ours', undefined, { times: times(3, SINCE + 5000), cursor: 'a:b' })!
  expect(first.from).toBe(SINCE + 6000)
  expect(pageRequest(first.next!, able.ours!)).toEqual({ limit: 1000, cursor: 'a:b', proven: SINCE + 6000 })
  // An empty page with a cursor proves no less than the one before it, and nothing where it is the first.
  expect(page('ours', first.next!, { cursor: 'c' })!.from).toBe(SINCE + 6000)
  expect(page('ours', undefined, { cursor: 'c' })!.from).toBe(Number.POSITIVE_INFINITY)
  // No server leads us in a circle of one.
  expect(page('ours', first.next!, { cursor: 'a:b' })).toBeNull()
})

test('a page that reaches back beyond what was asked for proves it, and ends the asking', () => {
  expect(page('cursors', undefined, { times: times(100, SINCE - 1000), cursor: 'x' })).toEqual({
    from: SINCE,
    next: null,
  })
  expect(page('limits', undefined, { times: times(25, SINCE - 1000) })).toEqual({ from: SINCE, next: null })
  expect(page('limits', undefined, { times: times(25, SINCE) })!.next).not.toBeNull()
})

test('without cursors a full page is asked for again, four times as large, up to the most there can be', () => {
  let key: PageKey | undefined
  const limits: number[] = []
  for (;;) {
    const { limit } = pageRequest(key, able.limits!)
    limits.push(limit)
    const { from, next } = page('limits', key, { times: times(limit, SINCE + 1000) })!
    expect(from).toBe(SINCE + 2000)
    if (!next) break
    key = next
  }
  expect(limits).toEqual([25, 100, 400, 1000])
})

test('unreadable entries fill a page as well', () => {
  expect(page('limits', undefined, { times: times(24, SINCE + 1000), entries: 25 })!.next).toEqual({
    limit: 100,
  })
})

test('a short page is the whole, unless its length may be a cap of the server', () => {
  const short = (n: number, key?: PageKey) => page('limits', key, { times: times(n, SINCE + 1000) })
  for (const n of [0, 1, 5, 9, 11, 24]) expect(short(n), String(n)).toEqual({ from: SINCE, next: null })
  for (const n of [10, 20]) expect(short(n)).toEqual({ from: SINCE + 2000, next: null })
  for (const n of [25, 50, 75, 90])
    expect(short(n, { limit: 100 })).toEqual({ from: SINCE + 2000, next: null })
  expect(short(26, { limit: 100 })).toEqual({ from: SINCE, next: null })
})

test('pages out of the order of time prove nothing', () => {
  expect(page('limits', undefined, { times: [SINCE + 1000, SINCE + 2000] })).toBeNull()
  expect(page('ours', undefined, { times: [SINCE + 1000, SINCE + 2000], cursor: 'x' })).toBeNull()
})

test('the first page is small; behind a cursor all is asked for that may be returned', () => {
  expect(pageRequest(undefined, able.ours!).limit).toBe(100)
  expect(pageRequest(undefined, { ...able.ours!, maxLimit: 50 }).limit).toBe(50)
  expect(pageRequest(undefined, able.limits!).limit).toBe(25)
  expect(pageRequest({ cursor: '5000:abc' }, able.ours!)).toEqual({
    limit: 1000,
    cursor: 'abc',
    proven: 5000,
  })
  expect(() => pageRequest({ cursor: 'not ours' }, able.ours!)).toThrow('no cursor of ours')
})
