/** Archives in any order say the same as in order of time, and never more than they know. */
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BASE, DAY, FARCASTER_EPOCH, floorTo, HOUR, iso, MINUTE, SECOND } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import type { SourceItem } from '../completeness.ts'
import { cast, collect, hash, temporaryFiles } from '../fixtures.ts'
import { toHubJson } from '../hub-json.ts'
import { type ArchiveOptions, openArchive } from './archive.ts'

const { dir, file } = temporaryFiles()
const T = Date.UTC(2024, 1, 5)
const line = (message: Message) => JSON.stringify(toHubJson(message))
const lines = (...messages: Message[]) => messages.map(line)
const written = (parts: readonly string[][]) => parts.map((part) => file(part.join('\n')))

async function read(files: string[], options: Partial<ArchiveOptions> = {}) {
  const { survey, items } = await openArchive(files, { dir, now: T + 3000 * DAY, ...options })
  return { survey, items: await collect(items()) }
}

const minutes = (time: number) => (time - T) / MINUTE
const show = (item: SourceItem): string => {
  if (item.kind === 'message') return String(item.message.hash.readUInt32BE(16))
  if (item.kind !== 'span') return `?${item.line}`
  const span = `[${minutes(item.from)},${minutes(item.to)})`
  return item.status === 'gap' ? `!${span}` : span
}
const shown = async (...parts: string[][]) => (await read(written(parts))).items.map(show)
/** Without the names of files, and how far they are read. */
const bare = (items: SourceItem[]) =>
  items.map((item) => (item.kind === 'message' ? item.message : item.kind === 'span' ? item : item.why))

const step = fc.record({
  ahead: fc.integer({ min: 0, max: 900 }),
  kind: fc.constantFrom('post', 'reply', 'like', 'gone'),
  to: fc.nat(),
})
const messagesOf = (steps: { ahead: number; kind: string; to: number }[]): Message[] => {
  let time = T
  return steps.map(({ ahead, kind, to }, n) => {
    // Many within a second, whose order is theirs alone.
    time += ahead < 300 ? 0 : ahead * SECOND
    const target = to % (n + 1)
    if (kind === 'post' || n === 0) return cast(n, time, `https://${to % 3}.org`)
    if (kind === 'reply') return cast(n, time, target)
    const common = { hash: hash(n), fid: 1, time }
    return kind === 'like'
      ? { type: 'reaction', kind: 'like', ...common, target: { fid: 1, hash: hash(target) } }
      : { type: 'cast-removed', ...common, target: hash(target) }
  })
}

test('any order of the lines, and any parts of them, give the same as the lines in order of time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(undefined, { runEntries: 4, fanIn: 2 }),
      fc.boolean(),
      async (steps, chance, parts, limits, twice) => {
        const all = lines(...messagesOf(steps))
        const whole = await read(written([all]))
        expect(whole.survey.inOrder).not.toBeNull()
        const shuffled = [...all, ...(twice ? all.slice(0, 1) : [])]
          .map((text) => ({ text, at: chance.next().value! }))
          .sort((a, b) => a.at - b.at)
        const files = Array.from({ length: parts }, (): string[] => [])
        for (const { text, at } of shuffled) files[at % parts]!.push(text)
        const mixed = await read(written(files), limits ? { limits } : {})
        const [first, ...others] = bare(mixed.items)
        // A line that stands there twice comes twice, side by side.
        const once = [
          first!,
          ...others.filter((item, i) => JSON.stringify(item) !== JSON.stringify([first!, ...others][i])),
        ]
        expect(twice ? once : [first, ...others]).toEqual(bare(whole.items))
        expect(mixed.survey.gaps).toEqual([])
      },
    ),
    { numRuns: 200 },
  )
})

test('parts that follow one another are read as they are, in whatever order they are given', async () => {
  const [a, b] = [
    lines(cast(1, T, null), cast(2, T + HOUR, 1)),
    lines(cast(3, T + HOUR, 1), cast(4, T + 2 * HOUR, 1)),
  ]
  const { survey, items } = await read(written([b, [], a]))
  expect(survey.inOrder).toHaveLength(3)
  expect(items.map(show).filter((text) => !text.startsWith('['))).toEqual(['1', '2', '3', '4'])
})

test('of one second, a post stands before what answers it', async () => {
  const like: Message = {
    type: 'reaction',
    kind: 'like',
    hash: hash(0),
    fid: 1,
    time: T,
    target: { fid: 1, hash: hash(9) },
  }
  expect(await shown(lines(like, cast(1, T, 9), cast(9, T, 'https://a.org')))).toEqual([
    '9',
    '1',
    '0',
    '[0,5)',
  ])
})

test('one second may have any number of messages', async () => {
  const many = Array.from({ length: 10_002 }, (_, n) => cast(10_002 - n, T, null))
  const { survey, items } = await read(written([lines(...many)]))
  expect(survey.inOrder).toBeNull()
  expect(items.slice(0, 3).map(show)).toEqual(['1', '2', '3'])
})

