import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import { mean, sampleCorrelation } from 'simple-statistics'
import { describe, expect, test } from 'vitest'
import { BASE, DAY, HOUR, SECOND, WEEK } from '../../common/time.ts'
import type { CastId, CastMessage, Message } from '../../schemas/message.ts'
import { REPLY_SHARE } from './conversation.ts'
import type { Planted } from './planted.ts'
import {
  type Bin,
  DEFAULT_START,
  networkOf,
  type SimulationOptions,
  simulate,
  simulateChannels,
} from './simulate.ts'
import { countBins, isReply, keyOf, observe, readBins, take } from './testing.ts'

const BINS_A_DAY = DAY / BASE
const options: SimulationOptions = { seed: 11, liveAt: DEFAULT_START + 2 * DAY }
const quiet: SimulationOptions = { ...options, planted: [] }

const digest = (bins: Bin[]): string => createHash('sha256').update(serialize(bins)).digest('hex')

describe('a pure function of its options', () => {
  const twoDays = digest(readBins(options, 2 * BINS_A_DAY))

  test('equal options give equal bytes, and a longer reading begins with the shorter one', () => {
    expect(digest(readBins(options, 4 * BINS_A_DAY).slice(0, 2 * BINS_A_DAY))).toBe(twoDays)
  })

  test('streams read in turns do not disturb each other', () => {
    const streams = [simulate(options), simulate({ ...options, seed: 12 }), simulate(options)]
    const read = streams.map((): Bin[] => [])
    for (let i = 0; i < 2 * BINS_A_DAY; i++) {
      for (const [j, stream] of streams.entries()) read[j]!.push(stream.next().value)
    }
    expect(digest(read[0]!)).toBe(twoDays)
    expect(digest(read[2]!)).toBe(twoDays)
    expect(digest(read[1]!)).not.toBe(twoDays)
  })

  test('another seed shares no hash', () => {
    const hashes = (seed: number) =>
      readBins({ ...options, seed }, 50).flatMap(({ messages }) => messages.map((m) => keyOf(m.hash)))
    const first = new Set(hashes(1))
    expect(hashes(2).filter((hash) => first.has(hash))).toEqual([])
  })

  test('a channel has the messages that it has alone, whatever happens in others', () => {
    const [largest, second] = networkOf(11)
    const [channel, start] = [largest!.url!, DEFAULT_START + 6 * HOUR]
    const burst: Planted = {
      ...{ type: 'burst', channel, start, end: start + HOUR },
      ...{ ratio: largest!.ratio, factor: 9, fade: HOUR, url: 'https://example.org' },
    }
    const withBurst = observe(readBins({ ...quiet, planted: [burst] }, BINS_A_DAY))
    const without = observe(readBins(quiet, BINS_A_DAY))
    const alone = observe(take(simulateChannels(11, DEFAULT_START, [second!], []), BINS_A_DAY))
    expect(withBurst.get(second!.url)).toEqual(alone.get(second!.url))
    expect(without.get(second!.url)).toEqual(alone.get(second!.url))
    expect(withBurst.get(channel)).not.toEqual(without.get(channel))
  })
})

describe('bins and messages', () => {
  const start = DEFAULT_START + 7 * SECOND
  const bins = readBins({ ...options, start }, 4 * BINS_A_DAY)
  const messages = bins.flatMap((bin) => bin.messages)

  test('bins follow each other, aligned, from the bin of the start', () => {
    expect(bins.map((bin) => bin.start)).toEqual(bins.map((_, i) => DEFAULT_START + i * BASE))
  })

  test('messages lie in their bin, in whole seconds, by time and then hash', () => {
    const outside = bins.flatMap((bin) =>
      bin.messages.filter((m) => m.time < bin.start || m.time >= bin.start + BASE || m.time % SECOND !== 0),
    )
    expect(outside).toEqual([])
    const misplaced = messages.filter((m, i) => {
      const last = messages[i - 1]
      return last && (last.time > m.time || (last.time === m.time && last.hash.compare(m.hash) >= 0))
    })
    expect(misplaced).toEqual([])
  })

  test('hashes have 20 bytes and are unique, in their first 8 bytes too', () => {
    expect(messages.every((m) => m.hash.length === 20)).toBe(true)
    expect(new Set(messages.map((m) => m.hash.toString('hex', 0, 8))).size).toBe(messages.length)
  })

  test('what is replied to, liked or removed was there before, and an account reacts once', () => {
    const casts = new Map<string, CastMessage>()
    const reacted = new Set<string>()
    const seen = { replies: 0, removals: 0, unliked: 0 }
    const wrong: Message[] = []
    const check = (message: Message, right: boolean): void => {
      if (!right) wrong.push(message)
    }
    const before = (message: Message, { fid, hash }: CastId): boolean => {
      const cast = casts.get(keyOf(hash))
      return cast !== undefined && cast.fid === fid && cast.time < message.time
    }
    for (const m of messages) {
      if (m.type === 'cast') {
        casts.set(keyOf(m.hash), m)
        if (m.parent === null || !('cast' in m.parent)) continue
        check(m, before(m, m.parent.cast))
        seen.replies++
      } else if (m.type === 'cast-removed') {
        check(m, before(m, { fid: m.fid, hash: m.target }))
        seen.removals++
      } else {
        const key = `${m.kind} ${m.fid} ${keyOf(m.target.hash)}`
        check(m, before(m, m.target) && reacted.has(key) === (m.type === 'reaction-removed'))
        reacted.add(key)
        if (m.type === 'reaction-removed') seen.unliked++
      }
    }
    expect(wrong).toEqual([])
    expect(Math.min(seen.replies, seen.removals, seen.unliked)).toBeGreaterThan(20)
  })

  test('posts name a channel of the network or none; replies name their parent only', () => {
    const urls = new Set(networkOf(options.seed).map((c) => c.url))
    const casts = messages.filter((m) => m.type === 'cast')
    const posts = casts.filter((m) => !isReply(m))
    expect(new Set(posts.map(({ parent }) => (parent && 'url' in parent ? parent.url : null)))).toEqual(urls)
    expect(new Set(casts.map(({ parent }) => Object.keys(parent ?? {}).join()))).toEqual(
      new Set(['', 'url', 'cast']),
    )
  })

  test('texts fit the network, are varied, and some are hostile', () => {
    const casts = messages.filter((m) => m.type === 'cast')
    expect(Math.max(...casts.map((m) => Buffer.byteLength(m.text)))).toBeLessThanOrEqual(320)
    expect(new Set(casts.map((m) => m.text)).size).toBeGreaterThan(casts.length * 0.7)
    const all = casts.map((m) => m.text).join('\u0001')
    for (const part of ['<script>', '\n---\n', 'https://', '\n\n', '💜']) expect(all).toContain(part)
    for (const some of [
      (m: CastMessage) => m.urls,
      (m: CastMessage) => m.quotes,
      (m: CastMessage) => m.mentions,
    ]) {
      expect(casts.filter((m) => some(m).length > 0).length).toBeGreaterThan(casts.length * 0.01)
    }
  })
})

