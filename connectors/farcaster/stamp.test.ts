import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR, LATENESS, MINUTE } from '../../common/time.ts'
import type { CastMessage, Message } from '../../schemas/message.ts'
import { cast, hash } from './fixtures.ts'
import { channelOfUrl, createStamp, MEMORY } from './stamp.ts'

const T = Date.UTC(2024, 1, 5)
const channels = (...messages: Message[]): string[] => {
  const { stamp } = createStamp()
  return messages.map((message) => stamp(message).channel)
}

describe('the channel', () => {
  it('of a post is its URL as it is, of a reply at any depth that of the post, of others none', () => {
    const url = 'chain://eip155:1/erc721:0xAB'
    expect(
      channels(
        cast(1, T, url),
        cast(2, T + 1, 1),
        cast(3, T + 2, 2),
        cast(4, T + 3, null),
        cast(5, T + 4, 99),
      ),
    ).toEqual([url, url, url, '_', '_'])
  })

  it('of a removal or reaction is its target’s', () => {
    const removed: Message = { type: 'cast-removed', hash: hash(8), fid: 1, time: T + 1, target: hash(1) }
    const like: Message = {
      type: 'reaction',
      hash: hash(9),
      fid: 2,
      time: T + 2,
      kind: 'like',
      target: { fid: 1, hash: hash(1) },
    }
    const unlike: Message = { ...like, type: 'reaction-removed', hash: hash(10) }
    expect(channels(cast(1, T, 'https://a.org'), removed, like, unlike)).toEqual(
      Array(4).fill('https://a.org'),
    )
    expect(channels(removed, like, unlike)).toEqual(['_', '_', '_'])
  })

  it('is taken from a cast exactly 48 h older, not from one a second older than that', () => {
    const parent = cast(1, T, 'https://a.org')
    expect(channels(parent, cast(2, T + MEMORY, 1))[1]).toBe('https://a.org')
    expect(channels(parent, cast(2, T + MEMORY + 1000, 1))[1]).toBe('_')
    // A reply keeps the chain alive from its own time on.
    expect(channels(parent, cast(2, T + 47 * HOUR, 1), cast(3, T + 90 * HOUR, 2))[2]).toBe('https://a.org')
  })

  it('is taken by a reply that comes out of order, within L', () => {
    const parent = cast(1, T, 'https://a.org')
    const ahead = cast(7, T + MEMORY + LATENESS, null)
    expect(channels(parent, ahead, cast(2, T + MEMORY, 1))[2]).toBe('https://a.org')
    expect(channels(parent, { ...ahead, time: ahead.time + 1000 }, cast(2, T + MEMORY, 1))[2]).toBe('_')
  })

  it('outlives memory being freed more than once within 48 h', () => {
    const parent = cast(1, T + 24 * HOUR, 'https://a.org')
    const ticks = [25, 50, 60].map((hours) => cast(hours, T + hours * HOUR, null))
    const reply = cast(2, T + 72 * HOUR, 1)
    expect(channels(cast(9, T, null), parent, ...ticks, reply).at(-1)).toBe('https://a.org')
  })

  it('is decided once: a reply read before its parent, then again, stays where it was', () => {
    const reply = cast(2, T, 1)
    expect(channels(reply, cast(1, T + 1000, 'https://a.org'), reply)).toEqual(['_', 'https://a.org', '_'])
  })

  it('does not depend on when memory is freed', () => {
    // A slow reference that forgets nothing and looks everything up by the rule.
    const reference = (messages: CastMessage[]): string[] => {
      let clock = Number.NEGATIVE_INFINITY
      const read = new Map<string, { time: number; channel: string }>()
      return messages.map((message) => {
        clock = Math.max(clock, message.time)
        const { parent } = message
        const known = parent && 'cast' in parent ? read.get(parent.cast.hash.toString('hex')) : undefined
        const fresh = known && message.time - known.time <= MEMORY && clock - known.time <= MEMORY + LATENESS
        const channel = parent && 'url' in parent ? parent.url : fresh ? known.channel : '_'
        read.set(message.hash.toString('hex'), { time: message.time, channel })
        return channel
      })
    }
    const step = fc.record({
      ahead: fc.integer({ min: -10, max: 900 }),
      back: fc.option(fc.integer({ min: 1, max: 12 }), { freq: 1 }),
    })
    fc.assert(
      fc.property(fc.array(step, { size: 'max', maxLength: 60 }), (steps) => {
        let time = T
        const messages = steps.map(({ ahead, back }, n) => {
          time += ahead * MINUTE
          return cast(n + 100, time, back === null ? `https://${n}.org` : n + 100 - back)
        })
        expect(channels(...messages)).toEqual(reference(messages))
      }),
    )
  })

  it('is none where a URL can’t be a key', () => {
    for (const url of ['', '*', '_', 'a\nb', 'a\u007f', 'a\u0085', '\0', 'x'.repeat(1025), 'é'.repeat(513)]) {
      expect(channelOfUrl(url)).toBe('_')
    }
    for (const url of ['x'.repeat(1024), '**', 'https://a.org/#*', ' ', '频道', '__proto__']) {
      expect(channelOfUrl(url)).toBe(url)
    }
  })
})

it('makes records of the signed clock, not verified, with the parent URL as written', () => {
  const { stamp } = createStamp()
  expect(stamp(cast(1, T, 'a\nb'))).toEqual({
    channel: '_',
    record: {
      type: 'Cast',
      hash: hash(1),
      fid: 1,
      time: T,
      clock: 'signed',
      verified: false,
      text: 'cast 1',
      parent: null,
      parentUrl: 'a\nb',
      urls: [],
      quotes: [],
      mentions: [],
    },
  })
  expect(stamp(cast(2, T, 1)).record).toMatchObject({ parent: { fid: 1, hash: hash(1) }, parentUrl: null })
})
