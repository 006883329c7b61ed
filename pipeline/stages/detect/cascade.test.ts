import { afterAll, describe, expect, it } from 'vitest'
import { BASE } from '../../../common/time.ts'
import { openScorer } from '../../../models/cnn-lstm/scorer.ts'
import { drive } from '../../testing/drive.ts'
import { detectStage } from './detect.ts'
import { alerts, matchedRamp, START, type Talk, talk } from './testing.ts'

/** Eight days of usual talk, then six hours in which the branching ratio climbs to 1, then an hour beyond. */
const RISES = 8 * 288
const BREAKS = RISES + 72
const END = BREAKS + 12
const OWN = 0.4
const POSTS = 12
const RUNS = 6

const scorer = await openScorer('wasm')
afterAll(() => scorer.close())

const cascade: Talk = {
  ratio: (bin) =>
    bin < RISES ? OWN : bin < BREAKS ? OWN + ((1 - OWN) * (bin - RISES)) / (BREAKS - RISES) : 1.05,
  drive: () => POSTS,
}
const burst: Talk = {
  ratio: () => OWN,
  drive: (bin) => POSTS * (bin >= RISES + 30 ? 1 + 4 * Math.exp(-(bin - RISES - 30) / 6) : 1),
}

/** How many of the seeded runs open an early warning between the rise and the break, and median lead in hours. */
async function warned(name: string, of: Talk): Promise<{ runs: number; lead: number }> {
  const leads: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const outputs = await drive(
      detectStage({ run: 'test', scoring: scorer }),
      talk(`${name} ${run}`, END, of),
    )
    const opened = alerts(outputs).find(
      (a) =>
        a.kind === 'early-warning' &&
        a.event === 'opened' &&
        a.openedAt > START + RISES * BASE &&
        a.openedAt <= START + BREAKS * BASE,
    )
    if (opened) leads.push(((START + BREAKS * BASE - opened.openedAt) / BASE) * (1 / 12))
  }
  leads.sort((a, b) => a - b)
  return { runs: leads.length, lead: leads[leads.length >> 1] ?? 0 }
}

describe('preset calibrated', () => {
  it('warns of most cascades before they break, and not of ramps and bursts that look like them', async () => {
    const found = {
      cascade: await warned('cascade', cascade),
      ramp: await warned('ramp', matchedRamp(cascade, END)),
      burst: await warned('burst', burst),
    }
    console.log(`of ${RUNS} runs each, warned before the break (median hours ahead):`, JSON.stringify(found))
    expect(found.cascade.runs).toBeGreaterThanOrEqual(RUNS - 1)
    expect(found.cascade.lead).toBeGreaterThan(0.5)
    expect(found.ramp.runs).toBeLessThanOrEqual(1)
    expect(found.burst.runs).toBeLessThanOrEqual(1)
  })
})
