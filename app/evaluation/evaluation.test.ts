import { expect, test } from 'vitest'
import { BASE, DAY, HOUR, MINUTE } from '../../common/time.ts'
import { SIMULATION_LIVE, SIMULATION_START } from '../../connectors/simulation/simulation.ts'
import type { Input } from '../../pipeline/runtime/stage.ts'
import { type Measure, NETWORK, seriesName } from '../../schemas/records.ts'
import { countsOf, pollingOrder } from './counts.ts'
import { figuresOf } from './figures.ts'
import { networkReport } from './network-report.ts'
import { JUDGED_FROM, JUDGED_TO, type Opened, type Watched } from './watching.ts'

const T = JUDGED_FROM
const event = { ratio: 0.5, judged: true, peak: 20 }
const climb = { calmAt: 0, peakRatio: 1.5, cap: 10 }
const cascade = (channel: string, start: number, breakAt: number, judged = true) =>
  ({ ...event, ...climb, type: 'cascade', channel, start, breakAt, end: breakAt + 5 * HOUR, judged }) as const
const burst = (channel: string, start: number, peak: number) =>
  ({ ...event, type: 'burst', channel, start, end: start + HOUR, factor: 9, fade: 1, url: '', peak }) as const
const opened = (channel: string, kind: Opened['kind'], seenTo: number, late = 0): Opened => ({
  channel,
  kind,
  seenTo,
  toldAt: seenTo + late,
})

const watched: Watched = {
  planted: [
    cascade('a', T, T + 6 * HOUR),
    cascade('b', SIMULATION_LIVE - HOUR, SIMULATION_LIVE + 4 * HOUR),
    cascade('c', T, T + 6 * HOUR, false),
    cascade('i', T + 12 * HOUR, T + 18 * HOUR),
    // Not counted, but what is told of them isn't false.
    cascade('j', T - HOUR, T + 4 * HOUR),
    cascade('k', JUDGED_TO - 2 * HOUR, JUDGED_TO + HOUR),
    burst('d', T, 12),
    burst('e', T, 4),
    { ...event, type: 'ramp', channel: 'f', start: T, end: T + 9 * HOUR, like: { ...climb, breakAt: 0 } },
    { ...event, type: 'collapse', channel: 'g', start: T, end: T + 3 * HOUR, factor: 0.04 },
  ],
  opened: [
    // Three hours ahead, half an hour of which it takes to be told; again while it acts, which is no false one.
    opened('a', 'early-warning', T + 3 * HOUR, HOUR / 2),
    opened('a', 'early-warning', T + 8 * HOUR),
    opened('b', 'early-warning', SIMULATION_LIVE + 5 * HOUR),
    // In a channel that is not judged: warned of, but not one of those that count.
    opened('c', 'early-warning', T + 4 * HOUR),
    // Seen before the break, told after it.
    opened('i', 'early-warning', T + 17.5 * HOUR, 70 * MINUTE),
    // Rests on nothing that the cascade did.
    opened('i', 'early-warning', T + 12 * HOUR, HOUR),
    opened('j', 'early-warning', T + HOUR),
    opened('k', 'early-warning', JUDGED_TO - HOUR),
    opened('d', 'onset', T + HOUR / 2),
    opened('d', 'early-warning', T + 2 * HOUR),
    opened('f', 'early-warning', T + 2 * HOUR),
    opened('h', 'early-warning', T + 2 * HOUR),
    opened('h', 'onset', T + 2 * HOUR),
    opened('g', 'collapse', T + 2 * HOUR),
    // Calming after a burst, and in a quiet channel.
    opened('d', 'collapse', T + 2.5 * HOUR),
    opened('h', 'collapse', T + 9 * HOUR),
    // After the breaks of `a` and `c`; two in the climb of `i`, of which one is told too late.
    opened(NETWORK, 'early-warning', T + 11 * HOUR),
    opened(NETWORK, 'onset', T + 14 * HOUR),
    opened(NETWORK, 'onset', T + 17.5 * HOUR, HOUR),
    opened(NETWORK, 'collapse', T + 2 * HOUR),
  ],
  days: 100,
  judgedDays: 40,
}

