import { expect, test } from 'vitest'
import { createRandom } from '../../random.ts'
import { drawCourse, KINDS, type Kind } from './course.ts'
import { kernelOf } from './kernel.ts'
import { type Course, contact, hawkes, type Process } from './process.ts'
import { drawSeries, FAMILIES, type Series } from './series.ts'

const MANY = 40
const kinds = Object.keys(KINDS) as Kind[]
const casts = ({ posts, replies }: Pick<Series, 'posts' | 'replies'>): Float64Array =>
  posts.map((x, t) => x + replies[t]!)
const mean = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0) / values.length

/** A course in which nothing changes. */
function steady(bins: number, level: number, ratio: number): Course {
  const all = (x: number): Float64Array => new Float64Array(bins).fill(x)
  return {
    outside: all(level * (1 - ratio)),
    ratio: all(ratio),
    replyShare: all(0.8),
    oldReplies: 0,
    crowd: all(0),
    noise: all(0),
    usual: all(level),
    cap: 100,
  }
}

/** Variance over mean of sums of 48 bins: for a branching ratio n it is about 1 / (1 - n)^2, for marks of no variance. */
function fano(counts: Float64Array): number {
  const sums = Float64Array.from({ length: Math.floor(counts.length / 48) }, (_, i) =>
    counts.subarray(48 * i, 48 * (i + 1)).reduce((sum, x) => sum + x, 0),
  )
  const average = mean(sums)
  return sums.reduce((sum, x) => sum + (x - average) ** 2, 0) / (sums.length - 1) / average
}

const processes: Record<string, Process> = {
  hawkes: hawkes({ delays: [{ share: 1, mean: 1.5 }], attraction: 0 }),
  contact: contact({ exponent: 3, half: 1, crowd: 1000 }),
}

for (const [name, process] of Object.entries(processes)) {
  test(`${name}: as many casts as asked for, and replies as the ratio says`, () => {
    const counts = process.run(createRandom(1), steady(60_000, 10, 0.5))
    expect(mean(casts(counts))).toBeCloseTo(10, 0)
    // Half of all are begotten, of these 80 % are replies.
    expect(mean(counts.replies) / mean(casts(counts))).toBeCloseTo(0.4, 1)
  })

  test(`${name}: a higher ratio makes the same number of casts vary more`, () => {
    const of = (ratio: number): number => fano(casts(process.run(createRandom(2), steady(30_000, 10, ratio))))
    const [none, half, most] = [of(0), of(0.5), of(0.8)]
    expect(none).toBeGreaterThan(0.85)
    expect(none).toBeLessThan(1.15)
    expect(half).toBeGreaterThan(2.5 * none)
    expect(most).toBeGreaterThan(2.5 * half)
  })
}

test('hawkes: the variance is the one that the theory gives', () => {
  const counts = casts(processes.hawkes!.run(createRandom(3), steady(100_000, 10, 0.5)))
  expect(fano(counts)).toBeGreaterThan(3.3)
  expect(fano(counts)).toBeLessThan(4.4)
})

test('too much to read holds a ratio above 1 down', () => {
  const course = { ...steady(400, 10, 0.5), cap: 5 }
  course.ratio.fill(1.6, 200)
  const counts = casts(processes.hawkes!.run(createRandom(4), course))
  expect(Math.max(...counts)).toBeGreaterThan(40)
  expect(Math.max(...counts)).toBeLessThan(400)
})

test('noise multiplies all that happens in a bin', () => {
  const noisy = { ...steady(20_000, 20, 0), noise: new Float64Array(20_000).fill(0.5) }
  const counts = processes.hawkes!.run(createRandom(5), noisy).posts
  const variance = mean(counts.map((x) => (x - 20) ** 2))
  // Negative binomial: mean + 0.5 mean^2.
  expect(variance).toBeGreaterThan(190)
  expect(variance).toBeLessThan(250)
})

test('the same name is the same series, another one another', () => {
  const draw = (name: string) =>
    drawSeries(name, { family: 'hawkes', kind: 'tipping', mean: 5, history: 300, rest: 20 })
  expect(draw('a')).toEqual(draw('a'))
  expect(draw('a').posts).not.toEqual(draw('b').posts)
})

