/** Series in memory, for tests of what asks for them: one row each, unless a test says otherwise. */
import { CHANNEL, HOSTILE, page, rowsOf, SERIES, T0 } from '../rows.fake.ts'
import type { ChannelState, CountRow, SeriesQueries, SignalRow } from './series.ts'

export const channelState: ChannelState = {
  channel: CHANNEL,
  alerts: [{ id: 'a1', type: 'early-warning', severity: 'medium', openedAt: T0 }],
  series: SERIES,
  ...{ score: 0.875, p: 0.001, count: 31, expected: 12.125, at: T0, decision: 'held' },
  recent: [null, 0, ...Array(70).fill(3)],
  scores: [null, 0.5, ...Array(70).fill(null)],
}
export const countRow: CountRow = { series: SERIES, start: T0, seconds: 300, count: 7, late: 1, covered: 0.5 }
export const signalRow: SignalRow = {
  ...{
    series: SERIES,
    start: T0,
    resolution: 300,
    count: 31,
    expected: 12,
    dispersion: 0.25,
    residual: 1e-7,
  },
  ...{
    variance: 2.4,
    autocorrelation: 0.62,
    rawVariance: 1e21,
    rawAutocorrelation: null,
    varianceTrend: 0.1,
  },
  ...{ autocorrelationTrend: 0.30000000000000004, pVariance: 0.01, pAutocorrelation: 0.02, p: 0.001 },
  ...{ score: null, decision: 'held', reason: HOSTILE, settings: '01234567' },
}

export const fakeSeries = (given: Partial<SeriesQueries> = {}): SeriesQueries => ({
  list: async () =>
    page({
      id: SERIES,
      run: 'live',
      measure: 'casts',
      channel: CHANNEL,
      firstAt: T0,
      lastAt: T0,
      total: 7,
    }),
  has: async (run, series) => series === SERIES && ['live', 'history'].includes(run),
  counts: async () => page(countRow),
  signals: async () => page(signalRow),
  channels: async () => page({ id: CHANNEL, series: 3, lastAt: T0, openAlerts: 1 }),
  findChannel: async (_, name) => ({
    known: name === CHANNEL,
    alike: [CHANNEL].filter((channel) => channel.endsWith(`/${name}`)),
  }),
  overview: async () => ({ now: T0, items: [channelState] }),
  now: async () => T0,
  exportCounts: () => rowsOf(countRow),
  exportSignals: () => rowsOf(signalRow),
  ...given,
})
