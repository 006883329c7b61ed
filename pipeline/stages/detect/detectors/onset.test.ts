import { describe, expect, it } from 'vitest'
import { BASE, HOUR } from '../../../../common/time.ts'
import { ROW } from '../../../../models/cnn-lstm/inputs.ts'
import { sf } from '../../../../models/early-warning/negative-binomial.ts'
import { createRandom } from '../../../../models/random.ts'
import type { Measure } from '../../../../schemas/records.ts'
import type { InputOf } from '../../../runtime/stage.ts'
import { drive } from '../../../testing/drive.ts'
import { detectStage } from '../detect.ts'
import { alerts, CHANNEL, closed, evidenceOf, filling, START, signals } from '../testing.ts'
import { onset } from './onset.ts'

type Input = InputOf<'detect'>

/** No early warning, so that what is said is of onsets. */
const silent = { model: 'silent', score: async (rows: Float32Array) => new Float32Array(rows.length / ROW) }
const stage = () => detectStage({ run: 'test', scoring: silent })
const onsets = async (inputs: Input[]) =>
  alerts(await drive(stage(), inputs)).filter((a) => a.kind === 'onset')

/** Posts, independent, of this mean: all that is usual. */
function usual(mean: number, bins: number, from = 0): Input[] {
  const random = createRandom(`usual ${mean}`)
  return Array.from({ length: bins }, (_, i) => closed(from + i, { posts: random.poisson(mean) }))
}
const milestone = (bin: number, n: number, measure: Measure = 'posts'): Input => ({
  key: CHANNEL,
  record: {
    type: 'Milestone',
    measure,
    start: START + bin * BASE,
    seconds: 300,
    n,
    time: START + bin * BASE + n * 1000,
  },
})

