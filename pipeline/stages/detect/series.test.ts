import { serialize } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { BASE, HOUR } from '../../../common/time.ts'
import { type BinClosed, MEASURES } from '../../../schemas/records.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { drive } from '../../testing/drive.ts'
import {
  alerts,
  CHANNEL,
  closed,
  idle,
  masked,
  START,
  signals,
  stage,
  steady,
  talk,
  unknown,
} from './testing.ts'

type Input = InputOf<'detect'>

describe('series', () => {
  it('are judged once there is enough data: said when that begins, then a signal for every bin', async () => {
    const outputs = await drive(stage(), talk('eligible', 200, steady))
    const casts = signals(outputs, 'casts')
    expect(casts[0]).toMatchObject({ decision: 'insufficient', start: START, expected: null })
    expect(casts[0]!.reason).toMatch(/^not enough data: /)
    const judged = casts.slice(1)
    expect(judged.length).toBe(200 - 96)
    expect(judged.every((s) => s.decision !== 'insufficient' && s.expected !== null && s.p !== null)).toBe(
      true,
    )
    expect(judged.map((s) => s.start)).toEqual(judged.map((_, i) => START + (96 + i) * BASE))
  })

  it('are judged from 3 expected events on, until fewer than 2; that it ends is said once', async () => {
    const talked = talk('quieter', 400, { ratio: () => 0, drive: (bin) => (bin < 130 ? 6 : 0.5) })
    const casts = signals(await drive(stage(), talked), 'casts')
    let judged = false
    for (const s of casts) {
      const ends = s.decision === 'insufficient'
      if (!ends) expect(s.expected).toBeGreaterThanOrEqual(judged ? 2 : 3)
      else if (judged) expect(s.reason).toMatch(/events expected in a bin, fewer than 2/)
      else expect(s).toBe(casts[0])
      judged = !ends
    }
    expect(judged).toBe(false)
    expect(casts.length).toBeGreaterThan(70)
    expect(casts.at(-1)!.start).toBeLessThan(START + 390 * BASE)
  })

  it('are summed to hours: a sum that lacks a base bin is masked', async () => {
    const inputs = talk('hours', 12 * 110, steady).slice(5)
    const gap = 12 * 105 + 3 - 5
    const outputs = await drive(
      stage(),
      inputs.map((input, i) => (i === gap ? masked(input) : input)),
    )
    const hours = signals(outputs, 'casts', 3600)
    const [first] = hours
    expect(first).toMatchObject({ decision: 'insufficient', start: START + HOUR })
    expect(hours.find((s) => s.start === START + 105 * HOUR)).toMatchObject({ decision: 'masked', p: null })
    const judged = hours.find((s) => s.start === START + 100 * HOUR)!
    const counts = inputs.slice(100 * 12 - 5, 101 * 12 - 5).map((i) => (i.record as BinClosed).bins[2]!.count)
    expect(judged.count).toBe(counts.reduce((sum, n) => sum + n, 0))
  })

  it('of participants are not summed', async () => {
    const inputs = Array.from({ length: 300 }, (_, bin) => closed(bin, { participants: 5 }))
    const outputs = await drive(stage(), inputs)
    expect(signals(outputs, 'participants', 300).length).toBeGreaterThan(100)
    expect(signals(outputs, 'participants', 3600)).toEqual([])
  })

  it('take idle time for zeros, except where it is unknown', async () => {
    const before = talk('idle', 144, { ratio: () => 0, drive: () => 120 })
    const after = (bin: number): Input[] => [closed(bin, { posts: 1, replies: 0, casts: 1 })]
    const level = async (inputs: Input[]) => {
      const s = stage()
      const state = s.initial(0)
      for (const input of inputs) s.apply(state, input)
      return state.channels.byKey.get(CHANNEL)!.series[2]!
    }
    const empty = Array.from({ length: 500 }, (_, i) => closed(144 + i, { posts: 0, replies: 0, casts: 0 }))
    const plain = await level([...before, ...empty, ...after(644)])
    const slept = await level([...before, idle('casts', 144), ...after(644)])
    expect(slept.covered).toBe(plain.covered)
    for (const [i, scale] of plain.scales.entries()) {
      const other = slept.scales[i]!
      expect(other.sum).toEqual(scale.sum)
      // The profile is learned after, not during the sleep: the shares of the level differ a little, not its size.
      expect(other.tracker.level.events).toBeCloseTo(scale.tracker.level.events, 6)
    }
    expect(slept.profile.events).toBeCloseTo(plain.profile.events, 9)
    const gap = await level([...before, idle('casts', 144), unknown('casts', 150, 640), ...after(644)])
    expect(gap.covered).toBe(plain.covered - 490)
    expect(gap.scales[0]!.tracker.level.events).toBeGreaterThan(50 * plain.scales[0]!.tracker.level.events)
  })

  it('of which records are missing have a gap, no zeros', async () => {
    const inputs = talk('lost', 300, steady)
    const outputs = await drive(stage(), [...inputs.slice(0, 150), ...inputs.slice(170)])
    expect(alerts(outputs).filter((a) => a.kind === 'collapse')).toEqual([])
    const next = signals(outputs, 'casts').find((s) => s.start === START + 170 * BASE)!
    expect(next.expected).toBeGreaterThan(7)
  })
})

describe('a long idle time', () => {
  it('with a gap every ten minutes is passed over fast, and exactly', () => {
    const s = stage()
    const state = s.initial(0)
    for (let bin = 0; bin < 300; bin++) s.apply(state, closed(bin, { posts: bin < 5 ? 1 : 0 }))
    s.apply(state, idle('posts', 300))
    const gaps = 27 * 144
    for (let i = 0; i < gaps; i++) s.apply(state, unknown('posts', 310 + i * 2, 311 + i * 2))
    const begun = performance.now()
    s.apply(state, closed(310 + gaps * 2, { posts: 1 }))
    // 60 ms; looking each bin up among all gaps took 4 s.
    expect(performance.now() - begun).toBeLessThan(1000)
    expect(state.channels.byKey.get(CHANNEL)!.series[0]!.covered).toBe(311 + gaps)
  })
})

describe('state', () => {
  it('of channels that are seen once stays small', async () => {
    const s = stage()
    const state = s.initial(0)
    const channels = 500
    for (let i = 0; i < channels; i++) {
      const key = `https://example.org/${i}`
      s.apply(state, closed(0, { posts: 1, replies: 0, casts: 1, reactions: 0, participants: 1 }, false, key))
      for (const measure of MEASURES) s.apply(state, { ...idle(measure, 1), key })
    }
    await s.settle(state, () => {})
    expect(serialize(state).length / channels).toBeLessThan(4000)
    expect(state.watches.size).toBe(0)
  })
})
