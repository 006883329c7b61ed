import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE, DAY, floorTo, LATENESS, MINUTE, SECOND } from '../../common/time.ts'
import type { Message } from '../../schemas/message.ts'
import { disjoint, type Gap, gapAround } from './archive/gaps.ts'
import type { SourceItem } from './completeness.ts'
import { completeBins, completeInOrder } from './completeness.ts'
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
  if (item.kind !== 'span') return `?${item.line}`
  const span = `[${minutes(item.from)},${minutes(item.to)})`
  return item.status === 'gap' ? `!${span} ${item.reason}` : span
}
async function* stream(items: SourceItem[]) {
  yield* items
}
const gap = (from: number, to: number): Gap => ({
  ...{ from: T + from * MINUTE, to: T + to * MINUTE, reason: `a:${from}` },
})
const completed = async (gaps: Gap[], ...items: (number | SourceItem)[]): Promise<string[]> => {
  const input = items.map((item) => (typeof item === 'number' ? message(T + item * MINUTE) : item))
  return (await collect(completeInOrder(stream(input), gaps))).map(show)
}

describe('completeInOrder', () => {
  it('declares a bin once time has passed its end by L, and all at the end of the input', async () => {
    expect(await completed([], 1, 5, 9, 10, 14, 26)).toEqual([
      ...['1', '5', '9', '10', '[0,5)', '14', '26', '[5,20)', '[20,30)'],
    ])
  })

  it('ends at a boundary behind the last message, also where it stands on one', async () => {
    expect(await completed([], 5)).toEqual(['5', '[5,10)'])
    expect(await completed([gap(0, 5)])).toEqual([])
    expect(await completed([gap(0, 5)], broken(1))).toEqual(['?1'])
  })

  it('says where something is missing, and why, within the time that it has', async () => {
    expect(
      await completed([gap(-60, 5), gap(10, 20), gap(20, 25), gap(45, 90)], 1, 17, broken(3), 31, 47),
    ).toEqual([
      ...['1', '17', '![0,5) a:-60', '[5,10)', '?3', '31', '![10,20) a:10', '![20,25) a:20'],
      ...['47', '[25,40)', '[40,45)', '![45,50) a:45'],
    ])
    expect(await completed([gap(5, 25)], 1, 16, 22, 40)).toEqual([
      ...[
        '1',
        '16',
        '[0,5)',
        '![5,10) a:5',
        '22',
        '![10,15) a:5',
        '40',
        '![15,25) a:5',
        '[25,35)',
        '[35,45)',
      ],
    ])
  })

  it('stops where there is nothing for more than 366 days', async () => {
    const days = (n: number) => (n * DAY) / MINUTE
    await expect(completed([], 0, days(366))).resolves.toContain('[0,527035)')
    await expect(completed([], 0, days(366) + 1)).rejects.toMatchObject({
      code: 'ARCHIVE_JUMPS',
      details: { days: 366 },
    })
  })

  it('declares spans that join, never before L has passed, with every gap and nothing else in it', async () => {
    const bin = fc.integer({ min: -10, max: 300 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 80 }),
        fc.array(fc.tuple(bin, fc.integer({ min: 1, max: 20 })), { maxLength: 8 }),
        async (steps, marked) => {
          let time = T
          const input = steps.map((step) => {
            time += step * SECOND
            return message(time)
          })
          const gaps = disjoint(
            marked.map(([at, bins]) => gapAround(T + at * BASE, T + (at + bins - 1) * BASE, `at ${at}`)),
          )
          const isGap = (t: number) => gaps.some(({ from, to }) => t >= from && t < to)
          expect([...Array(320).keys()].map((n) => isGap(T + (n - 10) * BASE))).toEqual(
            [...Array(320).keys()].map((n) =>
              marked.some(([at, bins]) => n - 10 >= at && n - 10 < at + bins),
            ),
          )
          let clock = Number.NEGATIVE_INFINITY
          let to: number | undefined
          let read = 0
          for (const out of await collect(completeInOrder(stream(input), gaps))) {
            if (out.kind === 'message') {
              expect(out).toBe(input[read++])
              clock = out.message.time
            } else if (out.kind === 'span') {
              expect(out.from).toBe(to ?? floorTo(input[0]!.message.time, BASE))
              expect(out.to).toBeGreaterThan(out.from)
              expect(out.to % BASE).toBe(0)
              to = out.to
              if (read < input.length) expect(out.to).toBeLessThanOrEqual(clock - LATENESS)
              for (let t = out.from; t < out.to; t += BASE) expect(out.status === 'gap').toBe(isGap(t))
            }
          }
          expect(read).toBe(input.length)
          if (input.length > 0) expect(to).toBe(floorTo(clock, BASE) + BASE)
        },
      ),
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
