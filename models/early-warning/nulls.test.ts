import { describe, expect, it, vi } from 'vitest'
import { BASE } from '../../common/time.ts'
import { createRandom } from '../random.ts'
import { createProfile, learnProfile, shape } from './expected.ts'
import { makeNull, nullFor, pValues, unmadeAround } from './nulls.ts'
import { makeNullsAhead } from './nulls-ahead.ts'
import { createTracker, observe, openWindow, type Reading } from './tracker.ts'

const W = 48
const MEMORY = 2016

/** Readings of a simulated self-exciting series of this mean, after its first `weeks` of history. */
function* hawkes(of: {
  mean: number
  ratio: number
  cycle?: number
  dispersion?: number
  bins: number
  seed: string
}): Generator<Reading> {
  const { mean, ratio, cycle = 0, dispersion = 0, bins, seed } = of
  const random = createRandom(seed)
  const kept = Math.exp(-1 / 3)
  const profile = createProfile()
  const tracker = createTracker()
  openWindow(tracker, W)
  let excited = 0
  for (let i = 0; i < bins; i++) {
    const time = i * BASE
    const drive = mean * (1 - ratio) * (1 + cycle * Math.sin((2 * Math.PI * i) / 288))
    const count = random.negativeBinomial(drive + (ratio * excited * (1 - kept)) / kept, dispersion)
    excited = kept * (excited + count)
    const reading = observe(
      tracker,
      { count, shape: shape(profile, time, 300), usual: Number.NaN, replies: Number.NaN },
      MEMORY,
    )
    learnProfile(profile, time, count)
    if (reading && i >= 2 * MEMORY) yield reading
  }
}

describe('p-values', () => {
  it.each([
    ['independent counts', { mean: 10, ratio: 0 }],
    ['over-dispersed counts', { mean: 5, ratio: 0, dispersion: 0.2 }],
    ['talk that answers itself', { mean: 10, ratio: 0.5 }],
    ['much talk that answers itself, by day and night', { mean: 40, ratio: 0.5, cycle: 0.6 }],
  ])('are near uniform for %s that goes on as usual', (name, of) => {
    const p: number[] = []
    for (const reading of hawkes({ ...of, bins: 16 * MEMORY, seed: name })) {
      const { joint } = pValues(reading, W)
      if (joint !== null) p.push(joint)
    }
    const share = (below: number): number => p.filter((x) => x < below).length / p.length
    expect(p.length).toBeGreaterThan(20_000)
    // About 300 independent windows: 3 standard errors at one half are 0.09.
    expect(Math.abs(share(0.5) - 0.5)).toBeLessThan(0.12)
    expect(share(0.1)).toBeLessThan(0.16)
    expect(share(0.01)).toBeLessThan(0.03)
    expect(share(0.001)).toBeLessThan(0.008)
  })

  it('fall when the memory of a series rises over what it usually is', () => {
    const readings = [...hawkes({ mean: 30, ratio: 0.3, bins: 3 * MEMORY, seed: 'usual' })]
    const last = readings.at(-1)!
    const p = (autocorrelation: number): number => pValues({ ...last, autocorrelation }, W).joint!
    expect(p(0.8)).toBeLessThan(p(0.5))
    expect(p(0.5)).toBeLessThan(p(0.1))
    expect(pValues({ ...last, autocorrelation: 0.8 }, W).autocorrelation).toBeLessThan(0.005)
    expect(pValues({ ...last, variance: 4 }, W).variance).toBeLessThan(0.005)
  })

  it('are null where an indicator is', () => {
    const [reading] = hawkes({ mean: 10, ratio: 0, bins: 2 * MEMORY + 1, seed: 'one' })
    expect(pValues({ ...reading!, variance: null }, W).joint).toBeNull()
    const untrended = pValues({ ...reading!, varianceTrend: null }, W)
    expect(untrended.joint).toBeNull()
    expect(untrended.variance).toBeGreaterThan(0)
  })

  it('never are 0, however far beyond the null', () => {
    const [reading] = hawkes({ mean: 10, ratio: 0, bins: 2 * MEMORY + 1, seed: 'one' })
    const p = pValues(
      { ...reading!, variance: 1e6, autocorrelation: 1, varianceTrend: 1, autocorrelationTrend: 1 },
      W,
    )
    expect(p.joint).toBeGreaterThan(0)
    expect(p.joint).toBeLessThan(1e-3)
  })
})