describe('the network looks like one', () => {
  test.each([1, 2, 42])('8,000 to 16,000 messages a day, 2 to 3 reactions a cast (seed %d)', (seed) => {
    const began = performance.now()
    const days = 3
    const messages = readBins({ seed, liveAt: DEFAULT_START + 21 * DAY }, days * BINS_A_DAY).flatMap(
      (b) => b.messages,
    )
    console.log(`${Math.round(messages.length / (performance.now() - began))},000 messages/s`)
    expect(messages.length / days).toBeGreaterThan(8000)
    expect(messages.length / days).toBeLessThan(16_000)
    const count = (type: Message['type']) => messages.filter((m) => m.type === type).length
    expect(count('reaction') / count('cast')).toBeGreaterThan(1.8)
    expect(count('reaction') / count('cast')).toBeLessThan(3)
    const fids = new Set(messages.map((m) => m.fid))
    expect(fids.size).toBeGreaterThan(300)
  })

  const channels = networkOf(quiet.seed).map((c) => ({ ...c, reactions: 0 }))
  const fortnight = observe(take(simulateChannels(quiet.seed, DEFAULT_START, channels, []), 14 * BINS_A_DAY))

  test('channel sizes are those stated, and heavy-tailed', () => {
    expect(channels.length).toBeGreaterThanOrEqual(30)
    for (const { url, castsPerDay } of channels.slice(0, 8)) {
      const perDay = fortnight.get(url)!.casts.length / 14
      expect(perDay / castsPerDay).toBeGreaterThan(0.75)
      expect(perDay / castsPerDay).toBeLessThan(1.3)
    }
    const total = channels.reduce((sum, c) => sum + c.castsPerDay, 0)
    expect(channels.slice(0, 3).reduce((sum, c) => sum + c.castsPerDay, 0) / total).toBeGreaterThan(0.4)
  })

  test('activity of accounts is heavy-tailed', () => {
    const byFid = new Map<number, number>()
    for (const { casts } of fortnight.values()) {
      for (const { fid } of casts) byFid.set(fid, (byFid.get(fid) ?? 0) + 1)
    }
    const counts = [...byFid.values()].sort((a, b) => b - a)
    const share = (n: number) =>
      counts.slice(0, n).reduce((a, b) => a + b, 0) / counts.reduce((a, b) => a + b, 0)
    expect(counts.length).toBeGreaterThan(400)
    expect(share(Math.round(counts.length / 10))).toBeGreaterThan(0.35)
  })

  test('the branching ratio seen in replies is the stated one', () => {
    for (const { url, ratio } of channels.slice(0, 5)) {
      const { casts } = fortnight.get(url)!
      const seen = casts.filter(isReply).length / casts.length / REPLY_SHARE
      // The variance of replies per cast is below 1.
      expect(Math.abs(seen - ratio)).toBeLessThan(4 / REPLY_SHARE / Math.sqrt(casts.length))
    }
  })

  test('the level follows the daily cycle, whose mean over the week is 1', () => {
    for (const { url, cycle } of channels.slice(0, 3)) {
      const counts = countBins(fortnight.get(url)!.casts, DEFAULT_START, DEFAULT_START + 2 * WEEK)
      const hourly = Array.from({ length: 24 }, (_, h) =>
        mean(counts.filter((_, i) => Math.floor(i / 12) % 24 === h)),
      )
      const stated = hourly.map((_, h) =>
        mean([0, 1, 2, 3, 4, 5, 6].map((d) => cycle(d * DAY + h * HOUR + HOUR / 2))),
      )
      expect(sampleCorrelation(hourly, stated)).toBeGreaterThan(0.9)
      expect(Math.max(...stated) / Math.min(...stated)).toBeGreaterThan(2)
      expect(
        mean(Array.from({ length: WEEK / BASE }, (_, i) => cycle(DEFAULT_START + i * BASE))),
      ).toBeCloseTo(1, 6)
    }
  })
})
