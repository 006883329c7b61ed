import { expect, test } from 'vitest'
import { BASE } from '../../common/time.ts'
import { PARTS } from '../../schemas/measures.js'
import { plan, recordOf } from './network.ts'

const countsOf = (channels: number, bin: number, quiet: number) => {
  const counts = new Map<string, number>()
  for (const { channel, measure } of plan(channels, bin, quiet)) {
    counts.set(`${measure} ${channel}`, (counts.get(`${measure} ${channel}`) ?? 0) + 1)
  }
  return counts
}

test('a bin is the same each time, in order of its own time', () => {
  const planned = plan(10, 1000, 0)
  expect(plan(10, 1000, 0)).toEqual(planned)
  expect(plan(10, 1001, 0)).not.toEqual(planned)
  const times = planned.map(({ time }) => time)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(times.every((time) => Math.floor(time / BASE) === 1000)).toBe(true)
})

test('ordinary talk makes every series one that is judged', () => {
  const sums = new Map<string, number>()
  for (let bin = 0; bin < 100; bin++) {
    for (const [series, count] of countsOf(5, bin, 1000)) sums.set(series, (sums.get(series) ?? 0) + count)
  }
  expect(sums.size).toBe(5 * PARTS.length)
  for (const sum of sums.values()) expect(sum / 100).toBeGreaterThan(3)
})

test('channels fall silent and surge in turn, and not before their history is there', () => {
  const total = (bin: number, quiet: number, channel: number) =>
    [...countsOf(4, bin, quiet)].reduce((sum, [name, n]) => sum + (name.endsWith(`/${channel}`) ? n : 0), 0)
  const turns = Array.from({ length: 4 }, (_, channel) => {
    const totals = Array.from({ length: 192 }, (_, bin) => total(bin, 0, channel))
    expect(Math.min(...totals)).toBe(0)
    expect(Math.max(...totals)).toBeGreaterThan(50)
    return totals.indexOf(0)
  })
  expect(new Set(turns).size).toBe(4)
  for (let bin = 0; bin < 192; bin++) {
    for (let channel = 0; channel < 4; channel++) {
      expect(total(bin, 192, channel)).toBeGreaterThan(0)
      expect(total(bin, 192, channel)).toBeLessThan(40)
    }
  }
})

test('no two events have one hash, and next to nobody speaks twice in a bin', () => {
  const records = [7, 8].flatMap((bin) => plan(20, bin, 0).map((planned, n) => recordOf(planned, n)))
  // Counting keeps 64 bits of each.
  expect(new Set(records.map(({ hash }) => hash.toString('hex', 0, 8))).size).toBe(records.length)
  const first = plan(20, 7, 0).map((planned, n) => recordOf(planned, n).fid)
  expect(new Set(first).size).toBeGreaterThan(first.length * 0.98)
})
