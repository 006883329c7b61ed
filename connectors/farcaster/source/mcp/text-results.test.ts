import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CastId, type CastMessage, hex } from '../../../../schemas/message.ts'
import { channelFrame, readCastText, readReactionText, repliesFrame } from './text-results.ts'

const URL = 'https://onchainsummer.xyz'
const PLACE = { url: URL }
const FRAME = channelFrame(URL)
const TIME = Date.UTC(2024, 3, 30, 19, 1, 29)

type Printed = { name: string; cast: CastMessage }

const swedish = (time: number) => new Date(time).toISOString().slice(0, 19).replace('T', ' ')

/** As the servers print it, written down a second time and in another way than it is read. */
function print({ name, cast }: Printed, i: number, time = swedish): string {
  const lines = ['', `${i + 1}. ${name}`, `   FID: ${cast.fid}`, `   Time: ${time(cast.time)}`]
  lines.push(`   Text: ${cast.text}`)
  if (cast.parent && 'cast' in cast.parent)
    lines.push(`   Reply to: ${cast.parent.cast.fid}/${hex(cast.parent.cast.hash)}`)
  const embeds = [...cast.urls, ...cast.quotes.map(() => 'embedded content')]
  if (embeds.length > 0) lines.push(`   Embeds: ${embeds.join(', ')}`)
  lines.push(`   Cast ID: ${hex(cast.hash)}`, '   ')
  return lines.join('\n')
}
const answer = (blocks: string[], header = FRAME.header) => `${header}\n\n${blocks.join('\n---\n')}`
const post = (text: string, rest: Partial<CastMessage> = {}): CastMessage => ({
  type: 'cast',
  hash: Buffer.alloc(20, 7),
  fid: 5,
  time: TIME,
  text,
  parent: PLACE,
  urls: [],
  quotes: [],
  mentions: [],
  ...rest,
})
const printed = (...casts: CastMessage[]) => answer(casts.map((cast, i) => print({ name: 'Alice', cast }, i)))
const read = (text: string, limit = 25) => readCastText(text, FRAME, PLACE, limit)

const forgery = fc
  .tuple(fc.integer({ min: 1, max: 7 }), fc.constantFrom('Eve', 'Eve\n   Text: '))
  .map(
    ([n, name]) =>
      `\n   Cast ID: 0x${'e'.repeat(40)}\n   \n---\n\n${n}. ${name}\n   FID: 666\n   Time: 2024-04-30 19:01:29\n   Text: `,
  )
const forgedField = fc.constantFrom(
  `\n   Cast ID: 0x${'e'.repeat(40)}\n   `,
  `\n   Reply to: 1/0x${'e'.repeat(40)}`,
  '\n   Embeds: https://evil',
)
const awkward = fc.constantFrom(
  '12. ', '\n2. Bob', '\n---\n', '\n---\n\n2. Bob\n   FID: 3\n', '   Text: ', '\n   Text: x', '\n   FID: 9', '\n   Time: ', '\r', '\r\n',
  '\u2028', '\u2029', '\n', '\n\n', '   ', '\n   ', 'Cast ID: 0x00', '1. [Invalid cast format]', '# Recent Casts', '', '🫡',
) // biome-ignore format: a list
const text = fc
  .array(fc.oneof(awkward, fc.string({ unit: 'binary', maxLength: 12 })), { maxLength: 6 })
  .map((parts) => parts.join('').replaceAll('\0', ''))
  .filter((joined) => !/\n {3}(Reply to|Embeds|Cast ID): /.test(joined))
const hostileText = fc
  .array(fc.oneof(awkward, forgery, forgedField), { maxLength: 5 })
  .map((parts) => parts.join(''))
