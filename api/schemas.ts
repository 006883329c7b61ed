/** The words of the API: what may be asked, and the shape of every answer. Validation and OpenAPI both come from here. */
import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { RESOLUTIONS, type Resolution } from '../common/time.ts'
import { checkRunName, LIVE } from '../pipeline/topology.ts'
import {
  ALERT_KINDS,
  type Decision,
  MEASURES,
  type Measure,
  parseSeries,
  SEVERITIES,
  type Severity,
} from '../schemas/records.ts'

/** ms of a time in the API's one form, or null: a date that does not exist (February 30) is refused, not rolled over. */
export function parseTime(text: string): number | null {
  const form = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,3})?Z$/.exec(text)
  const time = form ? Date.parse(text) : Number.NaN
  return time >= 0 && new Date(time).toISOString().startsWith(form![1]!) ? time : null
}

const isRunName = (text: string): boolean => {
  try {
    return checkRunName(text) === text
  } catch {
    return false
  }
}
/** PostgreSQL has no text with a zero character in it, so neither can be asked for. */
const isName = (text: string): boolean => text !== '' && !text.includes('\0')

/** Forms of text that JSON Schema has no word for: how each is checked, and what to tell who missed it. */
export const FORMS: Record<string, { check: (text: string) => boolean; must: string }> = {
  'utc-time': {
    check: (text) => parseTime(text) !== null,
    must: 'must be a time in UTC, written like 2024-02-05T00:05:00Z',
  },
  run: {
    check: isRunName,
    must: 'must name a run: 1-40 of a-z, 0-9, "-" and "_", starting with a letter or digit',
  },
  series: {
    check: (text) => isName(text) && parseSeries(text) !== null,
    must: `must be <measure>:<channel>, the measure being one of ${MEASURES.join(', ')}`,
  },
  name: { check: isName, must: 'must be a name of at least one character, without a zero character' },
}

const oneOf = <T extends string>(values: readonly T[], description: string) =>
  Type.Unsafe<T>({ type: 'string', enum: values, description })
const Time = (description: string) => Type.String({ format: 'utc-time', description })
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Count = (description: string) => Type.Integer({ minimum: 0, description })
const Share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })
/**
 * An object of exactly these members: an unknown one is refused, so that a misspelt filter can't widen an answer.
 * Whoever asks may leave out a member that has a default; whoever answers always has it.
 */
export const exactly = <T extends TProperties>(members: T) => {
  const object = Type.Object(members, { additionalProperties: false })
  const required = (object.required as string[] | undefined)?.filter((name) => !('default' in members[name]!))
  return Type.Unsafe<Static<typeof object>>({ ...object, required })
}

// What may be asked

export const AnyRun = Type.String({ format: 'run', default: LIVE, description: 'The run to look at.' })
export const NamedRun = Type.String({ format: 'run', description: 'The name of the run.' })
export const ChannelName = Type.String({
  format: 'name',
  description: 'A channel: its URL, "_" (casts in none) or "*" (the whole network).',
})
export const SeriesName = Type.String({
  format: 'series',
  description: 'A series: <measure>:<channel>, e.g. casts:https://onchainsummer.xyz',
})
const resolution = { type: 'integer', enum: RESOLUTIONS, description: 'Length of a bin in seconds.' }
export const AnyResolution = Type.Unsafe<Resolution>(resolution)
export const BaseResolution = Type.Unsafe<Resolution>({ ...resolution, default: RESOLUTIONS[0] })
const kind = (description: string) =>
  Type.String({
    pattern: '^[a-z][a-z0-9-]{0,63}$',
    description: `${description} One of ${ALERT_KINDS.join(', ')}, or any other that comes.`,
  })
export const KindFilter = kind('Only alerts of this type.')
export const SeverityFilter = oneOf<Severity>(SEVERITIES, 'Only alerts of this severity.')
export const StateFilter = oneOf(['open', 'resolved'] as const, 'Only alerts in this state.')
export const MeasureFilter = oneOf<Measure>(MEASURES, 'Only this measure.')

export const span = {
  from: Type.Optional(Time('Only from this time on (included).')),
  to: Type.Optional(Time('Only before this time (excluded).')),
}
export const paging = (limit: number, most: number) => ({
  limit: Type.Integer({
    minimum: 1,
    maximum: most,
    default: limit,
    description: 'Most items in the answer.',
  }),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 16_384, description: '`next` of the page before.' }),
  ),
})

