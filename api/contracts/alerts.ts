import { type Static, Type } from 'typebox'
import { SEVERITIES, type Severity } from '../../schemas/records.ts'
import { Count, Kind, Known, Nullable, named, oneOf, pageOf, Share, Time } from './schema.ts'

const subjectExample = { type: 'series' }
export const Subject = named(
  'Subject',
  {
    type: Type.String({ description: 'series, channel, cluster, community, or any other that comes.' }),
    id: Type.Optional(Type.String({ description: 'Of a cluster of accounts, or a community.' })),
    accounts: Type.Optional(
      Type.Array(Type.Integer(), { description: 'Of a cluster: some of its accounts (fid), at most 100.' }),
    ),
    size: Type.Optional(Type.Integer({ description: 'How many accounts are in it.' })),
  },
  { description: 'What an alert is about, in its channel.', example: subjectExample },
)
export type Subject = Static<typeof Subject>

const alert = {
  id: Type.String(),
  run: Type.String(),
  channel: Type.String(),
  type: Kind('What was seen.'),
  severity: oneOf<Severity>(SEVERITIES, 'How much evidence agrees.'),
  state: oneOf(['open', 'resolved'] as const, 'Whether the episode goes on.'),
  openedAt: Time('Event time of the opening.'),
  updatedAt: Time('Event time of the last event.'),
  resolvedAt: Nullable(Time('Event time of the end.')),
  subject: Subject,
  series: Nullable(
    Type.String({ description: 'The series that opened it; null: it is about something else.' }),
  ),
  resolution: Nullable(Type.Integer({ description: 'Length of the bin that opened it, in seconds.' })),
  start: Nullable(Time('Start of the bin that opened it.')),
  sequence: Type.Integer({ description: 'Number of the last event, from 1.' }),
  reason: Type.String({ description: 'Why it was warned.' }),
  outcome: Nullable(Type.String({ description: 'Why it ended.' })),
  preset: Type.String(),
  settings: Type.String({ description: 'Hash of the settings that decided.' }),
  score: Nullable(Share('The greatest score of its evidence; null: none of it was scored.')),
  listed: Type.Boolean({ description: 'Whether it is within the daily cap of alerts of its type.' }),
}
const example = {
  id: '5f0c6a2e9b1d4c38',
  run: 'live',
  channel: 'https://onchainsummer.xyz',
  type: 'early-warning',
  severity: 'medium',
  state: 'open',
  openedAt: '2024-02-05T00:10:00Z',
  updatedAt: '2024-02-05T00:25:00Z',
  resolvedAt: null,
  subject: subjectExample,
  series: 'casts:https://onchainsummer.xyz',
  resolution: 300,
  start: '2024-02-05T00:05:00Z',
  sequence: 2,
  reason: 'score 0.88 (threshold 0.71), p 0.001',
  outcome: null,
  preset: 'calibrated',
  settings: '01234567',
  score: 0.88,
  listed: true,
}
export const Alert = named('Alert', alert, { example })
export type Alert = Static<typeof Alert>

export const AlertChange = named(
  'AlertChange',
  { ...alert, event: oneOf(['opened', 'updated', 'resolved'] as const, 'What has happened to it.') },
  { example: { ...example, event: 'updated' } },
)
export type AlertChange = Static<typeof AlertChange>

export const AlertList = named(
  'AlertList',
  {
    ...pageOf(Alert),
    beyondCap: Count('Alerts that pass the filter and were left out, since they are beyond the daily cap.'),
  },
  { example: { items: [example], next: null, beyondCap: 0 } },
)
export type AlertList = Static<typeof AlertList>

const evidence = {
  series: 'casts:https://onchainsummer.xyz',
  resolution: 300,
  start: '2024-02-05T00:05:00Z',
  count: 31,
  expected: 12.125,
  dispersion: 0.2,
  variance: 2.4,
  autocorrelation: 0.62,
  p: 0.001,
  score: 0.88,
  reason: 'variance 2.4, lag-1 autocorrelation 0.62',
}
export const Evidence = named(
  'Evidence',
  {
    series: Type.String(),
    resolution: Type.Integer(),
    start: Time('Start of the bin.'),
    count: Count('Events in the bin.'),
    expected: Type.Number(),
    dispersion: Type.Number(),
    variance: Known(),
    autocorrelation: Known(),
    p: Known(),
    score: Known(),
    reason: Type.String(),
  },
  { example: evidence },
)
export type Evidence = Static<typeof Evidence>

export const PlainEvidence = named(
  'PlainEvidence',
  {
    detector: Type.String(),
    figures: Type.Array(Type.Object({ name: Type.String(), value: Type.Number() })),
    reason: Type.String(),
  },
  {
    description: 'Evidence that is of no bin of a series: what a detector tells, under its own names.',
    example: { detector: 'coordination', figures: [{ name: 'shared urls', value: 7 }], reason: '12 in step' },
  },
)
export type PlainEvidence = Static<typeof PlainEvidence>

export const AlertDetail = named(
  'AlertDetail',
  {
    ...alert,
    evidence: Type.Array(Type.Union([Evidence, PlainEvidence]), {
      description: 'Of bins of series, and of whatever else a detector judges.',
    }),
    events: Type.Array(
      Type.Object({
        sequence: Type.Integer(),
        event: Type.String({ description: 'opened, updated or resolved.' }),
        severity: alert.severity,
        time: Time('Event time.'),
        reason: Type.String(),
      }),
    ),
  },
  {
    example: {
      ...example,
      evidence: [evidence],
      events: [
        {
          ...{ sequence: 1, event: 'opened', severity: 'low', time: '2024-02-05T00:10:00Z' },
          reason: 'score 0.72',
        },
        {
          ...{ sequence: 2, event: 'updated', severity: 'medium', time: '2024-02-05T00:25:00Z' },
          reason: 'score 0.88',
        },
      ],
    },
  },
)
export type AlertDetail = Static<typeof AlertDetail>
