import { type Static, Type } from 'typebox'
import { MEASURES, type Measure } from '../../schemas/records.ts'
import { Count, Nullable, named, oneOf, Share, Time } from './schema.ts'

const SourceMeasure = oneOf<Measure>(MEASURES, 'posts, replies or reactions.')

const followed = {
  ...{ channel: 'https://onchainsummer.xyz', postsTo: '2024-02-05T00:05:00Z' },
  ...{ repliesTo: '2024-02-04T23:05:00Z', reactionsTo: null, polledAt: '2024-02-05T00:10:00Z', error: null },
  ...{ behind: ['reactions'], requests: 12, failed: 0 },
}
export const Followed = named(
  'Followed',
  {
    channel: Type.String(),
    postsTo: Nullable(Time('Posts are covered up to here.')),
    repliesTo: Nullable(Time('Replies are covered up to here.')),
    reactionsTo: Nullable(Time('Reactions are covered up to here.')),
    polledAt: Nullable(Time('The last poll.')),
    error: Nullable(Type.String({ description: 'What that was told, if it failed: untrusted text.' })),
    behind: Type.Array(SourceMeasure, {
      description:
        'Measures in which it is behind: neither seen nor declared a gap up to 1 hour (posts) or 3 hours before the last round.',
    }),
    requests: Count('Requests in `hour`.'),
    failed: Count('Those of them that failed.'),
  },
  { example: followed },
)
export type Followed = Static<typeof Followed>

export const Source = named(
  'Source',
  {
    run: Type.String(),
    measures: Type.Array(
      Type.Object({
        measure: SourceMeasure,
        decidedTo: Time('The source has spoken of all that it follows up to here.'),
        gapRatio24h: Nullable(Share('Share of the followed time of the 24 hours before that is gap.')),
      }),
    ),
    round: Nullable(
      Type.Object(
        {
          at: Time('When it began, by the clock of the source.'),
          requests: Count('Requests made.'),
          failed: Count('Those of them that failed.'),
          error: Nullable(
            Type.String({ description: 'What the last that failed was told: untrusted text.' }),
          ),
          complete: Type.Array(SourceMeasure, {
            description: 'Of which every poll that was due came through.',
          }),
          next: Nullable(Time('The next one begins no earlier.')),
        },
        { description: 'The last round of polls; null when the source does not poll.' },
      ),
    ),
    requests: Count('Requests of all rounds.'),
    failed: Count('Those of them that failed.'),
    hour: Nullable(Time('Begin of the hour that the requests below are of.')),
    followed: Count('Channels that it follows.'),
    failing: Count('Those of them whose last poll failed.'),
    behind: Count('Those of them that are behind in any measure.'),
    channels: Type.Array(Followed, {
      description: 'Those that it follows: first those that fail, then those behind, then by requests.',
    }),
  },
  {
    example: {
      run: 'live',
      measures: [{ measure: 'posts', decidedTo: '2024-02-05T00:05:00Z', gapRatio24h: 0 }],
      round: {
        ...{ at: '2024-02-05T00:10:00Z', requests: 40, failed: 0, error: null, complete: ['posts'] },
        next: '2024-02-05T00:15:00Z',
      },
      ...{ requests: 48_211, failed: 3, hour: '2024-02-04T23:00:00Z', followed: 150, failing: 0, behind: 1 },
      channels: [followed],
    },
  },
)
export type Source = Static<typeof Source>

export const Requests = named(
  'Requests',
  {
    channel: Type.String({ description: 'A channel, or "*": whole rounds.' }),
    hour: Time('Begin of the hour, by the clock of the source.'),
    requests: Count('Requests made.'),
    failed: Count('Those of them that failed.'),
  },
  { example: { channel: '*', hour: '2024-02-04T23:00:00Z', requests: 480, failed: 0 } },
)
export type Requests = Static<typeof Requests>
