/** What may be asked: parameters that several routes have, and what to tell who missed their form. */
import { Type } from 'typebox'
import { RESOLUTIONS, type Resolution } from '../../common/time.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { ALERT_KINDS, MEASURES, type Measure, SEVERITIES, type Severity } from '../../schemas/records.ts'
import { KIND, Kind, oneOf, TIME, Time } from './schema.ts'

/** As `checkRunName` has it. */
const RUN = '^[a-z0-9][a-z0-9_-]{0,39}$'
/** PostgreSQL has no text with a zero character in it, so neither can be asked for. */
const NAME = '^[^\\u0000]+$'
const SERIES = `^(${MEASURES.join('|')}):[^\\u0000]+$`
/** As the API gives them out. */
const CURSOR = '^[A-Za-z0-9_-]{11}\\.[A-Za-z0-9_-]+$'

const IN_UTC = 'must be a time in UTC, written like 2024-02-05T00:05:00Z'

/** What to tell who missed a pattern or a format. */
export const MUST: Record<string, string> = {
  [RUN]: 'must name a run: 1-40 of a-z, 0-9, "-" and "_", starting with a letter or digit',
  [NAME]: 'must be a name of at least one character, without a zero character',
  [SERIES]: `must be <measure>:<channel>, the measure being one of ${MEASURES.join(', ')}`,
  [CURSOR]: 'must be the `next` of the page before, as it is',
  'date-time': IN_UTC,
  [TIME]: IN_UTC,
  [KIND]: `must be a type of alert, such as ${ALERT_KINDS.join(', ')}`,
}

export const AnyRun = Type.String({ pattern: RUN, default: LIVE, description: 'The run to look at.' })
export const NamedRun = Type.String({ pattern: RUN, description: 'The name of the run.' })
export const Name = (most: number, description = '') =>
  Type.String({ pattern: NAME, maxLength: most, ...(description && { description }) })
export const ChannelName = Name(12_288, 'A channel: its URL, "_" (casts in none) or "*" (the whole network).')
export const SeriesName = Type.String({
  pattern: SERIES,
  maxLength: 12_288,
  description: 'A series: <measure>:<channel>, e.g. casts:https://onchainsummer.xyz',
})
const resolution = { type: 'integer', enum: RESOLUTIONS, description: 'Length of a bin in seconds.' }
export const AnyResolution = Type.Unsafe<Resolution>(resolution)
export const BaseResolution = Type.Unsafe<Resolution>({ ...resolution, default: RESOLUTIONS[0] })
export const KindFilter = Kind('Only alerts of this type.')
export const SeverityFilter = oneOf<Severity>(SEVERITIES, 'Only alerts of this severity.')
export const StateFilter = oneOf(['open', 'resolved'] as const, 'Only alerts in this state.')
export const MeasureFilter = oneOf<Measure>(MEASURES, 'Only this measure.')

export const span = {
  from: Type.Optional(Time('Only from this time on (included); not after `to`.')),
  to: Type.Optional(Time('Only before this time (excluded).')),
}
export const limited = (limit: number, most: number) =>
  Type.Integer({ minimum: 1, maximum: most, default: limit, description: 'Most items in the answer.' })
export const paging = (limit: number, most: number) => ({
  limit: limited(limit, most),
  cursor: Type.Optional(
    Type.String({
      pattern: CURSOR,
      maxLength: 12_288,
      description: '`next` of the page before; the other parameters must be the same, but `limit`.',
    }),
  ),
})
