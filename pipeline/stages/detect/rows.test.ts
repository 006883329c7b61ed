// For pipeline/stages/detect/rows.test.ts: the stream scores the very rows that training makes.
import { expect, test } from 'vitest'
import { BASE } from '../../../common/time.ts'
import { ROW } from '../../../models/cnn-lstm/inputs.ts'
import { drawSeries } from '../../../models/simulation/series/series.ts'
import { follow, type View } from '../../../models/training/follow.ts'
import { detectStage } from './detect.ts'
import { scoring } from './testing.ts'

const MEASURES = ['posts', 'replies', 'casts'] as const

type Bins = { measure: (typeof MEASURES)[number]; count: number; covered: number; masked: boolean }[]

const drawn = drawSeries('rows', { family: 'hawkes', kind: 'tipping', mean: 9, history: 500, rest: 20 })
// A gap of an hour and a half, and single bins.
const masked = drawn.posts.map((_, bin) => Number(bin % 97 === 5 || (bin > 400 && bin < 418)))
const series = { ...drawn, masked: Uint8Array.from(masked) }
const binsOf = (bin: number): Bins => {
  const [posts, replies] = [drawn.posts[bin]!, drawn.replies[bin]!]
  const counts = { posts, replies, casts: posts + replies }
  return MEASURES.map((measure) => ({
    ...{ measure, count: counts[measure], covered: masked[bin] ? 0.5 : 1, masked: masked[bin] === 1 },
  }))
}

/** The rows that are scored of these records, each a bin and what closes with it. */
function scored(records: [bin: number, bins: Bins][]): Map<string, Float32Array> {
  const stage = detectStage({ run: 'r', scoring })
  const state = stage.initial(0)
  const rows = new Map<string, Float32Array>()
  for (const [bin, bins] of records) {
    const record = { type: 'BinClosed' as const, start: drawn.start + bin * BASE, seconds: 300, bins }
    stage.apply(state, { key: 'k', record })
    for (const item of state.queue.splice(0)) {
      if (item.kind === 'bin' && item.row && item.resolution === 300)
        rows.set(`${item.measure} ${bin}`, item.row)
    }
  }
  return rows
}

/** Takes from `rows` those that training makes of the series as it is seen so, and holds them to be the same bit for bit. */
function expectTrained(rows: Map<string, Float32Array>, view: View): void {
  const { measure } = view
  for (const { bin, write } of follow(series, view)) {
    const row = rows.get(`${measure} ${bin}`)
    if (!row) continue
    const trained = new Float32Array(ROW)
    write(trained, 0)
    const same = Buffer.from(row.buffer).equals(Buffer.from(trained.buffer))
    expect([measure, bin, same]).toEqual([measure, bin, true])
    rows.delete(`${measure} ${bin}`)
  }
}

const all = [...drawn.posts.keys()]

test('the rows that are scored are those that the network is trained on, bit for bit', () => {
  const rows = scored(all.map((bin) => [bin, binsOf(bin)]))
  expect(rows.size).toBeGreaterThan(400)
  for (const measure of MEASURES) expectTrained(rows, { measure, repliesKnown: true })
  expect([...rows.keys()]).toEqual([])
})

test('where a source polls, posts close alone: their rows are those of a series whose replies are not known', () => {
  const [POSTS, REST] = [0, 1]
  const part = (bin: number, which: number): Bins =>
    which === POSTS ? binsOf(bin).slice(0, 1) : binsOf(bin).slice(1)
  // Replies, and casts with them, close over an hour later.
  const records = all.flatMap((bin): [number, Bins][] => [
    [bin, part(bin, POSTS)],
    ...(bin >= 14 ? [[bin - 14, part(bin - 14, REST)] as [number, Bins]] : []),
  ])
  const rows = scored(records)
  const known = (measure: string) => [...rows.keys()].filter((key) => key.startsWith(measure)).length
  for (const measure of MEASURES) expect(known(measure)).toBeGreaterThan(100)
  expectTrained(rows, { measure: 'posts', repliesKnown: false })
  for (const measure of ['replies', 'casts'] as const) expectTrained(rows, { measure, repliesKnown: true })
  expect([...rows.keys()]).toEqual([])
})
