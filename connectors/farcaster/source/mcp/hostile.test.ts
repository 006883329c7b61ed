/** Answers of a server that nobody vouches for: a page, or an Error in words of ours, and in no time. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CastId } from '../../../../schemas/message.ts'
import { proof } from './proof.ts'
import { readCasts, readChannels, readReactions } from './structured.ts'
import { channelFrame, readCastText, readReactionText } from './text-results.ts'

const MARK = 'ZQX'
const HASH = `0x${'ab'.repeat(20)}`
const url = 'https://x.example/c'
const target: CastId = { fid: 1, hash: Buffer.alloc(20, 0xab) }

/** The Error, which must quote nothing of what came; null where it could be read. */
function refused(read: () => unknown): string | null {
  try {
    read()
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(TypeError)
    const { message } = error as Error
    expect(message.length).toBeLessThan(250)
    expect(message).not.toContain(MARK)
    return message
  }
}

describe('structured results', () => {
  const cast = {
    ...{
      hash: HASH,
      fid: 1,
      author: null,
      time: '2026-01-05T00:00:00Z',
      text: 'gm',
      channel: url,
      parent: null,
    },
    ...{ urls: [], quotes: [], mentions: [] },
  }
  const results: [
    string,
    object,
    (value: unknown) => { items: unknown[]; unfit: number; entries: number },
  ][] = [
    ['casts', { casts: [cast], cursor: null, invalid: 0 }, (value) => readCasts(value, { url })],
    [
      'reactions',
      {
        ...{ cast: { fid: 1, hash: HASH }, likes: 1, recasts: 0, cursor: null, invalid: 0 },
        reactions: [{ hash: HASH, fid: 2, type: 'like', time: '2026-01-05T00:00:00Z' }],
      },
      (value) => readReactions(value, target),
    ],
    [
      'channels',
      { channels: [{ id: 'c', url, name: 'C', description: null, followers: 1, members: 1 }], cursor: null },
      readChannels,
    ],
  ]
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(
      ...[undefined, null, MARK, `\0${MARK}\ud800\u202e`, -1, 0, 1.5, 2 ** 53, 1e308, -0, [], {}, [[MARK]]],
      ...[
        '2026-02-30T00:00:00Z',
        '0000-01-01T00:00:00Z',
        '9999-12-31T23:59:59.999Z',
        '2026-01-05T00:00:00+01:00',
      ],
      JSON.parse(`{"__proto__": {"${MARK}": 1}, "constructor": 1}`),
    ),
  )

  /** `value` with what stands at one place, chosen by `n`, taken by `put`. */
  function changed(value: unknown, n: number, put: unknown): unknown {
    const copy = structuredClone(value) as Record<string, unknown>
    const places: [Record<string, unknown>, string][] = []
    const walk = (inner: unknown): void => {
      if (typeof inner !== 'object' || inner === null) return
      const holder = inner as Record<string, unknown>
      for (const key of Object.keys(holder)) {
        places.push([holder, key])
        walk(holder[key])
      }
      if (!Array.isArray(inner)) places.push([holder, MARK])
    }
    walk(copy)
    const [holder, key] = places[n % places.length]!
    holder[key] = put
    return copy
  }

  test.each(results)('%s: anything at any place', (_, result, read) => {
    expect(read(result)).toMatchObject({ entries: 1, unfit: 0 })
    fc.assert(
      fc.property(fc.nat(100), odd, (n, put) => {
        const value = changed(result, n, put)
        if (refused(() => read(value)) !== null) return
        const { items, unfit, entries } = read(value)
        expect(items.length + unfit).toBe(entries)
        for (const item of items) {
          const { time } = item as { time?: number }
          if (time !== undefined) expect(Number.isSafeInteger(time)).toBe(true)
          expect(JSON.stringify(item)).not.toMatch(/\\u0000|\\ud800/)
        }
      }),
      { numRuns: 1500 },
    )
    fc.assert(fc.property(odd, (value) => void refused(() => read(value))))
  })
})

describe('text', () => {
  const head = `# Recent Casts in Channel "${url}"\n\n`
  const block = (n: number, text: string, name = 'name'): string =>
    `\n${n}. ${name}\n   FID: 1\n   Time: 2026-01-05 00:00:00\n   Text: ${text}\n   Cast ID: ${HASH}\n   `
  const read = (body: string, limit = 100) => readCastText(head + body, channelFrame(url), { url }, limit)
  const part = fc.constantFrom(
    ...[
      '\n---\n',
      '\n',
      '   ',
      '\n2. ',
      '\n1. x',
      '\n   FID: 1',
      '\n   Time: 2026-01-05 00:00:00',
      '\n   Text: ',
    ],
    ...[
      `\n   Cast ID: ${HASH}`,
      '\n   Cast ID: ',
      `\n   Reply to: 1/${HASH}`,
      '\n   Embeds: a',
      MARK,
      '\0',
      '\ud800',
    ],
    ...['2. [Invalid cast format]', '\u2028', '\r\n', block(2, MARK), block(3, 'x')],
  )
  const hostile = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''))

  test('a text on a page that is full never adds a cast, nor takes one away', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const body = [block(1, 'first'), block(2, text), block(3, 'last')].join('\n---\n')
        let items: { text?: string }[] = []
        if (refused(() => ({ items } = read(body, 3))) !== null) return
        // What the second says may be lost, or pass for its own fields.
        const first = items.map(({ text }) => text)
        expect(first[0]).toBe('first')
        expect(first.at(-1)).toBe('last')
        expect(items.length).toBeLessThanOrEqual(3)
      }),
      { numRuns: 2000 },
    )
  })

  test('any name, any text, anything', () => {
    fc.assert(
      fc.property(hostile, hostile, (text, name) => {
        refused(() => read(block(1, text, name)))
        refused(() => read(text))
        refused(() => readReactionText(text, target))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ...[
      '\n',
      '\n---\n',
      '\n---\n\n2. ',
      '\n   Cast ID: ',
      '\n   Cast ID: x\n   \n---\n',
      '\n   FID: ',
      '\n   ',
    ],
    ...['\n   Embeds: ', '\n   Reply to: 1/0x', '\n---\n\n2. x\n   FID: 1\n   Time: 2\n   Text: ', '1'],
  ])('half a megabyte of %j is read in no time', (repeated) => {
    const long = repeated.repeat(500_000 / repeated.length)
    const before = performance.now()
    for (const body of [
      block(1, long),
      block(1, 'x', long),
      long,
      `${block(1, long)}\n---\n${block(2, long)}`,
    ])
      refused(() => read(body))
    refused(() => readReactionText(long, target))
    // By its square, any of these would take minutes.
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})

test('pages prove no more than they hold, whatever times stand on them', () => {
  const able = { since: true, cursor: true, maxLimit: 100 }
  const times = fc.array(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), { maxLength: 10 })
  fc.assert(
    fc.property(times, fc.integer(), fc.option(fc.string()), (times, since, cursor) => {
      const asked = { limit: 100, cursor: null, proven: Number.POSITIVE_INFINITY }
      const proven = proof(since, asked, able, { times, entries: times.length, cursor })
      if (proven === null) return
      expect(Number.isNaN(proven.from)).toBe(false)
      // More may follow: what is proven ends at the oldest, or before it.
      const oldest = times.at(-1) ?? Number.POSITIVE_INFINITY
      if (proven.next)
        expect(proven.from).toBeGreaterThan(oldest === Number.POSITIVE_INFINITY ? since : oldest)
    }),
  )
})
