import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BINS,
  type BinInput,
  CONTEXT,
  createInputs,
  FEATURES,
  isScorable,
  pushInputs,
  ROW,
  writeRow,
} from './inputs.ts'

const context = {
  expected: 7.5,
  dispersion: 0.2,
  usualAutocorrelation: 0.3,
  usualVariance: 1.1,
  usualExcess: 1.4,
  usualReplies: 0.6,
}
const bin = (residual: number, replies = 0.5): BinInput => ({ residual, expected: 7.5, usual: 3.5, replies })

function rowOf(bins: readonly BinInput[]): Float32Array {
  const inputs = createInputs()
  for (const one of bins) pushInputs(inputs, one)
  const row = new Float32Array(ROW)
  writeRow(inputs, context, row, 0)
  return row
}
const column = (row: Float32Array, feature: number): number[] =>
  Array.from({ length: BINS }, (_, i) => row[i * FEATURES + feature]!)

describe('rows', () => {
  it('hold the last bins, oldest first, whatever came before', () => {
    const bins = fc.array(fc.double({ min: -40, max: 40, noNaN: true }), {
      minLength: BINS,
      maxLength: 3 * BINS,
    })
    fc.assert(
      fc.property(bins, (residuals) => {
        const all = residuals.map((x) => bin(x))
        expect(rowOf(all)).toEqual(rowOf(all.slice(-BINS)))
        expect(column(rowOf(all), 0)).toEqual(
          residuals.slice(-BINS).map((x) => Math.fround(Math.max(-12, Math.min(12, x)) / 4)),
        )
      }),
    )
  })

  it('begin with zeros where there are fewer bins', () => {
    const row = rowOf([bin(4), bin(8)])
    expect(column(row, 0).slice(-3)).toEqual([0, 1, 2])
    expect(column(row, 3).slice(-3)).toEqual([0, 1.5, 1.5])
    expect(row.slice(0, (BINS - 2) * FEATURES).every((x) => x === 0)).toBe(true)
  })

  it('say what is known: a masked bin and unknown replies are zeros that are marked so', () => {
    const row = rowOf([bin(4), bin(Number.NaN), bin(4, Number.NaN), bin(Number.NaN, Number.NaN)])
    expect(column(row, 0).slice(-4)).toEqual([1, 0, 1, 0])
    expect(column(row, 2).slice(-4)).toEqual([0.125, 0.125, 0, 0])
    expect(column(row, 3).slice(-4)).toEqual([1.5, 0.5, 1, 0])
    expect(column(row, 1).at(-1)).toBe(Math.log2(8 / 4) / 2)
    expect([...row.slice(-CONTEXT)].slice(6)).toEqual([2 / BINS, 2 / BINS])
  })

  it('are finite, whatever is missing', () => {
    const row = new Float32Array(ROW)
    const inputs = createInputs()
    for (let i = 0; i < 200; i++)
      pushInputs(inputs, { residual: Number.NaN, expected: 0, usual: 0, replies: Number.NaN })
    writeRow(inputs, { ...context, expected: 0, usualReplies: Number.NaN }, row, 0)
    expect(row.every(Number.isFinite)).toBe(true)
  })

  it('are scored once half of their bins are known, and for as long', () => {
    const inputs = createInputs()
    for (let i = 1; i <= BINS; i++) {
      pushInputs(inputs, bin(1))
      expect(isScorable(inputs)).toBe(i >= BINS / 2)
    }
    for (let i = 1; i <= BINS; i++) {
      pushInputs(inputs, bin(Number.NaN))
      expect(isScorable(inputs)).toBe(BINS - i >= BINS / 2)
    }
  })
})
