/** Records become rows: one statement for each table that a batch touches, ignoring what is there already. */
import { BASE, BASE_SECONDS } from '../../common/time.ts'
import type {
  AlertEvent,
  Cast,
  CastRemoved,
  Coverage,
  FcmRecord,
  Late,
  Measure,
  Polled,
  Signal,
  Unknown,
} from '../../schemas/records.ts'
import { nameOf } from './channel-name.ts'
import { arrayLiteral, clean, type Query, unnest } from './database.ts'
import { addBin, addIdle, type BinRun, type Timeline } from './timeline.ts'

export type Input = { key: string; record: FcmRecord }

/** A series' row, and its timeline as the database has it. */
export type SeriesEntry = { id: number; line: Timeline }

/** Another process moved on a series that is remembered here, or deleted the run. What is remembered is read again. */
export class Stale extends Error {}

type Keyed<R> = { key: string; record: R }
export type Gap = { key: string; measure: Measure; from: number; to: number; reason: string | null }
/** In the order of the records: a bin of one series, or that it is idle from there on. */
type Timed = {
  key: string
  measure: Measure
  bin: number
  value: { count: number; covered: number; masked: boolean } | 'idle'
}

/** Why the tables can't hold a record; null: they can. */
function unfit(record: FcmRecord): string | null {
  switch (record.type) {
    case 'BinClosed':
      if (record.seconds !== BASE_SECONDS) return `a bin of ${record.seconds} s is no base bin`
      return offGrid(record.start)
    case 'Idle':
      return offGrid(record.from)
    default:
      return null
  }
}

const INT4_MAX = 2 ** 31 - 1

function offGrid(time: number): string | null {
  const bin = time / BASE
  if (!Number.isInteger(bin)) return `a bin begins off the grid, at ${time} ms`
  return bin < 0 || bin >= INT4_MAX ? `no bin of this age begins at ${time} ms` : null
}

export function sortOut(records: readonly Input[]) {
  const batch = {
    /** Records that the tables can't hold, by their place among `records`. */
    rejected: [] as { index: number; why: string }[],
    /** Channels and their series that the rows will refer to. */
    channels: new Map<string, Set<Measure>>(),
    casts: [] as Keyed<Cast>[],
    removals: [] as CastRemoved[],
    gaps: [] as Gap[],
    coverages: [] as Keyed<Coverage>[],
    polls: [] as Keyed<Polled>[],
    timed: [] as Timed[],
    unknowns: [] as Keyed<Unknown>[],
    lates: [] as Keyed<Late>[],
    signals: [] as Keyed<Signal>[],
    alerts: [] as Keyed<AlertEvent>[],
  }
  const refer = (key: string, measure?: Measure) => {
    const measures = batch.channels.get(key) ?? new Set<Measure>()
    batch.channels.set(key, measures)
    if (measure) measures.add(measure)
  }

  for (const [index, input] of records.entries()) {
    const { record } = input
    const why = unfit(record)
    if (why !== null) {
      batch.rejected.push({ index, why })
      continue
    }
    const key = nameOf(input.key)
    switch (record.type) {
      case 'Cast':
        refer(key)
        batch.casts.push({ key, record })
        break
      case 'CastRemoved':
        batch.removals.push(record)
        break
      case 'Coverage':
        refer(key)
        batch.coverages.push({ key, record })
        if (record.status !== 'gap') break
        for (const measure of record.measures) {
          batch.gaps.push({ key, measure, from: record.from, to: record.to, reason: record.reason })
        }
        break
      case 'Polled':
        refer(key)
        batch.polls.push({ key, record })
        break
      case 'BinClosed':
        for (const { measure, count, covered, masked } of record.bins) {
          refer(key, measure)
          batch.timed.push({ key, measure, bin: record.start / BASE, value: { count, covered, masked } })
        }
        break
      case 'Idle':
        refer(key, record.measure)
        batch.timed.push({ key, measure: record.measure, bin: record.from / BASE, value: 'idle' })
        break
      case 'Unknown':
        refer(key, record.measure)
        batch.unknowns.push({ key, record })
        break
      case 'Late':
        refer(key, record.measure)
        batch.lates.push({ key, record })
        break
      case 'Signal':
        refer(key, record.measure)
        batch.signals.push({ key, record })
        break
      case 'AlertEvent':
        // Its counts may be stored later than the alert, but whoever reads it may ask for them at once.
        refer(key, record.measure)
        batch.alerts.push({ key, record })
        break
      // Reactions are counted, not kept; milestones and partial sums are steps on the way to a bin.
      case 'Reaction':
      case 'ReactionRemoved':
      case 'ReactionCount':
      case 'Milestone':
      case 'Partial':
        break
    }
  }
  return batch
}