test('every kind of every family has counts, and an event inside of it', () => {
  for (const family of FAMILIES) {
    for (const kind of kinds) {
      const s = drawSeries('x', { family, kind, mean: 5, history: 300, rest: 20 })
      const { start, end, calm } = s.event
      expect([start, end > start, calm >= end, s.posts.length]).toEqual([300, true, true, calm + 20])
      expect(s.replies.length).toBe(s.posts.length)
      for (const x of casts(s)) expect(Number.isInteger(x) && x >= 0).toBe(true)
    }
  }
})

/** Of many series of a kind: casts over the mean, before the event and in the last hour of its build-up. */
function levels(kind: Kind): { before: number; height: number; ratio: number } {
  const sum = { before: 0, height: 0, ratio: 0 }
  for (let i = 0; i < MANY; i++) {
    const s = drawSeries(`${i}`, { family: 'hawkes', kind, mean: 20, history: 576, rest: 0 })
    const counts = casts(s)
    sum.before += mean(counts.subarray(0, s.event.start)) / 20 / MANY
    sum.height += mean(counts.subarray(s.event.end - 12, s.event.end)) / 20 / MANY
    sum.ratio += s.ratio[s.event.end - 1]! / MANY
  }
  return sum
}

test('series have the mean that was asked for', () => {
  const { before } = levels('constant')
  expect(before).toBeGreaterThan(0.85)
  expect(before).toBeLessThan(1.15)
})

test('tipping: the ratio climbs to 1 and the mean with it; flat: the ratio alone; ramp: the mean alone', () => {
  const [tipping, flat, ramp, constant] = [
    levels('tipping'),
    levels('flat'),
    levels('ramp'),
    levels('constant'),
  ]
  expect(tipping.ratio).toBeGreaterThan(0.9)
  expect(flat.ratio).toBeGreaterThan(0.9)
  expect(ramp.ratio).toBeLessThan(0.5)
  expect(tipping.height).toBeGreaterThan(1.8)
  expect(ramp.height).toBeGreaterThan(1.8)
  expect(Math.abs(ramp.height / tipping.height - 1)).toBeLessThan(0.4)
  expect(flat.height).toBeLessThan(0.7 * tipping.height)
  expect(constant.height).toBeLessThan(1.3)
})

test('a course by kinds: a star brings replies, a burst posts, a dip fewer of all', () => {
  const kernel = kernelOf((t) => Math.exp(-t / 4))
  const changed = (kind: Kind): string[] => {
    const options = { kind, mean: 10, history: 300, rest: 0, start: 0, highest: 0.9 }
    const { course, event } = drawCourse(createRandom('kinds'), kernel, options)
    const differs = (path: Float64Array): boolean => {
      const before = path[event.start - 1]!
      return path.subarray(event.start).some((x) => Math.abs(x - before) > 1e-12)
    }
    return (['ratio', 'crowd', 'noise'] as const).filter((name) => differs(course[name]))
  }
  expect(changed('tipping')).toEqual(['ratio'])
  expect(changed('flat')).toEqual(['ratio'])
  expect(changed('star')).toEqual(['crowd'])
  expect(changed('noise')).toEqual(['noise'])
  for (const kind of ['constant', 'ramp', 'step', 'burst', 'wander', 'shares', 'cycle'] as const) {
    expect(changed(kind)).toEqual([])
  }
})

test('about half of the series have gaps, of replies only at times', () => {
  const found = Array.from({ length: 200 }, (_, i) =>
    drawSeries(`${i}`, { family: 'hawkes', kind: 'constant', mean: 2, history: 1000, rest: 0 }),
  )
  const withGaps = found.filter(({ masked }) => masked.some((x) => x > 0)).length
  expect(withGaps).toBeGreaterThan(70)
  expect(withGaps).toBeLessThan(130)
  expect(found.some(({ masked }) => masked.includes(1) && masked.includes(2))).toBe(true)
})
