import { describe, expect, it } from 'vitest'
import { createRandom } from '../random.ts'
import { createReplyShare, observeReplyShare, usualShare } from './reply-share.ts'

const MEMORY = 2016

/** Residuals of `bins` bins of Poisson(`mean`) casts, each a reply with the chance of its bin. */
function residuals(share: (bin: number) => number, bins: number, mean = 6): number[] {
  const random = createRandom(`replies ${mean}`)
  const state = createReplyShare()
  return Array.from({ length: bins }, (_, bin) => {
    const casts = random.poisson(mean)
    let replies = 0
    for (let i = 0; i < casts; i++) if (random.next() < share(bin)) replies++
    return observeReplyShare(state, replies, casts, MEMORY)
  })
}
const known = (values: number[]): number[] => values.filter((x) => !Number.isNaN(x))
const mean = (values: number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length

describe('the share of replies', () => {
  it('has residuals of mean 0 and variance 1 while it stays what it is, at any share and rate', () => {
    for (const [share, rate] of [
      [0.5, 6],
      [0.2, 6],
      [0.8, 40],
    ] as const) {
      const usual = known(residuals(() => share, 4000, rate)).slice(1000)
      expect(Math.abs(mean(usual))).toBeLessThan(0.08)
      expect(mean(usual.map((x) => x * x))).toBeGreaterThan(0.85)
      expect(mean(usual.map((x) => x * x))).toBeLessThan(1.15)
    }
  })

  it('rises by the square root of the casts with the share, before that is learned', () => {
    const raised = residuals((bin) => (bin < 1000 ? 0.4 : 0.6), 1096).slice(1000)
    // (0.6 - 0.4) sqrt(6) / sqrt(0.4 x 0.6) = 1; a bin without casts says 0.
    expect(mean(raised)).toBeGreaterThan(0.7)
    expect(mean(raised)).toBeLessThan(1.3)
  })

  it('is learned from bins that are 96 bins old, never from those that are judged', () => {
    const state = createReplyShare()
    for (let bin = 0; bin < 300; bin++) observeReplyShare(state, 2, 5, MEMORY)
    const before = usualShare(state)
    expect(before).toBeCloseTo(0.4, 1)
    for (let bin = 0; bin < 96; bin++) observeReplyShare(state, 5, 5, MEMORY)
    expect(usualShare(state)).toBeLessThan(0.42)
    for (let bin = 0; bin < 96; bin++) observeReplyShare(state, 5, 5, MEMORY)
    expect(usualShare(state)).toBeGreaterThan(before + 0.1)
  })

  it('is not known before enough casts, nor in a bin that is not', () => {
    const state = createReplyShare()
    for (let bin = 0; bin < 96; bin++) expect(observeReplyShare(state, 1, 2, MEMORY)).toBeNaN()
    expect(usualShare(state)).toBeNaN()
    for (let bin = 0; bin < 20; bin++) observeReplyShare(state, 1, 2, MEMORY)
    expect(observeReplyShare(state, 2, 2, MEMORY)).toBeGreaterThan(0)
    expect(observeReplyShare(state, Number.NaN, Number.NaN, MEMORY)).toBeNaN()
    expect(observeReplyShare(state, 0, 0, MEMORY)).toBe(0)
  })
})