type ChannelId = (key: string) => number
type SeriesOf = (key: string, measure: Measure) => SeriesEntry

/** The first, or the last, of those with equal identity: one statement can't touch a row twice. */
function distinct<T>(
  items: readonly T[],
  identity: (item: T) => string,
  better?: (a: T, b: T) => boolean,
): T[] {
  const kept = new Map<string, T>()
  for (const item of items) {
    const id = identity(item)
    const before = kept.get(id)
    if (before === undefined || better?.(item, before)) kept.set(id, item)
  }
  return [...kept.values()]
}

export async function insertCasts(
  query: Query,
  run: number,
  casts: Keyed<Cast>[],
  channel: ChannelId,
): Promise<void> {
  if (casts.length === 0) return
  const table = unnest(
    ['int', 'bytea', 'int', 'bigint', 'bigint', 'text', 'bytea', 'text'],
    distinct(casts, ({ record }) => record.hash.toString('latin1')).map(({ key, record }) => [
      run,
      record.hash,
      channel(key),
      record.fid,
      record.time,
      record.text,
      record.parent?.hash ?? null,
      JSON.stringify(record.urls.map(clean)),
    ]),
  )
  await query(
    `INSERT INTO casts (run, hash, channel, fid, time, text, parent_hash, urls, removed)
     SELECT t.run, t.hash, t.channel, t.fid, t.time, CASE WHEN r.run IS NULL THEN t.text END, t.parent_hash,
       CASE WHEN r.run IS NULL THEN ARRAY (SELECT jsonb_array_elements_text(t.urls::jsonb)) ELSE '{}' END,
       r.run IS NOT NULL
     FROM ${table.from} AS t (run, hash, channel, fid, time, text, parent_hash, urls)
     LEFT JOIN removals r ON r.run = t.run AND r.hash = t.hash AND r.fid = t.fid
     ON CONFLICT DO NOTHING`,
    table.values,
  )
}

export async function insertRemovals(query: Query, run: number, removals: CastRemoved[]): Promise<void> {
  if (removals.length === 0) return
  const table = unnest(
    ['int', 'bytea', 'bigint'],
    removals.map(({ target, fid }) => [run, target, fid]),
  )
  await query(
    `INSERT INTO removals (run, hash, fid) SELECT * FROM ${table.from} ON CONFLICT DO NOTHING`,
    table.values,
  )
}

/**
 * Blanks those casts that their own authors removed. After the commit of either side: two writers of a cast and of its
 * removal don't see each other's rows before, and whichever of them comes here last sees both.
 */
export async function blankRemoved(query: Query, run: number, hashes: Buffer[]): Promise<void> {
  if (hashes.length === 0) return
  await query(
    `UPDATE casts c SET removed = true, text = NULL, urls = '{}'
     FROM removals r
     WHERE r.run = $1 AND r.hash = ANY ($2::bytea[])
       AND c.run = r.run AND c.hash = r.hash AND c.fid = r.fid AND NOT c.removed`,
    [run, arrayLiteral(hashes)],
  )
}