test('also a second that goes on in other files has any number of messages, and more than may be held are sorted', async () => {
  const [before, after] = [line(cast(1, T - HOUR, null)), line(cast(2, T + HOUR, null))]
  const inOrder = async (...counts: number[]) => {
    const parts = counts.map((count, part) =>
      lines(...Array.from({ length: count }, (_, n) => cast(20_000 * part + n + 3, T, null))),
    )
    parts[0]!.unshift(before)
    parts.at(-1)!.push(after)
    return (await openArchive(written(parts), { dir })).survey.inOrder !== null
  }
  expect(await inOrder(5000, 1, 4999)).toBe(true)
  expect(await inOrder(5000, 1, 5000)).toBe(false)
})

test('what is of types that are not kept is counted', async () => {
  const link = line(cast(2, T, null)).replace('CAST_ADD', 'LINK_ADD')
  const { survey, items } = await read(written([[link, '  ', line(cast(1, T, null))], [link]]))
  expect([survey.others, items.map(show)]).toEqual([2, ['1', '[0,5)']])
})

describe('a line that can’t be read', () => {
  const at = (n: number) => line(cast(n, T + n * MINUTE, null))

  test('lies between its neighbours where its file is in order of time, either way', async () => {
    expect((await shown([at(1), 'oops', at(12), at(40), at(41)])).filter((s) => s.startsWith('!'))).toEqual([
      '![0,5)',
      '![5,15)',
    ])
    const descending = await shown([at(41), at(40), at(12), 'oops', at(1)])
    expect(descending.filter((s) => s.startsWith('!'))).toEqual(['![0,5)', '![5,15)'])
    expect(descending.indexOf('?4')).toBeLessThan(descending.indexOf('![0,5)'))
  })

  test('at the end of a file lies between it and the file that follows; at the end of all, in the last bin', async () => {
    const gaps = async (...parts: string[][]) =>
      (await read(written(parts))).survey.gaps.map(({ from, to }) => [minutes(from), minutes(to)])
    expect(await gaps([at(1), at(2), 'oops'], [at(40), at(41)])).toEqual([[0, 45]])
    expect(await gaps(['oops', at(40), at(41)], [at(1), at(2)])).toEqual([[0, 45]])
    expect(await gaps(['oops', at(1), at(20), 'oops'])).toEqual([
      [0, 5],
      [20, 25],
    ])
    // These overlap: nothing tells of what the other's neighbour was.
    expect(await gaps(['oops', at(20), at(41)], [at(1), at(30)])).toEqual([[20, 25]])
  })

  test('in a file in no order lies anywhere in it, and in one without messages anywhere at all', async () => {
    const { survey } = await read(
      written([
        [at(20), at(50), 'oops', at(30)],
        [at(1), at(90)],
      ]),
    )
    expect(survey.gaps).toEqual([
      { from: T + 20 * MINUTE, to: T + 55 * MINUTE, reason: expect.stringMatching(/not in order of time/) },
    ])
    const alone = await read(written([['oops'], [at(1), at(90)]]))
    expect(alone.survey.gaps).toEqual([
      { from: T, to: T + 95 * MINUTE, reason: expect.stringMatching(/^unreadable: .*:1$/) },
    ])
  })

  test('whose time can be read lies there, wherever it stands', async () => {
    const known = line(cast(7, T + 7 * MINUTE, null)).replace(/"hash":"0x\w+"/, '"hash":"0x00"')
    for (const part of [
      [at(1), at(40), known, at(20)],
      [known, at(1), at(20), at(40)],
    ]) {
      const { survey } = await read(written([part]))
      expect(survey.gaps.map(({ from, to }) => [minutes(from), minutes(to)])).toEqual([[5, 10]])
    }
  })
})

