import { expect, test } from 'vitest'
import { BINS, CONTEXT, FEATURES, ROW } from '../cnn-lstm/inputs.ts'
import { createRandom } from '../random.ts'
import { drawSeries } from '../simulation/series/series.ts'
import { type Dataset, drawKind, join, KIND_NAMES, makeDataset } from './dataset.ts'
import { follow } from './follow.ts'
import { generate } from './generate.ts'

const make = (from: number, to: number): Dataset => makeDataset({ seed: 's', family: 'hawkes', from, to })
const whole = make(0, 60)

test('columns are of equal length, and rows are finite', () => {
  const n = whole.labels.length
  expect(n).toBeGreaterThan(80)
  expect(whole.rows.length).toBe(n * ROW)
  expect([whole.series, whole.kinds, whole.means, whole.replies].map((c) => c.length)).toEqual([n, n, n, n])
  expect(whole.rows.every(Number.isFinite)).toBe(true)
  for (const series of whole.series) expect(series).toBeLessThan(60)
})

test('only series that tip have positives, and these have negatives too', () => {
  const labels = new Map<string, Set<number>>()
  whole.kinds.forEach((kind, i) => {
    const name = KIND_NAMES[kind]!
    labels.set(name, (labels.get(name) ?? new Set()).add(whole.labels[i]!))
  })
  expect(labels.get('tipping')).toEqual(new Set([0, 1]))
  for (const [kind, found] of labels)
    if (kind !== 'tipping' && kind !== 'flat') expect([...found]).toEqual([0])
})

test('the share of replies is in some rows and missing in others, which say so', () => {
  const known = new Set(whole.replies)
  expect(known).toEqual(new Set([0, 1]))
  whole.replies.forEach((replies, i) => {
    const row = whole.rows.subarray(i * ROW, (i + 1) * ROW)
    const shares = Array.from({ length: BINS }, (_, t) => row[t * FEATURES + 2]!)
    const inContext = row[BINS * FEATURES + CONTEXT - 1]!
    if (replies) expect(inContext).toBeGreaterThan(0)
    else expect([inContext, ...new Set(shares)]).toEqual([0, 0])
  })
})

test('the same seed makes the same rows, in whatever parts, on whatever threads', async () => {
  expect(join([make(0, 25), make(25, 60)])).toEqual(whole)
  const told: number[] = []
  const threaded = await generate({
    seed: 's',
    family: 'hawkes',
    series: 60,
    part: 25,
    onProgress: (done) => told.push(done),
  })
  expect(told).toEqual([25, 50, 60])
  expect(threaded).toEqual(whole)
})

test('kinds are drawn as often as they are meant to be', () => {
  const random = createRandom('kinds')
  const drawn = Array.from({ length: 4000 }, () => drawKind(random))
  const share = (kind: string): number => drawn.filter((k) => k === kind).length / drawn.length
  expect(share('tipping')).toBeCloseTo(0.23, 1)
  expect(share('ramp')).toBeCloseTo(0.15, 1)
  expect(new Set(drawn).size).toBe(KIND_NAMES.length)
})

const quiet = (masked: (bin: number) => number) => {
  const series = drawSeries('quiet', { family: 'hawkes', kind: 'constant', mean: 8, history: 500, rest: 0 })
  return { ...series, masked: series.posts.map((_, bin) => masked(bin)) as unknown as Uint8Array }
}

test('follows covered bins only, and judges after a day', () => {
  const all = [
    ...follow(
      quiet(() => 0),
      { measure: 'casts', repliesKnown: true },
    ),
  ]
  expect(all.at(-1)!.bin - all[0]!.bin + 1).toBe(all.length)
  expect(all.find((seen) => seen.scorable)!.bin).toBeGreaterThanOrEqual(287)
  const half = [
    ...follow(
      quiet((bin) => bin % 2),
      { measure: 'casts', repliesKnown: true },
    ),
  ]
  expect(half.every(({ bin }) => bin % 2 === 0)).toBe(true)
})

test('where replies are not covered, posts are still seen, casts are not', () => {
  const series = quiet((bin) => (bin >= 400 ? 2 : 0))
  const last = (measure: 'posts' | 'casts' | 'replies') =>
    [...follow(series, { measure, repliesKnown: true })].at(-1)!.bin
  expect(last('posts')).toBe(series.posts.length - 1)
  expect([last('casts'), last('replies')]).toEqual([399, 399])
})

test('counts what it is told to', () => {
  const series = quiet(() => 0)
  const at = series.posts.length - 1
  const count = (measure: 'posts' | 'casts' | 'replies') =>
    [...follow(series, { measure, repliesKnown: true })].at(-1)!.reading.count
  expect(count('posts')).toBe(series.posts[at])
  expect(count('replies')).toBe(series.replies[at])
  expect(count('casts')).toBe(series.posts[at]! + series.replies[at]!)
})