export async function insertTimelines(
  query: Query,
  timed: Timed[],
  seriesOf: SeriesOf,
  changed: Map<SeriesEntry, Timeline>,
): Promise<void> {
  const finished: (readonly [number, BinRun])[] = []
  for (const { key, measure, bin, value } of timed) {
    const series = seriesOf(key, measure)
    let line = changed.get(series)
    if (!line) line = { ...series.line }
    const rows: BinRun[] = []
    const isNew = value === 'idle' ? addIdle(line, bin, rows) : addBin(line, bin, value, rows)
    if (isNew) changed.set(series, line)
    for (const row of rows) finished.push([series.id, row])
  }
  if (changed.size === 0) return

  const counts = unnest(
    ['int', 'int', 'int', 'bigint', 'float8', 'bool', 'bool'],
    finished.map(([id, row]) => [id, row.bin, row.n, row.count, row.covered, row.masked, row.idle]),
  )
  const inserted =
    finished.length > 0 &&
    query(
      `INSERT INTO counts (series, bin, n, count, covered, masked, idle) SELECT * FROM ${counts.from}`,
      counts.values,
    )
  const table = unnest(
    ['int', 'int', 'bool', 'int', 'int', 'bigint', 'int', 'bool', 'int', 'bigint', 'float8', 'bool'],
    [...changed].map(([{ id, line: was }, line]) => [
      id,
      was.next,
      was.idle,
      line.first,
      line.lastEvent,
      line.total,
      line.next,
      line.idle,
      line.tail,
      line.count,
      line.covered,
      line.masked,
    ]),
  )
  const updated = query(
    `UPDATE series s
     SET first = t.first, last_event = t.last_event, total = t.total, next = t.next, idle = t.idle, tail = t.tail,
       tail_count = t.count, tail_covered = t.covered, tail_masked = t.masked
     FROM ${table.from}
       AS t (id, was_next, was_idle, first, last_event, total, next, idle, tail, count, covered, masked)
     WHERE s.id = t.id AND s.next IS NOT DISTINCT FROM t.was_next AND s.idle = t.was_idle`,
    table.values,
  )
  const [there] = await Promise.all([updated, inserted])
  if (there.changed !== changed.size) throw new Stale('another process has written these series')
}

export async function insertUnknowns(
  query: Query,
  unknowns: Keyed<Unknown>[],
  seriesOf: SeriesOf,
): Promise<void> {
  if (unknowns.length === 0) return
  const rows = distinct(
    unknowns,
    ({ key, record }) => `${record.measure} ${record.from} ${key}`,
    (a, b) => a.record.to > b.record.to,
  ).map(
    ({ key, record: { measure, from, to, reason } }) =>
      [seriesOf(key, measure).id, from, to, reason] as const,
  )
  const table = unnest(['int', 'bigint', 'bigint', 'text'], rows)
  await query(
    `INSERT INTO unknown_spans AS u (series, "from", "to", reason) SELECT * FROM ${table.from}
     ON CONFLICT (series, "from") DO UPDATE SET "to" = excluded."to", reason = excluded.reason
     WHERE u."to" < excluded."to"`,
    table.values,
  )
}

/** Where `start` is null: no bin begins there. */
const BEFORE_ALL = -1

export async function insertLates(query: Query, lates: Keyed<Late>[], seriesOf: SeriesOf): Promise<void> {
  if (lates.length === 0) return
  const rows = distinct(
    lates,
    ({ key, record }) => `${record.measure} ${record.start} ${key}`,
    (a, b) => a.record.count > b.record.count,
  ).map(({ key, record: { measure, start, count } }) => [
    seriesOf(key, measure).id,
    start ?? BEFORE_ALL,
    count,
  ])
  const table = unnest(['int', 'bigint', 'bigint'], rows)
  await query(
    `INSERT INTO late AS l (series, start, count) SELECT * FROM ${table.from}
     ON CONFLICT (series, start) DO UPDATE SET count = excluded.count WHERE l.count < excluded.count`,
    table.values,
  )
}

