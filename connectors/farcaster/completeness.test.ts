import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE, DAY, floorTo, LATENESS, MINUTE, SECOND } from '../../common/time.ts'
import type { Message } from '../../schemas/message.ts'
import type { SourceItem } from './completeness.ts'
import { completeBins, completeByLateness } from './completeness.ts'
import { collect } from './fixtures.ts'

const T = Date.UTC(2024, 1, 5)

const message = (time: number): SourceItem & { message: Message } => ({
  kind: 'message',
  message: { type: 'cast-removed', hash: Buffer.alloc(20), fid: 1, time, target: Buffer.alloc(20) },
})
const broken = (line: number): SourceItem => ({
  kind: 'unreadable',
  file: 'a',
  line,
  bytes: Buffer.from('x'),
  why: 'not JSON',
})

/** Minutes after T: `3` a message, `?7` an unreadable line 7, `[0,5)` complete, `![0,5) why` a gap. */
const show = (item: SourceItem): string => {
  const minutes = (time: number) => (time - T) / MINUTE
  if (item.kind === 'message') return String(minutes(item.message.time))
  if (item.kind === 'unreadable') return `?${item.line}`
  const span = `[${minutes(item.from)},${minutes(item.to)})`
  return item.status === 'gap' ? `!${span} ${item.reason}` : span
}
async function* stream(items: SourceItem[]) {
  yield* items
}
const completed = async (...items: (number | SourceItem)[]): Promise<string[]> => {
  const input = items.map((item) => (typeof item === 'number' ? message(T + item * MINUTE) : item))
  return (await collect(completeByLateness(stream(input)))).map(show)
}

