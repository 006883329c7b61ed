import fc from 'fast-check'
import { expect, test } from 'vitest'
import { auc, sortedOf, weightedAuc } from './auc.ts'
import { compare } from './evaluation/bootstrap.ts'
import { createRandom } from './random.ts'

/** As it is defined: over all pairs of a positive and a negative. */
function byPairs(values: number[], labels: number[], weights: number[]): number {
  let above = 0
  let pairs = 0
  values.forEach((p, i) => {
    values.forEach((n, j) => {
      if (!labels[i] || labels[j]) return
      const weight = weights[i]! * weights[j]!
      pairs += weight
      above += weight * (p > n ? 1 : p === n ? 0.5 : 0)
    })
  })
  return above / pairs
}

const moment = fc.record({
  value: fc.integer({ min: -3, max: 3 }),
  label: fc.integer({ min: 0, max: 1 }),
  weight: fc.integer({ min: 0, max: 3 }),
})

test('the area is the chance that a positive is above a negative, with ties and weights', () => {
  fc.assert(
    fc.property(fc.array(moment, { maxLength: 40 }), (moments) => {
      const values = moments.map((m) => m.value)
      const labels = moments.map((m) => m.label)
      const weights = moments.map((m) => m.weight)
      const ones = moments.map(() => 1)
      expectSame(auc(values, labels), byPairs(values, labels, ones))
      expectSame(weightedAuc(sortedOf(values), labels, weights), byPairs(values, labels, weights))
    }),
  )
})

function expectSame(found: number, expected: number): void {
  if (Number.isNaN(expected)) expect(found).toBeNaN()
  else expect(found).toBeCloseTo(expected, 12)
}

test('without positives or negatives there is no area', () => {
  expect(auc([1, 2], [1, 1])).toBeNaN()
  expect(auc([1, 2], [0, 0])).toBeNaN()
})

/** Two moments for each of the series; a value that tells, and one that tells less. */
function sample(size: number, name: string) {
  const random = createRandom(name)
  const series = Array.from({ length: 2 * size }, (_, i) => i >> 1)
  const labels = series.map((id) => id % 2)
  const shared = Array.from({ length: size }, () => random.normal())
  const good = series.map((id) => 2 * (id % 2) + shared[id]!)
  const poor = series.map((id) => (id % 2) + shared[id]!)
  return { series, labels, values: { good, poor } }
}

const compared = (size: number, name: string) =>
  compare({ ...sample(size, name), against: ['good'], random: createRandom('draws'), draws: 300 })

test('the interval of an area holds it 95 times of 100, counting series and not moments', () => {
  // A normal shifted by 2 is above one that is not with chance Phi(2 / sqrt 2).
  const truth = 0.9214
  let held = 0
  for (let i = 0; i < 100; i++) {
    const area = compare({
      ...sample(100, `${i}`),
      against: ['good'],
      random: createRandom(i),
      draws: 200,
    })[0]!.auc
    if (area.low <= truth && truth <= area.high) held++
  }
  expect(held).toBeGreaterThan(88)
})

test('the gap is the difference by the same draws: narrower than the areas, above 0 where one is better', () => {
  const [good, poor] = compared(150, 'x')
  expect(good!.gaps[0]).toEqual({ value: 0, low: 0, high: 0 })
  const gap = poor!.gaps[0]!
  expect(gap.value).toBeCloseTo(good!.auc.value - poor!.auc.value, 12)
  expect(gap.low).toBeGreaterThan(0)
  expect(gap.high - gap.low).toBeLessThan(poor!.auc.high - poor!.auc.low)
})

test('what can not be said counts as the least', () => {
  const { series, labels, values } = sample(50, 'y')
  const unknown = values.good.map((x, i) => (labels[i] ? Number.NaN : x))
  const result = compare({
    series,
    labels,
    values: { unknown },
    against: [],
    random: createRandom(1),
    draws: 20,
  })
  expect(result[0]!.auc.value).toBe(0)
})

test('the same draws give the same intervals', () => {
  expect(compared(40, 'z')).toEqual(compared(40, 'z'))
})