export async function insertSignals(
  query: Query,
  signals: Keyed<Signal>[],
  seriesOf: SeriesOf,
): Promise<void> {
  if (signals.length === 0) return
  const table = unnest(
    ['int', 'int', 'bigint', 'bigint', ...Array<string>(13).fill('float8'), 'text', 'text', 'text'],
    signals.map(({ key, record: s }) => [
      seriesOf(key, s.measure).id,
      s.resolution,
      s.start,
      s.count,
      s.expected,
      s.dispersion,
      s.residual,
      s.variance,
      s.autocorrelation,
      s.rawVariance,
      s.rawAutocorrelation,
      s.varianceTrend,
      s.autocorrelationTrend,
      s.pVariance,
      s.pAutocorrelation,
      s.p,
      s.score,
      s.decision,
      s.reason,
      s.settings,
    ]),
  )
  await query(
    `INSERT INTO signals (series, resolution, start, count, expected, dispersion, residual, variance, autocorrelation,
       raw_variance, raw_autocorrelation, variance_trend, autocorrelation_trend, p_variance, p_autocorrelation, p, score,
       decision, reason, settings)
     SELECT * FROM ${table.from} ON CONFLICT DO NOTHING`,
    table.values,
  )
}

export async function insertAlertEvents(
  query: Query,
  run: number,
  alerts: Keyed<AlertEvent>[],
  channel: ChannelId,
): Promise<void> {
  if (alerts.length === 0) return
  const table = unnest(
    [
      ...['text', 'int', 'int', 'int', 'text', 'text', 'text', 'bigint', 'bigint', 'text', 'int', 'bigint'],
      ...['text', 'jsonb', 'text', 'text'],
    ],
    alerts.map(({ key, record: a }) => [
      a.fingerprint,
      a.sequence,
      run,
      channel(key),
      a.event,
      a.kind,
      a.severity,
      a.time,
      a.openedAt,
      a.measure,
      a.resolution,
      a.start,
      a.reason,
      JSON.stringify(a.evidence.map((e) => ({ ...e, reason: clean(e.reason) }))),
      a.preset,
      a.settings,
    ]),
  )
  const appended = query(
    `INSERT INTO alert_events
       (fingerprint, sequence, run, channel, event, kind, severity, time, opened_at, measure, resolution, start,
       reason, evidence, preset, settings)
     SELECT * FROM ${table.from} ON CONFLICT DO NOTHING`,
    table.values,
  )

  const latest = distinct(
    alerts,
    ({ record }) => record.fingerprint,
    (a, b) => a.record.sequence > b.record.sequence,
  )
  // An alert's first event comes before or with all others, so its p-value stands from the start.
  const opening = new Map(
    alerts.flatMap(({ record: a }) => (a.sequence === 1 ? [[a.fingerprint, a.evidence] as const] : [])),
  )
  const digest = unnest(
    ['text', 'int', 'int', 'text', 'bigint', 'int', 'text', 'text', 'float8', 'float8'],
    latest.map(({ key, record: a }) => [
      a.fingerprint,
      run,
      channel(key),
      a.kind,
      a.openedAt,
      a.sequence,
      a.severity,
      a.event === 'resolved' ? 'resolved' : 'open',
      outermost(
        Math.max,
        a.evidence.map((e) => e.score),
      ),
      outermost(Math.min, opening.get(a.fingerprint)?.map((e) => e.p) ?? []),
    ]),
  )
  const told = query(
    `INSERT INTO alerts AS a (fingerprint, run, channel, kind, opened_at, sequence, severity, state, score, p)
     SELECT * FROM ${digest.from}
     ON CONFLICT (fingerprint) DO UPDATE
     SET sequence = excluded.sequence, severity = excluded.severity, state = excluded.state, score = excluded.score
     WHERE a.sequence < excluded.sequence`,
    digest.values,
  )
  await Promise.all([appended, told])
}

/** The greatest or the least of what is known; null: nothing is. */
function outermost(of: (...values: number[]) => number, values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : of(...known)
}
