import { type Static, Type } from 'typebox'
import { type Decision, MEASURES, type Measure, SEVERITIES, type Severity } from '../../schemas/records.ts'
import { Count, Kind, Known, Nullable, named, oneOf, Share, Time } from './schema.ts'
import { DECISIONS } from './series.ts'

export const Channel = named(
  'Channel',
  {
    id: Type.String(),
    series: Count('Series of this channel.'),
    lastAt: Time('Start of its last bin with events.'),
    openAlerts: Count('Alerts that are open.'),
  },
  { example: { id: 'https://onchainsummer.xyz', series: 5, lastAt: '2024-02-05T00:05:00Z', openAlerts: 1 } },
)
export type Channel = Static<typeof Channel>

export const TEXT_LIMIT = 1000
const HASH = '^0x[0-9a-f]*$'
export const Cast = named(
  'Cast',
  {
    hash: Type.String({ pattern: HASH }),
    fid: Type.Integer(),
    time: Time('Signed time.'),
    text: Nullable(
      Type.String({
        description: `Untrusted text, its first ${TEXT_LIMIT} characters; null: removed or expired.`,
      }),
    ),
    truncated: Type.Boolean({ description: `Whether the text is longer than ${TEXT_LIMIT} characters.` }),
    removed: Type.Boolean({ description: 'Whether its author removed it.' }),
    parentHash: Nullable(Type.String({ pattern: HASH })),
    urls: Type.Array(Type.String()),
  },
  {
    example: {
      hash: `0x${'ab'.repeat(20)}`,
      fid: 3,
      time: '2024-02-05T00:05:12Z',
      text: 'gm',
      truncated: false,
      removed: false,
      parentHash: null,
      urls: [],
    },
  },
)
export type Cast = Static<typeof Cast>

const state = {
  channel: 'https://onchainsummer.xyz',
  alerts: [
    { id: '5f0c6a2e9b1d4c38', type: 'early-warning', severity: 'medium', openedAt: '2024-02-05T00:10:00Z' },
  ],
  series: 'casts:https://onchainsummer.xyz',
  ...{ score: 0.88, p: 0.001, count: 31, expected: 12.1, at: '2024-02-05T00:05:00Z', decision: 'opened' },
  recent: [null, 0, 12, 31],
  scores: [null, null, 0.41, 0.88],
}
export const ChannelState = named(
  'ChannelState',
  {
    channel: Type.String(),
    alerts: Type.Array(
      Type.Object({
        id: Type.String(),
        type: Kind('What was seen.'),
        severity: oneOf<Severity>(SEVERITIES, 'How much evidence agrees.'),
        openedAt: Time('Event time of the opening.'),
      }),
      { description: 'Those that are open, worst first, also beyond the cap.' },
    ),
    series: Type.String({ description: 'By which it is shown: casts, or posts where it has none.' }),
    score: Nullable(Share('Of the last base bin that was judged, as are p, count and expected.')),
    p: Nullable(Share('Its p-value.')),
    count: Nullable(Count('Events in it.')),
    expected: Known(),
    at: Nullable(Time('Its start. Where it lies before `recent`, its figures are null.')),
    decision: Nullable(oneOf<Decision>(DECISIONS, 'What was decided at it.')),
    recent: Type.Array(Nullable(Count('Events.')), {
      description: 'Events in each of the last 72 base bins before `now`; null: not seen, or not known yet.',
    }),
    scores: Type.Array(Nullable(Share('Score.')), { description: 'Scores of the same bins.' }),
  },
  { example: state },
)
export type ChannelState = Static<typeof ChannelState>

export const Overview = named(
  'Overview',
  {
    now: Nullable(Time('End of the last base bin that is stored of the run.')),
    items: Type.Array(ChannelState),
  },
  { example: { now: '2024-02-05T00:10:00Z', items: [state] } },
)
export type Overview = Static<typeof Overview>

export const Gap = named(
  'Gap',
  {
    channel: Type.String(),
    measure: oneOf<Measure>(MEASURES, 'What was not observed.'),
    from: Time('Start.'),
    to: Time('End (excluded).'),
    reason: Nullable(Type.String()),
  },
  {
    example: {
      channel: 'https://onchainsummer.xyz',
      measure: 'posts',
      from: '2024-02-05T00:00:00Z',
      to: '2024-02-05T02:00:00Z',
      reason: 'the server did not answer',
    },
  },
)
export type Gap = Static<typeof Gap>
