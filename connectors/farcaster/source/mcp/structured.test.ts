import { expect, test } from 'vitest'
import { readCasts, readChannels, readReactions } from './structured.ts'

const hash = (byte: number) => `0x${byte.toString(16).padStart(2, '0').repeat(20)}`
const id = (fid: number) => ({ fid, hash: hash(fid) })
const place = (fid: number) => ({ fid, hash: Buffer.alloc(20, fid) })
const TIME = '2024-04-30T19:01:29.000Z'
const reply = (parent: object | null, channel: string | null = null) => ({
  hash: hash(1),
  fid: 1,
  author: 'A',
  time: TIME,
  text: 're',
  channel,
  parent,
  urls: ['https://a\0'],
  quotes: [id(4)],
  mentions: [5],
})

test('replies are those under the cast that was asked for', () => {
  const casts = [
    reply(id(7)),
    reply(id(8)),
    reply({ ...id(7), fid: 8 }),
    reply(null, 'https://x'),
    reply(null),
  ]
  const page = readCasts({ casts, cursor: 'on', invalid: 2 }, { cast: place(7) })
  expect(page).toEqual({
    items: [
      {
        type: 'cast',
        hash: Buffer.alloc(20, 1),
        fid: 1,
        time: Date.parse(TIME),
        text: 're',
        parent: { cast: place(7) },
        urls: ['https://a\uFFFD'],
        quotes: [place(4)],
        mentions: [5],
      },
    ],
    unfit: 6,
    entries: 7,
    cursor: 'on',
  })
})

test('reactions are those to the cast that was asked for', () => {
  const one = { hash: hash(2), fid: 2, type: 'recast', time: TIME }
  const result = {
    cast: id(7),
    likes: 0,
    recasts: 2,
    reactions: [one, { ...one, time: '2023-02-29T00:00:00Z' }],
    cursor: null,
    invalid: 0,
  }
  expect(readReactions(result, place(7))).toEqual({
    items: [
      {
        type: 'reaction',
        kind: 'recast',
        hash: Buffer.alloc(20, 2),
        fid: 2,
        time: Date.parse(TIME),
        target: place(7),
      },
    ],
    unfit: 1,
    entries: 2,
    cursor: null,
  })
  expect(() => readReactions(result, place(8))).toThrow('another cast')
  expect(() => readReactions({ ...result, reactions: [{ ...one, type: 'follow' }] }, place(7))).toThrow(
    '/reactions/0/type',
  )
})

test('channels have an id and a URL', () => {
  const one = {
    id: 'base',
    url: 'https://onchainsummer.xyz',
    name: 'B',
    description: null,
    followers: 9,
    members: 1,
  }
  const page = readChannels({ channels: [one, { ...one, url: '' }, { ...one, id: '' }], cursor: null })
  expect(page).toMatchObject({
    items: [{ id: 'base', url: 'https://onchainsummer.xyz', followers: 9 }],
    unfit: 2,
  })
})