// What is answered

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'about:blank, or urn:fcm:problem:<code>.' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What happened, and what to do.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          in: Type.String({ description: 'query, path or body.' }),
          name: Type.String(),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { $id: 'Problem', description: 'RFC 9457 problem details.' },
)

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
})
export const problems = {
  '4xx': problem('The request was not understood, or what it asks for does not exist.'),
  '5xx': problem('The answer could not be made; 503 tells when to try again (Retry-After).'),
}
export const answers = <T extends TSchema>(schema: T) => ({ 200: schema, ...problems })
/** An answer that is not JSON, or not one JSON value. */
export const streams = (description: string, ...types: string[]) => ({
  200: { description, content: Object.fromEntries(types.map((t) => [t, { schema: Type.String() }])) },
  ...problems,
})
const pageOf = <T extends TSchema>(item: T) => ({
  items: Type.Array(item),
  next: Nullable(Type.String({ description: 'Pass it as `cursor` for the page after; null at the end.' })),
})
export const list = <T extends TSchema>(item: T) => answers(Type.Object(pageOf(item)))

const alert = {
  id: Type.String(),
  run: Type.String(),
  channel: Type.String(),
  type: kind('What was seen.'),
  severity: oneOf<Severity>(SEVERITIES, 'How much evidence agrees.'),
  state: oneOf(['open', 'resolved'] as const, 'Whether the episode goes on.'),
  openedAt: Time('Event time of the opening.'),
  updatedAt: Time('Event time of the last event.'),
  resolvedAt: Nullable(Time('Event time of the end.')),
  series: Type.String({ description: 'The series that opened it.' }),
  resolution: Type.Integer({ description: 'Length of the bin that opened it, in seconds.' }),
  start: Time('Start of the bin that opened it.'),
  sequence: Type.Integer({ description: 'Number of the last event, from 1.' }),
  reason: Type.String({ description: 'Why it was warned.' }),
  outcome: Nullable(Type.String({ description: 'Why it ended.' })),
  preset: Type.String(),
  settings: Type.String({ description: 'Hash of the settings that decided.' }),
  score: Nullable(Share('The greatest score of its evidence; null: none of it was scored.')),
  q: Nullable(
    Share(
      'Benjamini and Hochberg: the expected share of false ones among the alerts of its type and UTC day that opened with a p-value no greater than its own.',
    ),
  ),
  listed: Type.Boolean({ description: 'Whether it is within the daily cap of alerts of its type.' }),
}
export const Alert = Type.Object(alert)
export const AlertChange = Type.Object({
  ...alert,
  event: oneOf(['opened', 'updated', 'resolved'] as const, 'What has happened to it.'),
})
export const AlertList = Type.Object({
  ...pageOf(Alert),
  beyondCap: Count('Alerts that pass the filter and were left out, since they are beyond the daily cap.'),
})

const Real = Nullable(Type.Number())
export const Evidence = Type.Object({
  series: Type.String(),
  resolution: Type.Integer(),
  start: Time('Start of the bin.'),
  count: Count('Events in the bin.'),
  expected: Type.Number(),
  dispersion: Type.Number(),
  variance: Real,
  autocorrelation: Real,
  p: Real,
  score: Real,
  reason: Type.String(),
})
export const AlertDetail = Type.Object({
  ...alert,
  evidence: Type.Array(Evidence),
  events: Type.Array(
    Type.Object({
      sequence: Type.Integer(),
      event: Type.String({ description: 'opened, updated or resolved.' }),
      severity: alert.severity,
      time: Time('Event time.'),
      reason: Type.String(),
    }),
  ),
})

export const Series = Type.Object({
  id: Type.String(),
  run: Type.String(),
  measure: oneOf<Measure>(MEASURES, 'What is counted.'),
  channel: Type.String(),
  firstAt: Time('Start of the first bin.'),
  lastAt: Time('Start of the last bin with events.'),
  total: Count('Events in all bins.'),
})
export const CountBin = Type.Object({
  start: Time('Start of the bin.'),
  seconds: Type.Integer(),
  count: Count('Events in the bin.'),
  late: Count('Events that came too late to be in `count`.'),
  covered: Type.Number({ minimum: 0, maximum: 1, description: 'Share of the bin that was observed.' }),
})

const DECISIONS = ['quiet', 'opened', 'held', 'suppressed', 'masked', 'insufficient'] as const
export const Signal = Type.Object({
  start: Time('Start of the bin.'),
  resolution: Type.Integer({ description: 'Length of the bin in seconds.' }),
  count: Count('Events in the bin.'),
  expected: Real,
  lower: Nullable(Type.Number({ description: 'Lower end of the 95 % band of the expected distribution.' })),
  upper: Nullable(Type.Number({ description: 'Upper end of the 95 % band of the expected distribution.' })),
  dispersion: Real,
  residual: Real,
  variance: Real,
  autocorrelation: Real,
  rawVariance: Real,
  rawAutocorrelation: Real,
  varianceTrend: Real,
  autocorrelationTrend: Real,
  pVariance: Real,
  pAutocorrelation: Real,
  p: Real,
  score: Real,
  decision: oneOf<Decision>(DECISIONS, 'What was decided at this bin.'),
  reason: Type.String(),
  settings: Type.String({ description: 'Hash of the settings that decided.' }),
})

