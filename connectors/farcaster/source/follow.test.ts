import fc from 'fast-check'
import { expect, test } from 'vitest'
import { followedOf, parseFollow, unknownOf } from './follow.ts'

const channel = (id: string, followers = 10) => ({ id, url: `https://c.example/${id}`, followers })
const LISTED = [channel('base', 900), channel('art'), channel('art-prints', 50), channel('Cats')]
const ids = (urls: string[]) => urls.map((url) => url.split('/').at(-1))
const of = (
  list: string,
  { min = 0, listed = LISTED as typeof LISTED | null, before = [] as string[] } = {},
) =>
  ids(
    followedOf(
      parseFollow(list, min),
      listed,
      before.map((id) => channel(id).url),
    ),
  )

test('by id, by pattern, by URL, or all', () => {
  expect(of('base')).toEqual(['base'])
  expect(of('art*, cats')).toEqual(['Cats', 'art', 'art-prints'])
  expect(of('art')).toEqual(['art'])
  expect(of('*')).toHaveLength(4)
  expect(of('https://x.example/y,chain://eip155:1/erc721:0xab')).toEqual(['erc721:0xab', 'y'])
  expect(of('none')).toEqual([])
})

test('above a size, and then for good', () => {
  expect(of('*', { min: 50 })).toEqual(['art-prints', 'base'])
  expect(of('*', { min: 50, before: ['art'] })).toEqual(['art', 'art-prints', 'base'])
  expect(of('base', { before: ['art'] })).toEqual(['base'])
})

test('who leaves the list stays while all are followed; who was followed stays while there is no list', () => {
  expect(of('*', { before: ['gone'] })).toContain('gone')
  expect(of('art*', { before: ['gone'] })).not.toContain('gone')
  expect(of('art*', { listed: null, before: ['art', 'art-prints'] })).toEqual(['art', 'art-prints'])
  expect(of('https://x.example/y', { listed: null, before: ['art'] })).toEqual(['y'])
})

test.each(['', 'a,,b', 'a b', 'ftp://x', '(a+)+$'])('"%s" is refused in words', (list) => {
  expect(() => parseFollow(list, 0)).toThrow(/--follow/)
})

test('a pattern is found as a regular expression would, but in no time', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'B', '-'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*', '*'), minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(text, pattern, (id, like) => {
      const listed = [channel(id)]
      const expected = new RegExp(`^${like.replaceAll('*', '.*')}$`, 'i').test(id)
      expect(unknownOf(parseFollow(like, 0), listed)).toEqual(expected ? [] : [like])
    }),
    { numRuns: 2000 },
  )
  const before = performance.now()
  expect(of(`${'*a'.repeat(15)}*b`, { listed: [channel('a'.repeat(100_000))] })).toEqual([])
  expect(performance.now() - before).toBeLessThan(500)
})
