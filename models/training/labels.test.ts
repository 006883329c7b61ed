import { expect, test } from 'vitest'
import { createRandom } from '../random.ts'
import type { Kind } from '../simulation/series/course.ts'
import { drawSeries, type Series } from '../simulation/series/series.ts'
import { drawMoments, labelAt } from './labels.ts'

/** A ratio that climbs from 0.5 to 1 in bins 100-200, is over at 210. */
const drawn = drawSeries('x', { family: 'hawkes', kind: 'constant', mean: 5, history: 300, rest: 0 })
const series = (kind: Kind): Series => ({
  ...drawn,
  kind,
  ratio: Float64Array.from({ length: 300 }, (_, t) =>
    t < 100 || t >= 210 ? 0.5 : Math.min(1, 0.5 + (t - 100) / 200),
  ),
  event: { start: 100, end: 200, calm: 210 },
})

test('a series tips from 40 % of the way until shortly after the break', () => {
  const label = (bin: number) => labelAt(series('tipping'), bin)
  expect([0, 99, 104].map(label)).toEqual([0, 0, 0])
  expect([105, 120, 139].map(label)).toEqual([null, null, null])
  expect([141, 199, 200, 205].map(label)).toEqual([1, 1, 1, 1])
  expect([206, 209, 221].map(label)).toEqual([null, null, null])
  expect([222, 299].map(label)).toEqual([0, 0])
})

test('an event that is over sooner ends the warning sooner', () => {
  const brief = { ...series('flat'), event: { start: 100, end: 200, calm: 203 } }
  expect(labelAt(brief, 202)).toBe(1)
  expect(labelAt(brief, 203)).toBe(null)
})

test('what only looks like it never tips, however high its ratio', () => {
  for (const kind of ['ramp', 'constant', 'burst'] as const) {
    for (const bin of [0, 140, 199, 250]) expect(labelAt(series(kind), bin)).toBe(0)
  }
})

test('moments: two while the event builds up; some before, some after', () => {
  let before = 0
  let after = 0
  for (let i = 0; i < 300; i++) {
    const { event, ...of } = series('ramp')
    const moments = [...drawMoments(createRandom(i), { event, ...of, posts: new Float64Array(300) }, 6)]
    const during = moments.filter((bin) => bin >= 140 && bin < 206)
    expect(during.length === 2 || (during.length === 1 && new Set(moments).size === moments.length)).toBe(
      true,
    )
    before += moments.filter((bin) => bin < 100).length
    after += moments.filter((bin) => bin >= 222).length
    for (const bin of moments) expect(bin).toBeLessThan(300)
  }
  expect(before).toBeGreaterThan(90)
  expect(before).toBeLessThan(150)
  expect(after).toBeGreaterThan(90)
  expect(after).toBeLessThan(150)
})