describe('completeByLateness', () => {
  it('declares a bin once time has passed its end by L, and all at the end of the input', async () => {
    expect(await completed(1, 5, 9, 10, 14, 26)).toEqual([
      ...['1', '5', '9', '10', '[0,5)', '14', '26', '[5,20)', '[20,30)'],
    ])
  })

  it('ends at a boundary behind the last message, also where it stands on one', async () => {
    expect(await completed(5)).toEqual(['5', '[5,10)'])
    expect(await completed()).toEqual([])
  })

  it('lets messages be out of order within L, also the first', async () => {
    expect(await completed(6, 4, 9, 5, 11)).toEqual(['6', '4', '9', '5', '11', '[0,5)', '[5,15)'])
  })

  it('passes on what is later, without touching what was declared', async () => {
    expect(await completed(10, 4, 11)).toEqual(['10', '4', '11', '[10,15)'])
    expect(await completed(1, 20, 2, 21)).toEqual(['1', '20', '[0,15)', '2', '21', '[15,25)'])
  })

  it('is not led ahead by one message, nor by one after the other', async () => {
    const days = (n: number) => n * 24 * 60
    expect(await completed(1, 2, days(300), 3, 12)).toEqual([
      ...['1', '2', String(days(300)), '3', '12', '[0,5)', '[5,15)'],
    ])
    expect(await completed(1, days(2), 2, days(1), 3, days(3), 12)).toEqual([
      ...['1', '2880', '2', '1440', '3', '4320', '12', '[0,5)', '[5,15)'],
    ])
    // An unreadable line beside it doesn't lie in all that time either.
    expect(await completed(1, days(300), broken(3), 2, 12)).toEqual([
      ...['1', '432000', '?3', '2', '12', '![0,5) unreadable: a:3', '[5,15)'],
    ])
  })

  it('says the same with and without a message that is far ahead, wherever it stands', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: -400, max: 1500 }) },
      { weight: 1, arbitrary: fc.constant('broken' as const) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.nat(),
        fc.integer({ min: 20, max: 300 }),
        async (steps, n, days) => {
          let time = T
          const input = [0, ...steps, 1].map((s, line) => {
            if (s === 'broken') return broken(line)
            time += s * SECOND
            return message(time)
          })
          const stray = message(T + days * DAY)
          const at = 1 + (n % (input.length - 1))
          const strayed = await collect(completeByLateness(stream(input.toSpliced(at, 0, stray))))
          expect(strayed.filter((item) => item !== stray)).toEqual(
            await collect(completeByLateness(stream(input))),
          )
        },
      ),
    )
  })

  it('goes on behind a silence as soon as the next message agrees, and at the end', async () => {
    expect(await completed(1, 301, 302)).toEqual(['1', '301', '302', '[0,295)', '[295,305)'])
    expect(await completed(1, 301, 299, 601, 901)).toEqual([
      ...['1', '301', '299', '[0,295)', '601', '901', '[295,595)', '[595,905)'],
    ])
    expect(await completed(1, broken(2), 301, broken(4), 601, 602)).toEqual([
      ...['1', '?2', '301', '?4', '601', '602'],
      ...['![0,595) unreadable: a:2', '![595,605) unreadable: a:2'],
    ])
    expect(await completed(1, broken(2), 301)).toEqual(['1', '?2', '301', '![0,305) unreadable: a:2'])
  })

  it('makes a gap of the bins an unreadable line may have been in', async () => {
    expect(await completed(1, 6, broken(3), 17, 31)).toEqual([
      ...[
        '1',
        '6',
        '?3',
        '17',
        '[0,5)',
        '![5,10) unreadable: a:3',
        '31',
        '![10,20) unreadable: a:3',
        '[20,25)',
      ],
      '[25,35)',
    ])
  })

  it('makes a gap where unreadable lines begin or end the input, or follow each other', async () => {
    expect(await completed(broken(1), 3, 12)).toEqual(['?1', '3', '12', '![0,5) unreadable: a:1', '[5,15)'])
    expect(await completed(3, 12, broken(3), broken(4))).toEqual([
      ...['3', '12', '[0,5)', '?3', '?4', '[5,10)', '![10,15) unreadable: a:3'],
    ])
    expect(await completed(broken(1))).toEqual(['?1'])
  })

  it('names a bin with two gaps by the first', async () => {
    expect(await completed(1, broken(2), 2, broken(4), 7, 30)).toEqual([
      ...['1', '?2', '2', '?4', '7', '30', '![0,5) unreadable: a:2', '![5,10) unreadable: a:4', '[10,25)'],
      '[25,35)',
    ])
  })

  it('takes the earliest gap first, in whatever order they were found', async () => {
    expect(await completed(8, 11, broken(3), 12, broken(5), 9, 30)).toEqual([
      ...['8', '11', '?3', '12', '?5', '9', '30', '![5,15) unreadable: a:5', '[15,25)', '[25,35)'],
    ])
  })

  it('stops where time leaps ahead by more than 366 days', async () => {
    const days = (n: number) => (n * DAY) / MINUTE
    await expect(completed(0, days(366))).resolves.toContain('[0,527045)')
    await expect(completed(0, days(300), days(500), days(501))).resolves.toContain('[0,431995)')
    await expect(completed(0, days(366) + 1)).rejects.toMatchObject({
      code: 'ARCHIVE_JUMPS',
      details: { days: 366 },
    })
  })

  it('declares spans that join, never before L has passed, with every line’s neighbourhood a gap', async () => {
    const item = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: -400, max: 1500 }) },
      { weight: 1, arbitrary: fc.constant('broken' as const) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 80 }), async (steps) => {
        let time = T
        const input = steps.map((step, n) => {
          if (step === 'broken') return broken(n)
          time += step * SECOND
          return message(time)
        })
        const output = await collect(completeByLateness(stream(input)))
        expect(output.filter((o) => o.kind !== 'span')).toEqual(input)
        const times = input.flatMap((i) => (i.kind === 'message' ? [i.message.time] : []))
        const latest = Math.max(...times)
        const gaps = new Set<number>()
        let clock = Number.NEGATIVE_INFINITY
        let to: number | undefined
        let read = 0
        for (const out of output) {
          if (out.kind === 'message') clock = Math.max(clock, out.message.time)
          if (out.kind !== 'span') read++
          else {
            expect(out.from).toBe(to ?? out.from)
            expect(out.to).toBeGreaterThan(out.from)
            expect(out.to % BASE).toBe(0)
            to = out.to
            if (read < input.length) expect(out.to).toBeLessThanOrEqual(clock - LATENESS)
            if (out.status === 'gap') for (let t = out.from; t < out.to; t += BASE) gaps.add(t)
          }
        }
        if (times.length > 0) expect(to).toBe(floorTo(latest, BASE) + BASE)
        // Neighbours that were on time bound a gap that is declared whole.
        let before: number | undefined
        let open = false
        clock = Number.NEGATIVE_INFINITY
        for (const i of input) {
          if (i.kind === 'unreadable') open = true
          if (i.kind !== 'message') continue
          const { time: t } = i.message
          clock = Math.max(clock, t)
          if (open && before !== undefined && Math.min(before, t) >= clock - LATENESS) {
            for (let s = floorTo(Math.min(before, t), BASE); s <= Math.max(before, t); s += BASE) {
              expect(gaps).toContain(s)
            }
          }
          open = false
          before = t
        }
      }),
    )
  })
})

it('completeBins declares each bin behind its messages', async () => {
  const bins = [
    { start: T, messages: [message(T + MINUTE).message, message(T + 2 * MINUTE).message] },
    { start: T + BASE, messages: [] },
  ]
  const expected = ['1', '2', '[0,5)', '[5,10)']
  expect((await collect(completeBins(bins))).map(show)).toEqual(expected)
  const async = (async function* () {
    yield* bins
  })()
  expect((await collect(completeBins(async))).map(show)).toEqual(expected)
})