describe('onset', () => {
  it('opens while the bin is open, on what it already holds', async () => {
    const [opened] = await onsets([...usual(2, 600), milestone(600, 8), milestone(600, 16)])
    expect(opened).toMatchObject({
      event: 'opened',
      subject: { type: 'series', measure: 'posts', resolution: 300, start: START + 600 * BASE },
      openedAt: START + 600 * BASE + 16_000,
      reason: expect.stringMatching(
        /^posts per 5 min: 16 before the bin has closed, where [\d.]+ were expected in the whole of it .* a chance of [\d.e-]+ \(threshold 0.0005\), and at least 3 times the expected$/,
      ),
    })
    const [evidence] = evidenceOf(opened)
    expect(evidence!.expected).toBeGreaterThan(1.5)
    expect(evidence!.expected).toBeLessThan(2.6)
    expect(evidence!.p).toBe(sf(15, evidence!.expected, evidence!.dispersion))
    expect(evidence!.p).toBeLessThan(onset.settings.onset.p[300])
  })

  it('is not ended by bins before it that close after it was seen', async () => {
    const late = [600, 601, 602].map((bin) => closed(bin, { posts: 2 }))
    const events = await onsets([...usual(2, 600), milestone(603, 16), ...late])
    expect(events.map(({ event }) => event)).toEqual(['opened'])
    const over = [603, 604, 605, 606].map((bin) => closed(bin, { posts: bin === 603 ? 16 : 2 }))
    const [, resolved] = await onsets([...usual(2, 600), milestone(603, 16), ...late, ...over])
    expect(resolved).toMatchObject({ event: 'resolved', time: START + 607 * BASE })
  })

  it('is told of small series too, and of ones that were idle, after 24 covered hours', async () => {
    const quiet = Array.from({ length: 300 }, (_, bin) => closed(bin, { posts: bin % 100 === 0 ? 1 : 0 }))
    expect(await onsets([...quiet, milestone(300, 8)])).toHaveLength(1)
    expect(await onsets([...quiet.slice(0, 280), milestone(280, 8)])).toEqual([])
    const idle: Input = { key: CHANNEL, record: { type: 'Idle', measure: 'posts', from: START + 300 * BASE } }
    expect(await onsets([...quiet, idle, milestone(900, 8)])).toHaveLength(1)
    expect(await onsets([...quiet, idle, milestone(900, 4)])).toEqual([])
  })

  it('is not seen in what is usual', async () => {
    let opened = 0
    for (const mean of [0.3, 2, 20, 100]) {
      opened += (await onsets(usual(mean, 12 * 24 * 8).flatMap(filling))).length
    }
    expect(opened).toBe(0)
  })

  it('is seen within the hour where 5 minutes are too short to tell', async () => {
    const surge = Array.from({ length: 12 }, (_, i) => closed(600 + i, { posts: 5 }))
    const [opened] = await onsets([...usual(1, 600), ...surge].flatMap(filling))
    expect(opened!.subject).toMatchObject({ resolution: 3600, start: START + 50 * HOUR })
    expect(opened!.openedAt).toBeLessThan(START + 51 * HOUR)
    expect(evidenceOf(opened)[0]!.count).toBeLessThan(60)
  })

  it('goes on while it is more than usual, and is over after 3 calm bins; masked ones say nothing', async () => {
    const surge = Array.from({ length: 9 }, (_, i) => closed(601 + i, { posts: 25 }))
    const after = usual(2, 400, 610)
    const gap = (input: Input, i: number): Input => (i < 6 ? closed(610 + i, { posts: 0 }, true) : input)
    const events = await onsets([...usual(2, 601), ...surge, ...after].flatMap(filling))
    const five = await onsets([...usual(2, 601), ...surge, ...after.map(gap)].flatMap(filling))
    expect(events.map((a) => a.event)).toEqual(['opened', 'updated', 'resolved'])
    // The hour is evidence as well: 5 minutes and the hour that follows must be calm.
    const ended = events.at(-1)!.time
    expect(ended).toBeGreaterThanOrEqual(START + 613 * BASE)
    expect(five.at(-1)!.time).toBeGreaterThanOrEqual(ended)
    const said = signals(await drive(stage(), [...usual(2, 601), ...surge].flatMap(filling)), 'posts')
    expect(said.find((s) => s.start === START + 605 * BASE)).toMatchObject({
      decision: 'held',
      reason: expect.stringMatching(/^onset: saw 25 where [\d.]+ were expected before it set in/),
    })
  })

  it('that the cool-down suppressed opens after it, if it goes on', async () => {
    const impatient = detectStage({ run: 'test', scoring: silent, settings: { cooldownHours: 1 } })
    const burst = (from: number, bins: number) =>
      Array.from({ length: bins }, (_, i) => closed(from + i, { posts: 40 }))
    const inputs = [...usual(2, 601), ...burst(601, 2), ...usual(2, 50, 603), ...burst(653, 20)].flatMap(
      filling,
    )
    const outputs = await drive(impatient, inputs)
    const opened = alerts(outputs).filter((a) => a.kind === 'onset' && a.event === 'opened')
    const resolved = alerts(outputs).find((a) => a.kind === 'onset' && a.event === 'resolved')!
    expect(opened).toHaveLength(2)
    expect(opened[1]!.openedAt).toBeGreaterThanOrEqual(resolved.time + HOUR)
  })

  it('ends after a day of what is the new usual, and is told once', async () => {
    const raised = usual(60, 12 * 24 * 4, 600)
    const events = await onsets([...usual(10, 600), ...raised].flatMap(filling))
    const last = events.at(-1)!
    expect(last).toMatchObject({
      event: 'resolved',
      reason: 'still more after 24 hours: this is the new usual',
    })
    expect(last.time - events[0]!.openedAt).toBeLessThan(26 * HOUR)
    expect(events.filter((a) => a.event === 'opened')).toHaveLength(1)
  })

  it('is known from milestones alone where bins of the hour have not closed', async () => {
    const open = Array.from({ length: 8 }, (_, i) => milestone(600 + i, 8))
    const [opened] = await onsets([...usual(1.5, 600), ...open])
    expect(opened!.subject).toMatchObject({ resolution: 3600, start: START + 50 * HOUR })
    expect(opened!.openedAt).toBeLessThan(START + 608 * BASE)
  })

  it('of one milestone is the same however often it is delivered', async () => {
    const once = [...usual(2, 600), milestone(600, 16), ...usual(2, 3, 598), milestone(601, 8)]
    const again = [...once, milestone(600, 16), milestone(601, 8), ...usual(2, 20, 602)]
    expect(await onsets(again)).toEqual(await onsets([...once, ...usual(2, 20, 602)]))
  })
})
