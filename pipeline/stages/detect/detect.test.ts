import { serialize } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE, DAY, HOUR } from '../../../common/time.ts'
import { PREPROCESSING } from '../../../models/early-warning/tracker.ts'
import { createRandom } from '../../../models/random.ts'
import { type BinClosed, type Idle, MEASURES, type Measure, type Unknown } from '../../../schemas/records.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { drive } from '../harness.ts'
import { detectStage } from './detect.ts'
import { defaults } from './settings.ts'
import {
  alerts,
  CHANNEL,
  closed,
  evidenceOf,
  filling,
  openedBy,
  START,
  scoring,
  signals,
  talk,
} from './testing.ts'

type Input = InputOf<'detect'>

/** A short history, so that little input goes through everything. */
const quick = { eligible: { enter: 3, leave: 2, hours: 1 }, onset: { ...defaults.onset, hours: 1 } }
const stage = () => detectStage({ run: 'test', scoring, settings: quick })
const steady = { ratio: () => 0.3, drive: () => 8 }

const idle = (measure: Idle['measure'], bin: number): Input => ({
  key: CHANNEL,
  record: { type: 'Idle', measure, from: START + bin * BASE },
})
const unknown = (measure: Unknown['measure'], from: number, to: number): Input => ({
  key: CHANNEL,
  record: { type: 'Unknown', measure, from: START + from * BASE, to: START + to * BASE, reason: null },
})

/** Two channels with a surge, masked bins, a silence, an idle time with an unknown span, and a waking. */
function eventful(): Input[] {
  const surge = { ratio: (bin: number) => (bin > 120 && bin < 160 ? 0.97 : 0.3), drive: () => 6 }
  const first: Input[] = talk('first', 200, surge).map((input, bin) =>
    bin % 37 === 5 || (bin > 170 && bin < 174) ? masked(input) : input,
  )
  for (let bin = 200; bin < 200 + 288; bin++) first.push(closed(bin, { posts: 0, replies: 0, casts: 0 }))
  for (const measure of ['posts', 'replies', 'casts'] as const) first.push(idle(measure, 488))
  for (const measure of ['posts', 'casts'] as const) first.push(unknown(measure, 500, 530))
  const woken = talk('woken', 700, steady).slice(600)
  const second = talk('second', 260, { ratio: () => 0.2, drive: (bin) => (bin > 150 ? 0.1 : 20) }, '*')
  const inputs = [...first, ...woken]
  // Two channels of one partition come interleaved.
  return inputs
    .flatMap((input, i) => (second[i] ? [input, second[i]] : [input]))
    .flatMap((input) => (input.record.type === 'BinClosed' ? filling(input) : [input]))
}

function masked(input: Input, count?: number, measures: readonly Measure[] = MEASURES): Input {
  const record = input.record as BinClosed
  const bins = record.bins.map((b) =>
    measures.includes(b.measure) ? { ...b, count: count ?? b.count, covered: 0.2, masked: true } : b,
  )
  return { key: input.key, record: { ...record, bins } }
}