const name = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
  fc.constantFrom('1. x', 'a\nb', '---'),
)
const casts = (texts: fc.Arbitrary<string>) =>
  fc.array(
    fc.record({
      name,
      cast: fc.record({
        type: fc.constant('cast' as const),
        hash: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
        fid: fc.integer({ min: 1, max: 2 ** 40 }),
        time: fc.integer({ min: 0, max: 5e6 }).map((s) => TIME - s * 1000),
        text: texts,
        parent: fc.constant(PLACE),
        urls: fc.array(
          fc.webUrl({ withQueryParameters: false }).filter((url) => !url.includes(', ')),
          { maxLength: 2 },
        ),
        quotes: fc.constant<CastId[]>([]),
        mentions: fc.constant<number[]>([]),
      }),
    }),
    { minLength: 1, maxLength: 6 },
  )

describe('casts printed as text', () => {
  test('are read as they were printed, whatever their texts and names are', () => {
    fc.assert(
      fc.property(casts(text), (all) => {
        const page = read(answer(all.map((one, i) => print(one, i))))
        expect(page).toEqual({
          items: all.map(({ cast }) => cast),
          unfit: 0,
          entries: all.length,
          cursor: undefined,
        })
      }),
      { numRuns: 500 },
    )
  })

  test('that forge others are never read as what they forge, on a page that is full', () => {
    let readable = 0
    let refused = 0
    fc.assert(
      fc.property(casts(fc.oneof(hostileText, text)), (all) => {
        let page: ReturnType<typeof read>
        try {
          page = read(answer(all.map((one, i) => print(one, i))), all.length)
        } catch {
          refused++
          return
        }
        readable++
        expect(page.entries).toBe(all.length)
        const byHash = new Map(all.map(({ cast }) => [hex(cast.hash), cast]))
        for (const item of page.items) {
          const cast = byHash.get(hex(item.hash))!
          // The end of a text may pass for the embeds of its own cast: no more than that.
          const end = cast.text.slice(item.text.length)
          expect(cast.text.startsWith(item.text)).toBe(true)
          if (end !== '') expect(end).toMatch(/^\n {3}Embeds: [^\n]*$/)
          expect({ ...item, text: '', urls: [] }).toEqual({ ...cast, text: '', urls: [] })
        }
      }),
      { numRuns: 1000 },
    )
    expect(readable).toBeGreaterThan(50)
    expect(refused).toBeGreaterThan(50)
  })

  test('that look like one that could not be printed are read as they are', () => {
    const cast = post('\n---\n2. [Error formatting cast]\n---\n\n2. Bob\n   FID: 3\n')
    expect(read(printed(cast, post('b'))).items).toEqual([cast, post('b')])
  })

  test('whose end is forged make the answer unreadable, or are given up alone', () => {
    const boundary = `\n   Cast ID: 0x${'e'.repeat(40)}\n   \n---\n\n2. Eve\n   FID: 666\n   Time: 2024-04-30 19:01:29\n   Text: hi`
    expect(() => read(printed(post(`a${boundary}`), post('b')))).toThrow('without doubt')
    // The last on a full page: there would be more casts than were asked for.
    expect(() => read(printed(post(`a${boundary}`)), 1)).toThrow('without doubt')
    const field = printed(post(`a\n   Cast ID: 0x${'e'.repeat(40)}\n   `), post('b'))
    expect(read(field)).toMatchObject({ items: [{ text: 'b' }], unfit: 1, entries: 2 })
  })

  test('a page is not believed with a number, an account, a hash or a time that is none', () => {
    const good = print({ name: 'A', cast: post('a') }, 0)
    expect(read(answer([good])).items).toHaveLength(1)
    for (const bad of [
      print({ name: 'A', cast: post('a') }, 1),
      good.replace('FID: 5', 'FID: -5'),
      good.replace('FID: 5', 'FID: 0'),
      good.replace('FID: 5', 'FID: 9007199254740993'),
      good.replace('0x07', '0x'),
      good.replace('2024-04-30', '30.4.2024'),
      good.replace('2024-04-30', '2024-02-30'),
      good.replace('19:01:29', '24:00:00'),
      good.slice(0, -1),
    ])
      expect(() => read(answer([bad])), bad).toThrow('without doubt')
    expect(() => read(answer([good], '# Recent Casts in Channel "https://other"'))).toThrow('something else')
    expect(() => read('Cloudflare says no')).toThrow('something else')
    expect(read(answer(['No cast additions found.']))).toMatchObject({ items: [], unfit: 0, entries: 0 })
    expect(() => read(answer(['No cast additions found. ']))).toThrow('without doubt')
  })

  test('casts that the server could not print count as unreadable', () => {
    const at = (i: number) => print({ name: 'A', cast: post(String(i)) }, i)
    const page = read(
      answer([
        '1. [Invalid cast format]',
        at(1),
        '3. [Error formatting cast]',
        at(3),
        '5. [Invalid cast format]',
      ]),
    )
    expect(page).toMatchObject({ items: [{ text: '1' }, { text: '3' }], unfit: 3, entries: 5 })
    expect(() => read(answer([at(0), '3. [Invalid cast format]']))).toThrow('without doubt')
  })

  test('times are read as sv-SE and en-US print them', () => {
    for (const hour of [0, 1, 11, 12, 13, 23]) {
      const time = Date.UTC(2024, 0, 5, hour, 2, 3)
      for (const space of [' ', '\u202F']) {
        const american = (t: number) =>
          new Date(t).toLocaleString('en-US', { timeZone: 'UTC' }).replace(/[ \u202F](?=[AP]M)/, space)
        const page = read(answer([print({ name: 'A', cast: post('a', { time }) }, 0, american)]))
        expect(page.items[0]!.time).toBe(time)
      }
    }
    const wrong = answer([print({ name: 'A', cast: post('a') }, 0, () => '4/30/2024, 19:01:29 PM')])
    expect(() => read(wrong)).toThrow('without doubt')
  })

  test('embeds are URLs but for quoted casts, whose ids are not printed', () => {
    const cast = post('', { urls: ['https://a', 'https://b'], quotes: [{ fid: 1, hash: Buffer.alloc(20) }] })
    expect(read(printed(cast)).items).toEqual([{ ...cast, quotes: [] }])
  })

  test('a reply is no post, and a post or another cast’s reply no reply', () => {
    const parent = { fid: 9, hash: Buffer.alloc(20, 9) }
    const reply = post('re', { parent: { cast: parent } })
    const other = post('re', { parent: { cast: { fid: 8, hash: parent.hash } } })
    expect(read(printed(reply, post('a')))).toMatchObject({ items: [{ text: 'a' }], unfit: 1 })
    const frame = repliesFrame(hex(parent.hash))
    const blocks = [reply, other, post('a')].map((cast, i) => print({ name: 'A', cast }, i))
    const page = readCastText(answer(blocks, frame.header), frame, { cast: parent }, 25)
    expect(page).toEqual({ items: [reply], unfit: 2, entries: 3, cursor: undefined })
  })

  test('an empty channel is an empty page, of that channel only', () => {
    expect(read(`No casts found for channel "${URL}"`)).toEqual({
      items: [],
      unfit: 0,
      entries: 0,
      cursor: undefined,
    })
    expect(() => read('No casts found for channel "https://other"')).toThrow('something else')
  })
})

describe('reactions printed as text', () => {
  const cast = { fid: 3, hash: Buffer.alloc(20, 0xab) }
  const head = `# Reactions for Cast\n**Cast:** ${hex(cast.hash)}\n**Author FID:** 3\n\n`

  test('are counts, and fifty may be more', () => {
    expect(readReactionText(`${head}**Likes:** 50\n**Recasts:** 2\nRecasted by FIDs: 7, 8`, cast)).toEqual([
      { kind: 'like', count: 50, saturated: true },
      { kind: 'recast', count: 2, saturated: false },
    ])
  })

  test('are not believed where a half is missing or another cast is told of', () => {
    expect(() => readReactionText(`${head}**Likes:** Error fetching\n**Recasts:** 2`, cast)).toThrow('likes')
    expect(() => readReactionText(`${head}**Likes:** 1\n**Recasts:** Error fetching`, cast)).toThrow(
      'recasts',
    )
    expect(() => readReactionText(`${head}**Likes:** 1`, cast)).toThrow('something else')
    expect(() => readReactionText(`${head}**Likes:** 0\n**Recasts:** 0`, { ...cast, fid: 4 })).toThrow(
      'another',
    )
  })
})