test('alerts are held against what was planted', () => {
  const figures = figuresOf([watched, watched], false)
  expect(figures).toEqual({
    networks: 2,
    polled: false,
    days: 200,
    judgedDays: 80,
    cascades: { planted: 8, judged: 6, warned: 2, live: 2, liveWarned: 0, smallWarned: 2 },
    leads: [2.5, 2.5],
    late: 6,
    falseWarnings: { ramp: 2, burst: 2, group: 0, collapse: 0, nothing: 4 },
    bursts: { planted: 4, onset: 2, seen: 2, seenOnset: 2 },
    falseOnsets: 2,
    collapses: { planted: 2, found: 2 },
    falseCollapses: 4,
    network: { warnings: { opened: 2, building: 0 }, onsets: { opened: 4, building: 2 } },
  })
  const report = networkReport(figures)
  expect(report).toMatch(/^2 networks, 200 channel-days, .*Source: one that sees all at once\.$/m)
  expect(report).toContain('2 of 6 (33 %) in channels large enough to be judged')
  expect(report).toMatch(/in smaller channels: +2 of 2 /)
  expect(report).toContain('median 2.5 h')
  expect(report).toContain('hours from the moment it is told to the break')
  expect(report).toMatch(/opened after the break: +6 early warnings/)
  expect(report).toContain('8, 0.100 per judged channel-day (budget 0.05)')
  expect(report).toMatch(/Collapses while none was planted: +4, 0\.020 per channel-day/)
  expect(report).toMatch(/\(\*\), onsets: +4, 2 of them while a cascade was building up/)
  expect(networkReport(figuresOf([watched], true))).toMatch(/Source: one that polls/)
})

test('nothing to look at is said, not divided by', () => {
  const none = figuresOf([{ planted: [], opened: [], days: 1, judgedDays: 0 }], false)
  expect(networkReport(none)).not.toMatch(/NaN|Infinity/)
})

/** What is said of each measure of each channel, and in which turn. */
async function toldOf(turns: AsyncIterable<Input[]>): Promise<Map<string, { told: string; turn: number }[]>> {
  const all = new Map<string, { told: string; turn: number }[]>()
  let turn = 0
  for await (const inputs of turns) {
    for (const { key, record } of inputs) {
      const tell = (measure: Measure, told: string): void => {
        const series = seriesName(measure, key)
        all.set(series, [...(all.get(series) ?? []), { told, turn }])
      }
      if (record.type === 'BinClosed') {
        for (const { measure, count } of record.bins) tell(measure, `bin ${record.start} ${count}`)
      } else if (record.type === 'Idle') tell(record.measure, `idle ${record.from}`)
      else if (record.type === 'Unknown') tell(record.measure, `unknown ${record.from}`)
    }
    turn++
  }
  return all
}

const behind = (series: string): number => (series.startsWith('posts:') ? 0 : 14)

test('polled, each bin comes once and in order, posts at once and the others 70 minutes later', async () => {
  const to = SIMULATION_START + 3 * HOUR
  const whole = await toldOf(countsOf(7, to))
  const polled = await toldOf(countsOf(7, to + 14 * BASE, true))
  expect(whole.size).toBeGreaterThan(20)
  expect(whole.has(seriesName('replies', NETWORK))).toBe(true)
  for (const [series, told] of whole) {
    const last = told.length
    const shifted = told.map(({ told, turn }) => ({ told, turn: turn + behind(series) }))
    expect([series, polled.get(series)!.slice(0, last)]).toEqual([series, shifted])
  }
})

test('polled, what begins and ends a series stays with its bins, and milestones are on time', () => {
  const order = pollingOrder()
  const key = 'c'
  const bin = (measure: Measure) => ({ measure, count: 1, covered: 1, masked: false })
  const closed = (...measures: Measure[]): Input => ({
    key,
    record: { type: 'BinClosed', start: T, seconds: 300, bins: measures.map(bin) },
  })
  const idle = (measure: Measure): Input => ({ key, record: { type: 'Idle', measure, from: T + BASE } })
  const unknown = (measure: Measure): Input => ({
    key,
    record: { type: 'Unknown', measure, from: T - DAY, to: T, reason: null },
  })
  const milestone: Input = {
    key,
    record: { type: 'Milestone', measure: 'replies', start: T, seconds: 300, n: 4, time: T + 1 },
  }
  const whole = [
    milestone,
    unknown('posts'),
    unknown('replies'),
    closed('posts', 'replies', 'casts', 'reactions', 'participants'),
    idle('posts'),
    idle('reactions'),
  ]
  expect(order(whole)).toEqual([milestone, unknown('posts'), closed('posts'), idle('posts')])
  for (let i = 1; i < 14; i++) expect(order([])).toEqual([])
  expect(order([])).toEqual([
    unknown('replies'),
    closed('replies', 'casts', 'participants'),
    closed('reactions'),
    idle('reactions'),
  ])
})
