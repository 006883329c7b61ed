import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE, BASE_SECONDS } from '../../../common/time.ts'
import type { CountRow } from './series.ts'
import { type BinRow, binRange, createSumming, type SummingOptions } from './summing.ts'

const sum = (rows: BinRow[], options: SummingOptions): CountRow[] => {
  const summing = createSumming(options)
  return [...rows.flatMap((row) => [...summing.add(row)]), ...summing.end()]
}

/** The same by the definition: one base bin at a time. */
function plainly(
  rows: BinRow[],
  { series, resolution, from, to, fill, late, unknown }: SummingOptions,
): CountRow[] {
  const size = resolution / BASE_SECONDS
  const found: CountRow[] = []
  for (let bin = from; bin < to; bin += size) {
    const inside = (start: number) => start >= bin * BASE && start < (bin + size) * BASE
    const tally = late.filter(({ start }) => inside(start)).reduce((total, { count }) => total + count, 0)
    let count = 0
    let covered = 0
    let written = false
    let known = false
    for (let at = bin; at < Math.min(bin + size, to); at++) {
      const row = rows.find((r) => r.bin <= at && at < r.bin + r.n)
      if (!row) continue
      known = true
      count += row.count
      let share = row.covered
      // Spans are whole tenths of a bin here, so that each tenth is unknown or not.
      for (let tenth = 0; row.idle && tenth < 10; tenth++) {
        const moment = (at + tenth / 10) * BASE
        if (unknown.some((span) => span.from <= moment && moment < span.to)) share -= 0.1
      }
      covered += share
      written ||= !row.idle
    }
    if (written || tally > 0 || (fill && known)) {
      const share = Math.round((covered / size) * 1e6) / 1e6
      found.push({ series, start: bin * BASE, seconds: resolution, count, late: tally, covered: share })
    }
  }
  return found
}

describe('summing base bins', () => {
  it('equals the definition, bin by bin', () => {
    const row = fc.record({
      skip: fc.constantFrom(0, 0, 0, 1, 30),
      n: fc.integer({ min: 1, max: 100 }),
      count: fc.nat(3),
      covered: fc.constantFrom(0, 0.5, 1),
      idle: fc.boolean(),
    })
    const span = fc.record({ from: fc.nat(3000), length: fc.integer({ min: 1, max: 200 }) })
    const input = fc.record({
      rows: fc.array(row, { maxLength: 8 }),
      late: fc.uniqueArray(fc.nat(300), { maxLength: 5 }),
      unknown: fc.array(span, { maxLength: 4 }),
      resolution: fc.constantFrom(300, 3600, 21600),
      from: fc.nat(4),
      length: fc.integer({ min: 0, max: 300 }),
      fill: fc.boolean(),
    })
    fc.assert(
      fc.property(input, ({ rows, late, unknown, resolution, from, length, fill }) => {
        let bin = 0
        const bins = rows.map(({ skip, n, count, covered, idle }): BinRow => {
          const begin = bin + skip
          bin = begin + n
          return idle
            ? { bin: begin, n, count: 0, covered: 1, idle }
            : { bin: begin, n, count, covered, idle }
        })
        const begin = (from * resolution) / BASE_SECONDS
        const options: SummingOptions = {
          series: 's',
          resolution,
          from: begin,
          to: begin + length,
          fill,
          late: late.sort((a, b) => a - b).map((at) => ({ start: at * BASE, count: at + 1 })),
          unknown: unknown
            .map((s) => ({ from: (s.from / 10) * BASE, to: ((s.from + s.length) / 10) * BASE }))
            .sort((a, b) => a.from - b.from),
        }
        expect(sum(bins, options)).toEqual(plainly(bins, options))
      }),
      { numRuns: 2000 },
    )
  })

  it('passes over years of idle time at once', () => {
    const rows = [
      { bin: 0, n: 1, count: 1, covered: 1, idle: false },
      { bin: 1, n: 2e9, count: 0, covered: 1, idle: true },
    ]
    const options = { series: 's', resolution: 300, from: 0, to: 2e9, fill: false, late: [], unknown: [] }
    expect(sum(rows, options)).toHaveLength(1)
  })

  it('takes bins that begin in the span, whole ones', () => {
    expect(binRange({ from: 1, to: 2 * 3600_000 }, 3600, 1e6)).toEqual({ from: 12, to: 24 })
    expect(binRange({}, 300, 77)).toEqual({ from: 0, to: 77 })
  })
})
