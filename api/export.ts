/**
 * Exports as text, row by row. Columns and their order are fixed: programs and byte comparisons rely on them.
 *
 * CSV as in RFC 4180, but with LF line ends, as line tools want them: fields quoted when they hold a quote, comma or line
 * end, null as an empty field.
 * Nothing is put before fields that begin with = + - @, unless a spreadsheet is to open it: a changed name would no longer
 * be that channel, and programs are who exports are for.
 */
import { iso } from '../common/time.ts'
import type { AlertRow } from '../connectors/postgres/alerts/alerts.ts'
import type { CountRow, SignalRow } from '../connectors/postgres/series/series.ts'
import * as present from './queries/present.ts'

type Value = string | number | null | readonly object[]
/** One row's value of every column, under the column's name, in order. */
export type Columns = Record<string, Value>
/** `spreadsheet`: CSV in which no text passes for a formula. */
export type Format = 'csv' | 'spreadsheet' | 'ndjson'

export const countColumns = (row: CountRow) => ({ series: row.series, ...present.count(row) })
export const signalColumns = (row: SignalRow) => ({ series: row.series, ...present.signalFields(row) })
export const alertColumns = (row: AlertRow) => ({
  id: row.id,
  sequence: row.sequence,
  event: row.event,
  type: row.type,
  channel: row.channel,
  severity: row.severity,
  time: iso(row.time),
  openedAt: iso(row.openedAt),
  series: row.series,
  resolution: row.resolution,
  start: row.start === null ? null : iso(row.start),
  reason: row.reason,
  evidence: [...present.evidence(row.channel, row.evidence), ...row.evidence.filter((e) => 'figures' in e)],
  preset: row.preset,
  settings: row.settings,
})

/** The names of the columns, which an export without rows shows too. */
export const HEADERS = {
  counts: ['series', 'start', 'seconds', 'count', 'late', 'covered'],
  signals: [
    ...['series', 'start', 'resolution', 'count', 'expected', 'dispersion', 'residual', 'variance'],
    ...['autocorrelation', 'rawVariance', 'rawAutocorrelation', 'varianceTrend', 'autocorrelationTrend'],
    ...['pVariance', 'pAutocorrelation', 'p', 'score', 'decision', 'reason', 'settings'],
  ],
  alerts: [
    ...['id', 'sequence', 'event', 'type', 'channel', 'severity', 'time', 'openedAt', 'series', 'resolution'],
    ...['start', 'reason', 'evidence', 'preset', 'settings'],
  ],
}

/** How a formula begins, as a spreadsheet takes it: also behind white space that it takes away. */
const FORMULA = /^[=+\-@\t\r\n]/

/** Numbers in their shortest form that reads back as the same number; lists as JSON. */
function field(value: Value, isSafe: boolean): string {
  if (value === null) return ''
  if (typeof value === 'number') return `${value}`
  const plain = typeof value === 'string' ? value : JSON.stringify(value)
  const text = isSafe && FORMULA.test(plain) ? `'${plain}` : plain
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
const csvLine = (fields: readonly Value[], isSafe: boolean): string =>
  `${fields.map((value) => field(value, isSafe)).join(',')}\n`

/** Characters gathered before they are handed on: enough that a row costs little, little enough to stay in step. */
const CHUNK = 32_768

/** `rows` as text, in chunks; reads no further ahead than one chunk. An error of `rows` is thrown on. */
export async function* exportText<Row>(
  rows: AsyncIterable<Row>,
  columns: (row: Row) => Columns,
  header: readonly string[],
  format: Format,
): AsyncGenerator<string> {
  const isSafe = format === 'spreadsheet'
  let text = format === 'ndjson' ? '' : csvLine(header, isSafe)
  for await (const row of rows) {
    const values = columns(row)
    text += format === 'ndjson' ? `${JSON.stringify(values)}\n` : csvLine(Object.values(values), isSafe)
    if (text.length >= CHUNK) {
      yield text
      text = ''
    }
  }
  if (text !== '') yield text
}
