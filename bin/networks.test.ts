import { expect, test } from 'vitest'
import { HOUR } from '../common/time.ts'
import { SIMULATION_LIVE } from '../connectors/simulation/source.ts'
import { figuresOf, JUDGED_FROM, networkReport, type Watched } from './networks.ts'

const T = JUDGED_FROM
const event = { ratio: 0.5, judged: true, peak: 20 }
const climb = { calmAt: 0, peakRatio: 1.5, cap: 10 }
const cascade = (channel: string, start: number, breakAt: number, judged = true) =>
  ({ ...event, ...climb, type: 'cascade', channel, start, breakAt, end: breakAt + 5 * HOUR, judged }) as const
const burst = (channel: string, start: number, peak: number) =>
  ({ ...event, type: 'burst', channel, start, end: start + HOUR, factor: 9, fade: 1, url: '', peak }) as const

const watched: Watched = {
  planted: [
    cascade('a', T, T + 6 * HOUR),
    cascade('b', SIMULATION_LIVE - HOUR, SIMULATION_LIVE + 4 * HOUR),
    cascade('c', T, T + 6 * HOUR, false),
    burst('d', T, 12),
    burst('e', T, 4),
    { ...event, type: 'ramp', channel: 'f', start: T, end: T + 9 * HOUR, like: { ...climb, breakAt: 0 } },
    { ...event, type: 'collapse', channel: 'g', start: T, end: T + 3 * HOUR, factor: 0.04 },
  ],
  opened: [
    // Three hours ahead; again while it acts, which is no false one.
    { channel: 'a', kind: 'early-warning', openedAt: T + 3 * HOUR },
    { channel: 'a', kind: 'early-warning', openedAt: T + 8 * HOUR },
    // After the break: too late, but not false.
    { channel: 'b', kind: 'early-warning', openedAt: SIMULATION_LIVE + 5 * HOUR },
    { channel: 'd', kind: 'onset', openedAt: T + HOUR / 2 },
    { channel: 'd', kind: 'early-warning', openedAt: T + 2 * HOUR },
    { channel: 'f', kind: 'early-warning', openedAt: T + 2 * HOUR },
    { channel: 'h', kind: 'early-warning', openedAt: T + 2 * HOUR },
    { channel: 'h', kind: 'onset', openedAt: T + 2 * HOUR },
    { channel: 'g', kind: 'collapse', openedAt: T + 2 * HOUR },
  ],
  days: 100,
  judgedDays: 40,
}

test('alerts are held against what was planted', () => {
  const figures = figuresOf([watched, watched])
  expect(figures).toEqual({
    networks: 2,
    days: 200,
    judgedDays: 80,
    cascades: { planted: 6, judged: 4, warned: 2, live: 2, liveWarned: 0 },
    leads: [3, 3],
    falseWarnings: { ramp: 2, burst: 2, group: 0, collapse: 0, nothing: 2 },
    bursts: { planted: 4, onset: 2, seen: 2, seenOnset: 2 },
    falseOnsets: 2,
    collapses: { planted: 2, found: 2 },
  })
  const report = networkReport(figures)
  expect(report).toContain('2 of 4 (50 %) in channels large enough to be judged; 6 planted')
  expect(report).toContain('6, 0.075 per judged channel-day (budget 0.05)')
  expect(report).toContain('median 3.0 h')
})

test('nothing to look at is said, not divided by', () => {
  const none = figuresOf([{ planted: [], opened: [], days: 1, judgedDays: 0 }])
  expect(networkReport(none)).not.toMatch(/NaN|Infinity/)
})