describe('a clock that is wrong', () => {
  /** A day, each ten minutes. */
  const day = Array.from({ length: 144 }, (_, n) => cast(n + 1, T + n * 10 * MINUTE, 'https://a.org'))
  const stray = (n: number, time: number) => cast(1000 + n, time, 'https://a.org')
  const refused = (items: SourceItem[]) =>
    items.flatMap((item) => (item.kind === 'wrong-clock' ? item.why : []))
  const rest = (items: SourceItem[]) => bare(items.filter((item) => item.kind !== 'wrong-clock'))

  test('is told, not believed, also when several agree, and leaves all else as it would be', async () => {
    const good = await read(written([lines(...day)]))
    for (const strays of [
      [T + 36 * HOUR, T + 36 * HOUR + SECOND],
      [T + 300 * DAY, T - 100 * DAY],
      [FARCASTER_EPOCH, T + 40 * HOUR, T + 400 * DAY],
      [T - 2 * DAY, T - DAY, T + 3 * DAY, T + 4 * DAY],
    ]) {
      const all = day.toSpliced(50, 0, ...strays.map((time, n) => stray(n, time)))
      for (const part of [all, all.toReversed()]) {
        const { items, survey } = await read(written([lines(...part)]))
        // Before all else: who reads only a part is told of them too.
        expect(refused(items.slice(0, strays.length))).toHaveLength(strays.length)
        expect(survey.wrongClocks).toBe(strays.length)
        expect(refused(items).join()).toContain(`data.timestamp is ${iso(strays[0]!)}, far from all others`)
        expect(rest(items)).toEqual(rest(good.items))
        expect(survey.gaps).toEqual([])
      }
    }
  })

  test('is believed where all are to be, also ahead of this machine', async () => {
    const part = lines(...day, stray(1, T + 300 * DAY))
    const now = T + 200 * DAY
    const { items, survey } = await read(written([part]), { now, believeClocks: true })
    expect([refused(items), survey.wrongClocks, survey.inOrder?.length]).toEqual([[], 0, 1])
    expect((await read(written([part]), { now })).survey.wrongClocks).toBe(1)
  })

  test('does not hide between which lines one that can’t be read stands', async () => {
    const part = lines(...day)
    part.splice(50, 0, line(stray(1, T + 36 * HOUR)))
    part.splice(100, 0, 'oops')
    const { survey } = await read(written([part]))
    const from = floorTo(day[98]!.time, BASE)
    expect(survey.gaps).toMatchObject([{ from, to: from + 3 * BASE }])
  })

  test('is believed where silences are usual, where too many agree, and where little is known', async () => {
    const believed = async (...messages: Message[]) =>
      refused((await read(written([lines(...messages)]))).items).length
    const each = (hours: number, n: number) =>
      Array.from({ length: n }, (_, i) => cast(i, T + i * hours * HOUR, null))
    // Nights of nine hours, and a silence of three days.
    const nights = each(1, 72).filter(({ time }) => time % DAY < 15 * HOUR)
    expect(await believed(...nights, stray(1, T + 6 * DAY))).toBe(0)
    expect(await believed(...each(24, 30), stray(1, T + 36 * DAY))).toBe(0)
    expect(
      await believed(...day, ...Array.from({ length: 10 }, (_, n) => stray(n, T + 9 * DAY + n * SECOND))),
    ).toBe(0)
    expect(await believed(...each(1, 3), stray(1, T + 2 * DAY))).toBe(0)
    // The afternoon of a day, and the next morning.
    expect(await believed(...day.slice(0, 60), stray(1, T + 22 * HOUR))).toBe(0)
    expect(await believed(...day.slice(0, 60), stray(1, T + 20 * DAY))).toBe(1)
  })
})

test('a file that changes while it is read is named, and what has come to it is left for the next time', async () => {
  const { writeFileSync } = await import('node:fs')
  const [a, b, c] = lines(cast(1, T, null), cast(2, T + HOUR, null), cast(3, T + 2 * HOUR, null))
  const path = file(`${a}\n${b}\n`)
  const { items } = await openArchive([path], { dir })
  writeFileSync(path, `${a}\n${b}\n${c}\n`)
  expect((await collect(items())).map(show).filter((text) => !text.startsWith('['))).toEqual(['1', '2'])
  writeFileSync(path, `${b}\n${a}\n`)
  await expect(collect(items())).rejects.toThrow(/changed while it was read/)
  writeFileSync(path, `${a}\n`)
  await expect(collect(items())).rejects.toThrow(/changed while it was read/)
})

test('of lines that have come since, the earliest time is known', async () => {
  const [a, b, c] = lines(cast(1, T, null), cast(2, T + 2 * HOUR, null), cast(3, T + HOUR, null))
  const earliest = async (known: number[], ...parts: string[][]) =>
    (await read(written(parts), { known })).survey.earliestNew
  expect(await earliest([2], [a!, b!])).toBe(Number.POSITIVE_INFINITY)
  expect(await earliest([1], [a!, b!])).toBe(T + 2 * HOUR)
  expect(await earliest([2], [a!, b!, c!])).toBe(T + HOUR)
  expect(await earliest([2], [a!, b!], [c!])).toBe(T + HOUR)
  // What can't be read may be as early as its neighbour.
  expect(await earliest([2], [a!, b!, 'oops'])).toBe(T + 2 * HOUR)
  expect(await earliest([3], [b!, a!, c!, 'oops'])).toBe(T)
})

test('a stop ends the first look, and the sorting', async () => {
  const many = lines(...Array.from({ length: 2500 }, (_, n) => cast(n, T - n * SECOND, null)))
  const path = file(gzipSync(many.join('\n')))
  const abort = new AbortController()
  const stop = () => abort.abort(new Error('stopped'))
  await expect(openArchive([path], { dir, signal: abort.signal, onRead: stop })).rejects.toThrow('stopped')
  const later = new AbortController()
  const { items } = await openArchive([path], { dir, signal: later.signal })
  later.abort(new Error('stopped'))
  await expect(collect(items())).rejects.toThrow('stopped')
})