describe('excess', () => {
  it.each([0, 0.3, 0.6])(
    'of usual windows has a standard deviation near 1 at a branching ratio of %d',
    (ratio) => {
      let n = 0
      let squares = 0
      for (const { excess } of hawkes({ mean: 10, ratio, bins: 16 * MEMORY, seed: `excess ${ratio}` })) {
        n++
        squares += excess! ** 2
      }
      const sd = Math.sqrt(squares / n)
      expect(sd).toBeGreaterThan(0.8)
      expect(sd).toBeLessThan(1.25)
    },
  )
})

describe('null', () => {
  it('is a stronger one for a series that usually has more memory', () => {
    const median = (usual: number): number => {
      const { autocorrelation } = nullFor(12, 0.1, usual, W).sorted
      return autocorrelation[autocorrelation.length >> 1]!
    }
    expect(median(0)).toBeLessThan(median(0.3))
    expect(median(0.3)).toBeLessThan(median(0.6))
  })

  it('has the memory in its residuals that it is made for', () => {
    for (const usual of [0, 0.2, 0.4, 0.6]) {
      const { mean } = nullFor(30, 0.03, usual, W)
      // A window's own mean takes a little more away.
      expect(mean.autocorrelation).toBeLessThan(usual + 0.02)
      expect(mean.autocorrelation).toBeGreaterThan(usual - 0.16)
    }
  })

  it('is one for all series near it, so that few have to be simulated', () => {
    expect(nullFor(10, 0.1, 0.21, W)).toBe(nullFor(13, 0.11, 0.19, W))
    expect(nullFor(10, 0.1, 0.21, W)).not.toBe(nullFor(10, 0.1, 0.21, 32))
  })
})

describe('nulls ahead', () => {
  /** Means, dispersions and memories at three neighbouring points of the grid; a window that nothing else uses. */
  const MEAN = [5, 12, 30] as const
  const AHEAD = 40

  it('are made around each that is used, the same as where they are needed', async () => {
    const ahead = makeNullsAhead(() => true)
    try {
      const cells = { window: AHEAD, dispersion: 2, memory: 3 }
      nullFor(MEAN[1], 0.1, 0.3, AHEAD)
      await vi.waitFor(() => expect(unmadeAround({ ...cells, mean: 2 })).toEqual([]), 20_000)
      expect(nullFor(MEAN[2], 0.1, 0.3, AHEAD)).toEqual(makeNull({ ...cells, mean: 3 }))
      // The use of one that was made ahead goes on from there.
      await vi.waitFor(() => expect(unmadeAround({ ...cells, mean: 3 })).toEqual([]), 20_000)
    } finally {
      await ahead.close()
    }
  })

  it('wait while there is no hurry, and are then made around all that was used meanwhile', async () => {
    let isHurried = false
    const window = 44
    const ahead = makeNullsAhead(() => isHurried)
    try {
      const used = { window, mean: 3, dispersion: 2, memory: 3 }
      nullFor(MEAN[2], 0.1, 0.3, window)
      await new Promise((wake) => setTimeout(wake, 500))
      expect(unmadeAround(used)).toHaveLength(6)
      isHurried = true
      nullFor(MEAN[2], 3, 0.7, window)
      await vi.waitFor(() => expect(unmadeAround(used)).toEqual([]), 20_000)
    } finally {
      await ahead.close()
    }
  })

  it('stop at the edges of the grid, and when closed', async () => {
    const ahead = makeNullsAhead(() => true)
    await ahead.close()
    const corner = { window: AHEAD, mean: 0, dispersion: 0, memory: -1 }
    nullFor(1, 0, -0.5, AHEAD)
    expect(unmadeAround(corner)).toEqual([
      { ...corner, mean: 1 },
      { ...corner, dispersion: 1 },
      { ...corner, memory: 0 },
    ])
  })
})
