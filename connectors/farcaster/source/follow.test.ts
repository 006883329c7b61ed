import { expect, test } from 'vitest'
import { followedOf, parseFollow } from './follow.ts'

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