describe('results', () => {
  it('do not depend on batches, and every state can be restored', async () => {
    const inputs = eventful()
    const plain = await drive(stage(), inputs, { batch: 1000 })
    expect(alerts(plain).map((a) => `${a.kind} ${a.event}`)).toEqual(
      expect.arrayContaining([
        'early-warning opened',
        'early-warning resolved',
        'collapse opened',
        'collapse resolved',
        'onset opened',
      ]),
    )
    expect(await drive(stage(), inputs, { batch: 7 })).toEqual(plain)
    expect(await drive(stage(), inputs, { batch: 1, restart: true })).toEqual(plain)
  })

  it('are the same when stretches of the input are delivered again', async () => {
    const inputs = eventful()
    const plain = await drive(stage(), inputs)
    const stretches = fc.array(fc.tuple(fc.nat(inputs.length), fc.nat(150)), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(stretches, async (again) => {
        const repeated = [...inputs]
        // From the end, so that positions stay what they were.
        for (const [end, length] of again.sort(([a], [b]) => b - a)) {
          repeated.splice(end, 0, ...inputs.slice(Math.max(0, end - length), end))
        }
        expect(await drive(stage(), repeated)).toEqual(plain)
      }),
      { numRuns: 8 },
    )
  })

  it('are the same when replies, and casts with them, close an hour after posts', async () => {
    const inputs = talk('polled', 700, { ratio: (bin) => (bin > 500 ? 0.9 : 0.4), drive: () => 6 })
    const of = (input: Input, measures: Measure[]): Input => {
      const record = input.record as BinClosed
      return {
        ...input,
        record: { ...record, bins: record.bins.filter((b) => measures.includes(b.measure)) },
      }
    }
    const posts = inputs.map((input) => of(input, ['posts']))
    const rest = inputs.map((input) => of(input, ['replies', 'casts']))
    const polled = posts.flatMap((input, i) => (rest[i - 14] ? [input, rest[i - 14]!] : [input]))
    const scores = async (all: Input[], resolution: number) =>
      signals(await drive(stage(), all), 'casts', resolution).map(({ start, score }) => [start, score])
    for (const resolution of [300, 3600]) {
      const delayed = await scores(polled, resolution)
      expect(delayed.length).toBeGreaterThan(resolution === 300 ? 500 : 0)
      expect(delayed).toEqual((await scores(inputs, resolution)).slice(0, delayed.length))
    }
  })

  it('of the past do not change with the future', async () => {
    const inputs = eventful()
    const all = await drive(stage(), inputs)
    for (const n of [150, 833, 1700]) {
      const past = await drive(stage(), inputs.slice(0, n))
      expect(all.slice(0, past.length)).toEqual(past)
    }
  })

  it('do not depend on what was counted in masked bins', async () => {
    const inputs = talk('gaps', 400, steady)
    const gap = (bin: number): boolean => bin % 29 === 3 || (bin > 200 && bin < 215)
    const withCount = async (count: number) => {
      const outputs = await drive(
        stage(),
        inputs.map((input, bin) => (gap(bin) ? masked(input, count) : input)),
      )
      return outputs.map((o) =>
        o.record.type === 'Signal' && o.record.decision === 'masked' ? { ...o.record, count: 0 } : o,
      )
    }
    expect(await withCount(0)).toEqual(await withCount(999))
    const asZeros = inputs.map((input, bin) => (gap(bin) ? { ...masked(input, 0), ...zeros(input) } : input))
    expect(await drive(stage(), asZeros)).not.toEqual(await withCount(0))
  })

  it('are episodes, one at a time per channel and kind, each opened once and resolved at most once', async () => {
    const outputs = await drive(stage(), eventful())
    const open = new Map<string, string>()
    const sequences = new Map<string, number>()
    for (const { key, record: a } of outputs) {
      if (a.type !== 'AlertEvent') continue
      const watched = `${a.kind} ${key}`
      const sequence = sequences.get(a.fingerprint) ?? 0
      expect(a.sequence).toBe(sequence + 1)
      expect(a.event === 'opened').toBe(sequence === 0)
      expect(open.get(watched)).toBe(sequence === 0 ? undefined : a.fingerprint)
      sequences.set(a.fingerprint, a.sequence)
      if (a.event === 'resolved') open.delete(watched)
      else open.set(watched, a.fingerprint)
    }
    expect(sequences.size).toBeGreaterThan(1)
    const early = alerts(outputs).filter((a) => a.kind === 'early-warning')
    expect(early.some((a) => a.event === 'resolved' && a.reason.startsWith('back to usual for 6 bins'))).toBe(
      true,
    )
  })

  it('have no signals for idle time', async () => {
    const outputs = await drive(stage(), eventful())
    const within = outputs.filter(
      ({ key, record: s }) =>
        key === CHANNEL &&
        s.type === 'Signal' &&
        s.start >= START + 488 * BASE &&
        s.start < START + 600 * BASE,
    )
    // The hour and the six hours that the waking falls into end after it.
    expect(within.filter(({ record: s }) => s.type === 'Signal' && s.resolution === 300)).toEqual([])
  })

  it('name the settings that made them', async () => {
    const inputs = talk('settings', 110, steady)
    const [a] = signals(await drive(stage(), inputs))
    const [b] = signals(
      await drive(detectStage({ run: 'test', scoring, settings: { ...quick, cooldownHours: 7 } }), inputs),
    )
    expect(a!.settings).toMatch(/^[0-9a-f]{8}$/)
    expect(b!.settings).not.toBe(a!.settings)
  })
})

