import { type Static, Type } from 'typebox'
import { Count, Known, Nullable, named, Time } from './schema.ts'

export const Status = named('Status', { status: Type.String() }, { example: { status: 'ok' } })
export type Status = Static<typeof Status>

export const About = named(
  'About',
  {
    version: Type.String(),
    notice: Nullable(
      Type.String({ description: 'What a reader must know of all that is shown of run live.' }),
    ),
  },
  { example: { version: '0.1.0', notice: 'All of it is simulated.' } },
)
export type About = Static<typeof About>

export const Run = named(
  'Run',
  {
    run: Type.String(),
    createdAt: Time('When the store first saw it.'),
    channels: Count('Channels.'),
    firstAt: Nullable(Time('Start of its first bin.')),
    lastAt: Nullable(Time('End of its last bin.')),
    alerts: Count('Alerts, open or not.'),
    late: Count('Events that came after their bins had closed.'),
    lateBefore: Count(
      'Those of `late` from before all that was remembered: in no bin, and repeats of them are counted too.',
    ),
  },
  {
    example: {
      ...{ run: 'live', createdAt: '2024-01-05T00:00:00Z', channels: 150, firstAt: '2024-01-05T00:00:00Z' },
      ...{ lastAt: '2024-02-05T00:10:00Z', alerts: 42, late: 7, lateBefore: 0 },
    },
  },
)
export type Run = Static<typeof Run>

export const Lag = named(
  'Lag',
  {
    run: Type.String(),
    group: Type.String(),
    topic: Type.String(),
    partition: Type.Integer(),
    committed: Count('Offset before which all is dealt with.'),
    end: Count('Offset of the record that is appended next.'),
    records: Count('Records not dealt with yet.'),
    seconds: Type.Number({ minimum: 0, description: 'Age of the oldest of them; 0 when there is none.' }),
  },
  {
    example: {
      ...{ run: 'live', group: 'fcm.live.detect', topic: 'fcm.live.counts', partition: 0 },
      ...{ committed: 4180, end: 4192, records: 12, seconds: 0.4 },
    },
  },
)
export type Lag = Static<typeof Lag>

const letters = {
  topic: 'activity',
  role: 'count',
  count: 2,
  lastAt: '2024-02-05T00:05:00Z',
  lastWhy: 'the record is cut off',
}
export const DeadLetter = named(
  'DeadLetter',
  {
    topic: Type.String({ description: 'The topic they come from; "archive": lines of files.' }),
    role: Type.String({ description: 'Who could not process them.' }),
    count: Count('How many there are.'),
    lastAt: Time('When the last of them was put there.'),
    lastWhy: Type.String({ description: 'Why that could not be processed: may hold untrusted text.' }),
  },
  { example: letters },
)
export type DeadLetter = Static<typeof DeadLetter>

export const DeadLetters = named(
  'DeadLetters',
  {
    items: Type.Array(DeadLetter, { description: 'The latest first.' }),
    read: Count('Records that were looked at: the last ones of each partition, at most 1,000 and 32 MB.'),
    total: Count('Records in the topic. One letter may be there twice.'),
  },
  { example: { items: [letters], read: 2, total: 2 } },
)
export type DeadLetters = Static<typeof DeadLetters>

/** The parts of the time that an alert takes, and the whole. */
export const HOPS = ['count', 'detect', 'store', 'decision'] as const
const Seconds = Known('Seconds.')
const hop = {
  ...{ hop: 'decision', title: 'All of it', count: 4, p50: 0.05, p90: 0.1, p99: 0.1 },
  buckets: [
    { le: 0.15, count: 4 },
    { le: null, count: 0 },
  ],
}
export const Hop = named(
  'Hop',
  {
    hop: Type.Enum([...HOPS]),
    title: Type.String(),
    count: Type.Integer({ description: 'Alert events.' }),
    p50: Seconds,
    p90: Seconds,
    p99: Seconds,
    buckets: Type.Array(
      Type.Object({
        le: Known('Upper bound in seconds; null: none.'),
        count: Type.Integer({ description: 'Alert events in this bucket alone.' }),
      }),
    ),
  },
  { example: hop },
)
export type Hop = Static<typeof Hop>

export const Latency = named(
  'Latency',
  {
    budget: Type.Number({ description: 'What the p99 of `decision` should stay below, in seconds.' }),
    seconds: Type.Number({ description: 'How much time the figures are of, up to now.' }),
    items: Type.Array(Hop),
  },
  { example: { budget: 0.15, seconds: 312, items: [hop] } },
)
export type Latency = Static<typeof Latency>
