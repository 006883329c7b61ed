/**
 * The cap of a deployment: of the alerts of one kind that opened on one day, the worst so many are listed. Where it lies is
 * read from the beginning of an index, and how many it leaves out from counts by day: neither grows with the alerts.
 */
import { DAY } from '../../../common/time.ts'
import { SEVERITIES, type Severity } from '../../../schemas/records.ts'
import { channelKey } from '../database/channel-name.ts'
import type { Query } from '../database/database.ts'
import type { AlertFilter } from './alerts.ts'

/** Worst first: of an alert `of`, what it is ordered by among those of its run, kind and day. As the index `alerts_worst`. */
const standing = (of: string) =>
  `-array_position('{${SEVERITIES}}'::text[], ${of}.severity), coalesce(-${of}.score, 'infinity'),
   coalesce(${of}.p, 'infinity'), ${of}.opened_at, ${of}.fingerprint`

/** How many of a day's alerts of a severity are within the cap: it is filled by the worst, so their numbers tell. */
const within = (severity: Severity, cap: string): string =>
  ({
    high: `least(d.high, ${cap})`,
    medium: `least(d.medium, greatest(${cap} - d.high, 0))`,
    low: `least(d.low, greatest(${cap} - d.high - d.medium, 0))`,
  })[severity]

/** Whether the standing of each alert that passes is looked at: of open ones, and of a channel's, there are few. */
const looksAtEach = ({ perDay = 0, channel, state }: AlertFilter): boolean =>
  perDay === 0 || channel !== undefined || state === 'open'

/** Of an alert in the order of lists: when it opened, ms, and its fingerprint. */
export type Position = readonly [openedAt: number, fingerprint: string]

/** Pieces of a question about alerts `a`; its values are numbered as they come. */
export function asking(run?: string) {
  const values: unknown[] = []
  const value = (one: unknown): string => `$${values.push(one)}`
  const runId = run === undefined ? 'a.run' : `(SELECT id FROM runs WHERE name = ${value(run)})`

  function passes({ from, to, type, severity, state, channel }: AlertFilter): string {
    const conditions = [`a.run = ${runId}`]
    if (from !== undefined) conditions.push(`a.opened_at >= ${value(from)}`)
    if (to !== undefined) conditions.push(`a.opened_at < ${value(to)}`)
    if (type !== undefined) conditions.push(`a.kind = ${value(type)}`)
    if (severity !== undefined) conditions.push(`a.severity = ${value(severity)}`)
    if (state !== undefined) conditions.push(`a.state = ${value(state)}`)
    if (channel !== undefined) {
      conditions.push(
        `a.channel = (SELECT id FROM channels WHERE run = ${runId} AND key = ${value(channelKey(channel))})`,
      )
    }
    return conditions.join(' AND ')
  }

  /** `join`: to alerts `a`; `listed`: whether one is within the cap. */
  function cap(perDay: number): { join: string; listed: string } {
    if (perDay === 0) return { join: '', listed: 'true' }
    return {
      join: `LEFT JOIN LATERAL (
          SELECT ${standing('b')} FROM alerts b WHERE b.run = a.run AND b.kind = a.kind AND b.day = a.day
          ORDER BY ${standing('b')} OFFSET ${value(perDay)}::int - 1 LIMIT 1
        ) last (severity, score, p, opened_at, fingerprint) ON true`,
      listed: `(last.fingerprint IS NULL OR (${standing('a')})
        <= (last.severity, last.score, last.p, last.opened_at, last.fingerprint))`,
    }
  }

  /** SELECT: alerts that pass and are within the cap, with `all` also those beyond; newest first, behind a place. */
  function newest(filter: AlertFilter, after: Position | null): string {
    const { perDay = 0, all = false } = filter
    const passing = [passes(filter)]
    if (after) passing.push(`(a.opened_at, a.fingerprint) < (${value(after[0])}, ${value(after[1])})`)
    const order = 'a.opened_at DESC, a.fingerprint DESC'
    if (!all && !looksAtEach(filter)) {
      return `SELECT a.*, true AS listed FROM ${listedByDay(filter, perDay, after?.[0])}
        WHERE ${passing.join(' AND ')} ORDER BY d.day DESC, ${order}`
    }
    const { join, listed } = cap(perDay)
    if (!all) passing.push(listed)
    return `SELECT a.*, ${listed} AS listed FROM alerts a ${join} WHERE ${passing.join(' AND ')} ORDER BY ${order}`
  }

  /**
   * FROM: alerts `a` within the cap, of days `d` from the last on: who needs a page in the order of `d.day` reads no more days
   * than it takes, and of each no more than its worst. `upTo`: of none that opened later, ms.
   */
  function listedByDay({ from, to, type, severity }: AlertFilter, perDay: number, upTo?: number): string {
    const most = `${value(perDay)}::int`
    const last = Math.min(to ?? Number.POSITIVE_INFINITY, upTo ?? Number.POSITIVE_INFINITY)
    const conditions = [`d.run = ${runId}`]
    if (type !== undefined) conditions.push(`d.kind = ${value(type)}`)
    if (severity !== undefined) conditions.push(`${within(severity, most)} > 0`)
    if (from !== undefined) conditions.push(`d.day >= ${value(Math.floor(from / DAY))}`)
    if (Number.isFinite(last)) conditions.push(`d.day <= ${value(Math.floor(last / DAY))}`)
    return `(SELECT d.kind, d.day FROM alert_days d WHERE ${conditions.join(' AND ')} ORDER BY d.day DESC) d
      CROSS JOIN LATERAL (
        SELECT * FROM alerts b WHERE b.run = ${runId} AND b.kind = d.kind AND b.day = d.day
        ORDER BY ${standing('b')} LIMIT ${most}
      ) a`
  }

  return { values, value, runId, passes, cap, newest }
}