function zeros(input: Input): Input {
  const record = input.record as BinClosed
  return { key: input.key, record: { ...record, bins: record.bins.map((b) => ({ ...b, count: 0 })) } }
}

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
      return state.channels.get(CHANNEL)!.series[2]!
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
  it('with a gap every two hours is passed over fast, and exactly', () => {
    const s = stage()
    const state = s.initial(0)
    for (let bin = 0; bin < 300; bin++) s.apply(state, closed(bin, { posts: bin < 5 ? 1 : 0 }))
    s.apply(state, idle('posts', 300))
    const gaps = 12 * 365
    for (let i = 0; i < gaps; i++) s.apply(state, unknown('posts', 310 + i * 24, 311 + i * 24))
    const begun = performance.now()
    s.apply(state, closed(310 + gaps * 24, { posts: 1 }))
    // 60 ms; looking each bin up among all gaps took 4 s.
    expect(performance.now() - begun).toBeLessThan(1000)
    expect(state.channels.get(CHANNEL)!.series[0]!.covered).toBe(311 + gaps * 23)
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

describe('early warning', () => {
  const surging = { ratio: (bin: number) => (bin > 120 && bin < 160 ? 0.97 : 0.3), drive: () => 6 }
  const gapFrom = (from: number, to: number) => (input: Input, bin: number) =>
    bin >= from && bin < to ? masked(input) : input

  it('is not over because a gap keeps it from being judged', async () => {
    const inputs = talk('first', 220, surging)
    const isWarning = (a: { kind: string }): boolean => a.kind === 'early-warning'
    const [opened] = alerts(await drive(stage(), inputs)).filter(isWarning)
    const bin = (opened!.time - START) / BASE
    const outputs = await drive(stage(), inputs.map(gapFrom(bin + 1, bin + 31)))
    const { measure, start } = openedBy(opened)
    const unjudged = signals(outputs, measure).filter(
      (s) => s.start > start && s.p === null && s.decision !== 'masked',
    )
    expect(unjudged.length).toBeGreaterThan(6)
    for (const s of unjudged) {
      expect(s).toMatchObject({
        decision: 'insufficient',
        reason: expect.stringMatching(/^early-warning can't be judged: too little of its window is covered$/),
      })
    }
    const resolved = alerts(outputs).find((a) => isWarning(a) && a.event === 'resolved')!
    expect(resolved.fingerprint).toBe(opened!.fingerprint)
    expect(resolved.time).toBeGreaterThan(unjudged.at(-1)!.start + 6 * BASE)
  })

  it('that could not be judged is told of where something else was found', async () => {
    const dropping = { ratio: () => 0, drive: (bin: number) => (bin < 161 ? 20 : 0.05) }
    const inputs = talk('dropping', 170, dropping).map(gapFrom(130, 160))
    const found = signals(await drive(stage(), inputs), 'posts').find((s) => s.start === START + 161 * BASE)!
    expect(found).toMatchObject({ decision: 'opened', p: null })
    expect(found.reason).toMatch(/^collapse: so few have a chance of .*; early-warning can't be judged: /)
  })

  it('says what was seen, how much of it, the thresholds, and where', async () => {
    const [opened] = alerts(await drive(stage(), talk('first', 220, surging))).filter(
      (a) => a.kind === 'early-warning',
    )
    const n = '-?[\\d.e-]+'
    expect(opened!.reason).toMatch(
      new RegExp(
        `^(posts|replies|casts) per 5 min: CNN-LSTM score ${n} \\(threshold ${n}, ${defaults.calibrated.bins} bins in a row; weights test\\). ` +
          `Lag-1 autocorrelation ${n} \\(usual ${n}, p ${n}\\), variance ${n} \\(usual ${n}, p ${n}\\), together with ` +
          `their trends p ${n} \\(threshold ${n}; against a null of this rate, dispersion and memory\\), in a window ` +
          `${n} sd busier than expected \\(threshold ${n} sd busier\\); saw \\d+, expected ${n}$`,
      ),
    )
  })
})

describe('collapse', () => {
  const collapsing = (bins: number, back: number) => ({
    ratio: () => 0,
    drive: (bin: number) => (bin >= 120 && bin < back && bin < bins ? 0.05 : 20),
  })

  it('opens at once, holds while it is low, and is resolved when the usual is back', async () => {
    const outputs = await drive(stage(), talk('collapse', 200, collapsing(200, 150)))
    const events = alerts(outputs).filter((a) => a.kind === 'collapse')
    expect(events.map((e) => e.event)).toEqual([
      'opened',
      ...events.slice(1, -1).map(() => 'updated'),
      'resolved',
    ])
    const [opened] = events
    expect(opened).toMatchObject({
      sequence: 1,
      subject: { start: START + 120 * BASE },
      time: START + 121 * BASE,
      openedAt: START + 121 * BASE,
    })
    expect(opened!.fingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(opened!.reason).toMatch(
      /^(posts|casts) per 5 min: so few have a chance of .* \(threshold 0.0001\); saw 0, expected [\d.]+, [\d.]+ over weeks$/,
    )
    const resolved = events.at(-1)!
    expect(resolved.time).toBeGreaterThan(START + 150 * BASE)
    expect(resolved.time).toBeLessThan(START + 160 * BASE)
    expect(events.map((e) => e.sequence)).toEqual(events.map((_, i) => i + 1))
    const held = signals(outputs, openedBy(opened).measure).find((s) => s.start === START + 130 * BASE)!
    expect(held).toMatchObject({ decision: 'held', reason: expect.stringMatching(/^collapse: /) })
  })

  it('grows in severity with the evidence', async () => {
    const events = alerts(
      await drive(stage(), talk('grows', 200, { ratio: () => 0.5, drive: (bin) => (bin > 120 ? 0.05 : 20) })),
    )
    const collapse = events.filter((a) => a.kind === 'collapse')
    expect(collapse[0]).toMatchObject({ event: 'opened', severity: 'low' })
    const updated = collapse.filter((a) => a.event === 'updated')
    expect(updated[0]).toMatchObject({ severity: 'medium' })
    expect(updated[0]!.evidence).toHaveLength(2)
    expect(new Set(collapse.map((a) => a.fingerprint)).size).toBe(1)
  })

  it('does not open again during the cool-down', async () => {
    const twice = {
      ratio: () => 0,
      drive: (bin: number) => ((bin >= 120 && bin < 125) || (bin >= 150 && bin < 155) ? 0 : 20),
    }
    const outputs = await drive(stage(), talk('twice', 180, twice))
    expect(alerts(outputs).filter((a) => a.event === 'opened' && a.kind === 'collapse')).toHaveLength(1)
    const again = signals(outputs, 'casts').find((s) => s.start === START + 150 * BASE)!
    expect(again).toMatchObject({
      decision: 'suppressed',
      reason: expect.stringMatching(/suppressed by cool-down until 2026-01-05T/),
    })
    const impatient = detectStage({ run: 'test', scoring, settings: { ...quick, cooldownHours: 0 } })
    const opened = alerts(await drive(impatient, talk('twice', 180, twice))).filter(
      (a) => a.event === 'opened',
    )
    expect(opened.filter((a) => a.kind === 'collapse')).toHaveLength(2)
  })

  it('is frozen by masked bins, and ends as coverage-lost after 24 hours of them', async () => {
    const inputs = talk('frozen', 600, collapsing(600, 600)).map((input, bin) =>
      bin >= 130 ? masked(input) : input,
    )
    const outputs = await drive(stage(), inputs)
    const events = alerts(outputs).filter((a) => a.kind === 'collapse')
    const last = events.at(-1)!
    expect(last).toMatchObject({ event: 'resolved', reason: expect.stringMatching(/^coverage-lost/) })
    expect(last.time - (START + 130 * BASE)).toBe(DAY)
    expect(events.filter((a) => a.time > START + 131 * BASE && a !== last)).toEqual([])
  })

  it('is not held up by one series that can no longer be judged, while others go on', async () => {
    const impatient = detectStage({ run: 'test', scoring, settings: { ...quick, coverageLostHours: 12 } })
    const talked = (back: number) =>
      talk('large', 420, {
        ratio: () => 0.5,
        drive: (bin) => (bin >= 120 && bin < back ? 0.05 : 200),
      }).map((input, bin) => (bin >= 140 ? masked(input, undefined, ['posts']) : input))
    const resolvedOf = async (back: number) =>
      alerts(await drive(impatient, talked(back))).filter(
        (a) => a.kind === 'collapse' && a.event === 'resolved',
      )
    const [resolved, ...more] = await resolvedOf(150)
    expect(resolved).toMatchObject({
      time: START + (140 + 144) * BASE,
      reason: expect.stringMatching(/^coverage-lost: posts could not be judged for 12 hours/),
    })
    expect(evidenceOf(resolved).map((e) => e.measure)).toEqual(expect.arrayContaining(['posts', 'casts']))
    expect(more).toEqual([])
    // Those that still are low hold it open, for longer.
    const [later] = await resolvedOf(420)
    expect(later!.time).toBeGreaterThan(resolved!.time)
    expect(later!.reason).not.toMatch(/^coverage-lost/)
  })

  it('does not follow every burst: it is below the usual of weeks, and not just of hours', async () => {
    for (let run = 0; run < 5; run++) {
      const random = createRandom(`burst ${run}`)
      const inputs = (after: number) =>
        Array.from({ length: 720 }, (_, bin) =>
          closed(bin, { posts: random.poisson(bin < 600 ? 20 : bin < 612 ? 600 : after) }),
        )
      const opened = async (after: number) =>
        alerts(await drive(stage(), inputs(after))).filter(
          (a) => a.kind === 'collapse' && a.event === 'opened' && openedBy(a).start >= START + 612 * BASE,
        )
      expect(await opened(20)).toEqual([])
      expect(await opened(0.05)).toHaveLength(1)
    }
  })

  it('is resolved by idleness', async () => {
    const silent = talk('silent', 125, collapsing(125, 125))
    const outputs = await drive(stage(), [
      ...silent,
      ...(['posts', 'replies', 'casts'] as const).map((m) => idle(m, 125)),
    ])
    const last = alerts(outputs).at(-1)!
    expect(last).toMatchObject({
      kind: 'collapse',
      event: 'resolved',
      reason: expect.stringMatching(/^idle: /),
    })
    expect(last.time).toBe(START + 125 * BASE)
  })

  it('cannot happen where little is expected', async () => {
    const outputs = await drive(
      stage(),
      talk('small', 300, { ratio: () => 0, drive: (bin) => (bin > 150 ? 0 : 4) }),
    )
    expect(alerts(outputs).filter((a) => a.kind === 'collapse' && openedBy(a).resolution === 300)).toEqual([])
  })
})

describe('preset classic', () => {
  it('warns exactly where a plain reading of the rule does', async () => {
    const random = createRandom('classic')
    const surges = Array.from({ length: 6 }, (_, i) => 300 + i * 300 + random.int(100))
    const ratio = (bin: number): number => (surges.some((s) => bin >= s && bin < s + 50) ? 1.02 : 0.2)
    const impatient = { ...quick, cooldownHours: 0 }
    const classic = detectStage({ run: 'test', scoring, preset: 'classic', settings: impatient })
    const outputs = await drive(classic, talk('classic', 2200, { ratio, drive: () => 8 }))
    const casts = signals(outputs, 'casts').filter((s) => s.variance !== null)
    const { sds, autocorrelation } = defaults.classic
    const meets = casts.map((s, i) => {
      const before = casts.slice(Math.max(0, i - 4 * PREPROCESSING.window), i).map((b) => b.variance!)
      if (before.length < 4 * PREPROCESSING.window) return false
      const mean = before.reduce((sum, v) => sum + v, 0) / before.length
      const sd = Math.sqrt(before.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (before.length - 1))
      return s.variance! > mean + sds * sd && s.autocorrelation! > autocorrelation
    })
    // From here on the plain reading has its history too.
    const compared = casts.map((s, i) => ({ s, meets: meets[i]! })).slice(5 * PREPROCESSING.window)
    const spoke = (s: (typeof casts)[number]) => s.decision === 'opened' || s.decision === 'held'
    expect(compared.filter((c) => c.meets).length).toBeGreaterThan(5)
    for (const c of compared) if (c.meets) expect(spoke(c.s)).toBe(true)
    for (const c of compared)
      if (c.s.decision === 'opened' && c.s.reason.startsWith('early')) expect(c.meets).toBe(true)
    const opened = alerts(outputs).find((a) => a.kind === 'early-warning')!
    expect(opened).toMatchObject({
      preset: 'classic',
      reason: expect.stringMatching(/above its mean over the preceding 4 windows \(threshold 2.5\)/),
    })
  })
})