export const TEXT_LIMIT = 1000
export const Cast = Type.Object({
  hash: Type.String({ pattern: '^0x[0-9a-f]*$' }),
  fid: Type.Integer(),
  time: Time('Signed time.'),
  text: Nullable(
    Type.String({
      description: `Untrusted text, its first ${TEXT_LIMIT} characters; null: removed or expired.`,
    }),
  ),
  truncated: Type.Boolean({ description: `Whether the text is longer than ${TEXT_LIMIT} characters.` }),
  removed: Type.Boolean({ description: 'Whether its author removed it.' }),
  parentHash: Nullable(Type.String({ pattern: '^0x[0-9a-f]*$' })),
  urls: Type.Array(Type.String()),
})
export const Channel = Type.Object({
  id: Type.String(),
  series: Count('Series of this channel.'),
  lastAt: Time('Start of its last bin with events.'),
  openAlerts: Count('Alerts that are open.'),
})
export const ChannelState = Type.Object({
  channel: Type.String(),
  alerts: Type.Array(
    Type.Object({ id: alert.id, type: alert.type, severity: alert.severity, openedAt: alert.openedAt }),
    { description: 'Those that are open, worst first, also beyond the cap.' },
  ),
  series: Type.String({ description: 'By which it is shown: casts, or posts where it has none.' }),
  score: Nullable(Share('Of the last base bin that was judged, as are p, count and expected.')),
  p: Nullable(Share('Its p-value.')),
  count: Nullable(Count('Events in it.')),
  expected: Real,
  at: Nullable(Time('Its start. Where it lies before `recent`, its figures are null.')),
  decision: Nullable(oneOf<Decision>(DECISIONS, 'What was decided at it.')),
  recent: Type.Array(Nullable(Count('Events.')), {
    description: 'Events in each of the last 72 base bins before `now`; null: not seen, or not known yet.',
  }),
  scores: Type.Array(Nullable(Share('Score.')), { description: 'Scores of the same bins.' }),
})
export const Overview = Type.Object({
  now: Nullable(Time('End of the last base bin that is stored of the run.')),
  items: Type.Array(ChannelState),
})
export const Gap = Type.Object({
  channel: Type.String(),
  measure: oneOf<Measure>(MEASURES, 'What was not observed.'),
  from: Time('Start.'),
  to: Time('End (excluded).'),
  reason: Nullable(Type.String()),
})
export const Run = Type.Object({
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
})
export const Lag = Type.Object({
  run: Type.String(),
  group: Type.String(),
  topic: Type.String(),
  partition: Type.Integer(),
  committed: Count('Offset before which all is dealt with.'),
  end: Count('Offset of the record that is appended next.'),
  records: Count('Records not dealt with yet.'),
  seconds: Type.Number({ minimum: 0, description: 'Age of the oldest of them; 0 when there is none.' }),
})
export const DeadLetters = Type.Object({
  items: Type.Array(
    Type.Object({
      topic: Type.String({ description: 'The topic they come from; "archive": lines of files.' }),
      role: Type.String({ description: 'Who could not process them.' }),
      count: Count('How many there are.'),
      lastAt: Time('When the last of them was put there.'),
      lastWhy: Type.String({ description: 'Why that could not be processed: may hold untrusted text.' }),
    }),
    { description: 'The latest first.' },
  ),
  read: Count('Records that were looked at: the last ones of each partition, at most 1,000 and 32 MB.'),
  total: Count('Records in the topic. One letter may be there twice.'),
})
const SourceMeasure = oneOf<Measure>(MEASURES, 'posts, replies or reactions.')
export const Source = Type.Object({
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
        error: Nullable(Type.String({ description: 'What the last that failed was told: untrusted text.' })),
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
  channels: Type.Array(
    Type.Object({
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
    }),
    { description: 'Those that it follows: first those that fail, then those behind, then by requests.' },
  ),
})
export const Requests = Type.Object({
  channel: Type.String({ description: 'A channel, or "*": whole rounds.' }),
  hour: Time('Begin of the hour, by the clock of the source.'),
  requests: Count('Requests made.'),
  failed: Count('Those of them that failed.'),
})
export type Answer<T extends TSchema> = Static<T>