/** How many alerts pass the filter and are beyond the cap. */
export async function countBeyond(query: Query, run: string, filter: AlertFilter): Promise<number> {
  const { from, to, perDay = 0 } = filter
  if (perDay === 0) return 0
  if (looksAtEach(filter)) return countEach(query, run, filter)
  const whole = {
    from: from === undefined ? undefined : Math.ceil(from / DAY),
    to: to === undefined ? undefined : Math.floor(to / DAY),
  }
  const open = filter.state === 'resolved' ? countEach(query, run, { ...filter, state: 'open' }) : 0
  const all = { ...filter, state: undefined }
  if (whole.from !== undefined && whole.to !== undefined && whole.from >= whole.to) {
    return (await countEach(query, run, all)) - (await open)
  }
  const parts = [countDays(query, run, filter, perDay, whole)]
  if (from !== undefined && from % DAY > 0) {
    parts.push(countEach(query, run, { ...all, to: whole.from! * DAY }))
  }
  if (to !== undefined && to % DAY > 0) parts.push(countEach(query, run, { ...all, from: whole.to! * DAY }))
  const counts = await Promise.all(parts)
  return counts.reduce((sum, count) => sum + count, 0) - (await open)
}

async function countEach(query: Query, run: string, filter: AlertFilter): Promise<number> {
  const { passes, cap, value, values } = asking(run)
  const { join, listed } = cap(filter.perDay!)
  const { rows } = await query(
    `SELECT count(*) AS count FROM alerts a
     JOIN alert_days d ON (d.run, d.kind, d.day) = (a.run, a.kind, a.day) AND d.low + d.medium + d.high > ${value(filter.perDay)}
     ${join} WHERE ${passes(filter)} AND NOT ${listed}`,
    values,
  )
  return rows[0]!.count as number
}

/** Of whole days. */
async function countDays(
  query: Query,
  run: string,
  { type, severity }: AlertFilter,
  perDay: number,
  { from, to }: { from?: number | undefined; to?: number | undefined },
): Promise<number> {
  const { runId, value, values } = asking(run)
  const cap = `${value(perDay)}::int`
  const beyond = severity
    ? `d.${severity} - ${within(severity, cap)}`
    : `greatest(d.low + d.medium + d.high - ${cap}, 0)`
  const { rows } = await query(
    `SELECT coalesce(sum(${beyond}), 0)::bigint AS count FROM alert_days d WHERE d.run = ${runId}
     ${type === undefined ? '' : `AND d.kind = ${value(type)}`}
     ${from === undefined ? '' : `AND d.day >= ${value(from)}`} ${to === undefined ? '' : `AND d.day < ${value(to)}`}`,
    values,
  )
  return rows[0]!.count as number
}
