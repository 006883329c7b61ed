import { type Static, Type } from 'typebox'
import { type Decision, MEASURES, type Measure } from '../../schemas/records.ts'
import { Count, Known, named, oneOf, Share, Time } from './schema.ts'

export const Series = named(
  'Series',
  {
    id: Type.String(),
    run: Type.String(),
    measure: oneOf<Measure>(MEASURES, 'What is counted.'),
    channel: Type.String(),
    firstAt: Time('Start of the first bin.'),
    lastAt: Time('Start of the last bin with events.'),
    total: Count('Events in all bins.'),
  },
  {
    example: {
      id: 'casts:https://onchainsummer.xyz',
      run: 'live',
      measure: 'casts',
      channel: 'https://onchainsummer.xyz',
      firstAt: '2024-01-05T00:00:00Z',
      lastAt: '2024-02-05T00:05:00Z',
      total: 48_211,
    },
  },
)
export type Series = Static<typeof Series>

export const CountBin = named(
  'CountBin',
  {
    start: Time('Start of the bin.'),
    seconds: Type.Integer(),
    count: Count('Events in the bin.'),
    late: Count('Events that came too late to be in `count`.'),
    covered: Share('Share of the bin that was observed.'),
  },
  { example: { start: '2024-02-05T00:05:00Z', seconds: 300, count: 31, late: 0, covered: 1 } },
)
export type CountBin = Static<typeof CountBin>

export const DECISIONS = ['quiet', 'opened', 'held', 'suppressed', 'masked', 'insufficient'] as const

export const Signal = named(
  'Signal',
  {
    start: Time('Start of the bin.'),
    resolution: Type.Integer({ description: 'Length of the bin in seconds.' }),
    count: Count('Events in the bin.'),
    expected: Known(),
    lower: Known('Lower end of the 95 % band of the expected distribution.'),
    upper: Known('Upper end of the 95 % band of the expected distribution.'),
    dispersion: Known(),
    residual: Known(),
    variance: Known(),
    autocorrelation: Known(),
    rawVariance: Known(),
    rawAutocorrelation: Known(),
    varianceTrend: Known(),
    autocorrelationTrend: Known(),
    pVariance: Known(),
    pAutocorrelation: Known(),
    p: Known(),
    score: Known(),
    decision: oneOf<Decision>(DECISIONS, 'What was decided at this bin.'),
    reason: Type.String(),
    settings: Type.String({ description: 'Hash of the settings that decided.' }),
  },
  {
    example: {
      ...{ start: '2024-02-05T00:05:00Z', resolution: 300, count: 31, expected: 12.1, lower: 3, upper: 26 },
      ...{ dispersion: 0.2, residual: 2.9, variance: 2.4, autocorrelation: 0.62, rawVariance: 71.3 },
      ...{ rawAutocorrelation: 0.58, varianceTrend: 0.4, autocorrelationTrend: 0.3, pVariance: 0.004 },
      ...{ pAutocorrelation: 0.002, p: 0.001, score: 0.88, decision: 'opened', reason: 'score 0.88' },
      settings: '01234567',
    },
  },
)
export type Signal = Static<typeof Signal>
