/** Writes batches of records: one transaction each, ahead of which what this process remembers never gets. */
import { FcmError } from '../../../common/errors.ts'
import { LIVE } from '../../../pipeline/topology.ts'
import { type Measure, NETWORK } from '../../../schemas/records.ts'
import { insertActions, insertAlertEvents } from '../alerts/insert-alerts.ts'
import { blankRemoved, insertCasts, insertRemovals } from '../casts/insert-casts.ts'
import { keyOf } from '../database/channel-name.ts'
import { arrayLiteral, codeOf, type Database, type Query, unnest } from '../database/database.ts'
import { makeMonth, monthOf, NO_MONTH } from '../database/months.ts'
import { insertCoverages, insertGaps, insertPolls } from '../operations/insert-operations.ts'
import { insertLates, insertSignals, insertTimelines, insertUnknowns } from '../series/insert-series.ts'
import { newTimeline, type Timeline } from '../series/timeline.ts'
import { type Input, type SeriesEntry, Stale, sortOut } from './batch.ts'
import type { Written } from './ingest.ts'

type ChannelEntry = { id: number; series: Map<Measure, SeriesEntry> }
type RunEntry = { id: number; channels: Map<string, ChannelEntry> }

const ATTEMPTS = 5
/** SQLSTATE: serialization failure, deadlock, foreign key (the run was just deleted), unique key (just added). */
const RACES = new Set(['40001', '40P01', '23503', '23505'])

/** Channels remembered of a run; a stranger may name as many as he likes. */
const MAX_CHANNELS = 50_000

export type Writer = ReturnType<typeof createWriter>

/**
 * A writer remembers ids and timelines of the series it has seen; it never gets ahead of the database. Batches with alerts
 * are written through `urgent`. `now`: the wall clock in ms, which tells the month that rows are stored in. `withinMs`: of
 * each statement.
 */
export function createWriter(
  dbs: { urgent: Database; usual: Database },
  now: () => number,
  withinMs?: number,
) {
  const runs = new Map<string, RunEntry>()
  const monthsMade = new Set<number>()
  /** Runs that this writer has written to. */
  const begun = new Set<string>()

  async function write(run: string, records: readonly Input[]): Promise<Written> {
    if (records.length === 0) return { rejected: [] }
    for (let attempt = 1; ; attempt++) {
      try {
        return await writeOnce(run, records)
      } catch (error) {
        runs.delete(run)
        const passes = error instanceof Stale || RACES.has(codeOf(error) ?? '')
        if (!passes || attempt === ATTEMPTS) throw error
      }
    }
  }

  async function writeOnce(run: string, records: readonly Input[]): Promise<Written> {
    const batch = sortOut(records)
    const db = batch.alerts.length + batch.actions.length > 0 ? dbs.urgent : dbs.usual
    const query: Query = (sql, values) => db.query(sql, values, withinMs)
    const entry = await runEntry(query, run)
    await know(query, entry, batch.channels)
    const month = run === LIVE ? monthOf(now()) : NO_MONTH
    await makeMonth(query, month, monthsMade)
    const changed = new Map<SeriesEntry, Timeline>()

    await db.transaction(async (query) => {
      // Held until the commit, so that a run can't be deleted underneath.
      const held = query('SELECT FROM runs WHERE id = $1 AND NOT deleting FOR SHARE', [entry.id])
      const channel = (key: string) => entry.channels.get(key)!.id
      const series = (key: string, measure: Measure) => entry.channels.get(key)!.series.get(measure)!

      // All in one go, and carried out in this order: each sends its statements before it waits.
      const [{ rows }] = await Promise.all([
        held,
        run === LIVE && holdChannels(query, entry, batch.channels.keys()),
        insertRemovals(query, entry.id, batch.removals),
        insertCasts(query, entry.id, batch.casts, channel, month),
        insertGaps(query, batch.gaps, channel),
        insertCoverages(query, batch.coverages, channel),
        insertPolls(query, batch.polls, channel),
        insertTimelines(query, batch.timed, series, changed, month),
        insertUnknowns(query, batch.unknowns, series),
        insertLates(query, batch.lates, series),
        insertSignals(query, batch.signals, series, month),
        insertAlertEvents(query, entry.id, batch.alerts, channel),
        insertActions(query, entry.id, batch.actions),
      ])
      if (rows.length === 0) throw new Stale('the run was deleted')
    }, withinMs)
    for (const [known, line] of changed) known.line = line
    await blankRemoved(query, entry.id, [
      ...batch.casts.map(({ record }) => record.hash),
      ...batch.removals.map(({ target }) => target),
    ])
    return { rejected: batch.rejected }
  }

  /** Until the commit, so that none is forgotten underneath; one that was comes anew. */
  async function holdChannels(query: Query, run: RunEntry, names: Iterable<string>): Promise<void> {
    const ids = [...names].filter((name) => name !== NETWORK).map((name) => run.channels.get(name)!.id)
    if (ids.length === 0) return
    const { rows } = await query(
      'SELECT FROM channels WHERE id = ANY ($1::int[]) ORDER BY id FOR KEY SHARE',
      [arrayLiteral(ids)],
    )
    if (rows.length < ids.length) throw new Stale('a channel was forgotten')
  }

  async function runEntry(query: Query, run: string): Promise<RunEntry> {
    let entry = runs.get(run)
    if (entry && entry.channels.size < MAX_CHANNELS) return entry
    // Whoever goes on writing what another process has deleted would make a part of it anew.
    if (!begun.has(run)) await query('INSERT INTO runs (name) VALUES ($1) ON CONFLICT DO NOTHING', [run])
    const { rows } = await query('SELECT id FROM runs WHERE name = $1 AND NOT deleting', [run])
    if (rows.length === 0) throw new FcmError('RUN_DELETED', { run })
    begun.add(run)
    entry = { id: rows[0]!.id as number, channels: new Map() }
    runs.set(run, entry)
    return entry
  }

  /** Reads or makes the rows of channels and series not seen before; committed ahead of what refers to them. */
  async function know(query: Query, run: RunEntry, wanted: Map<string, Set<Measure>>): Promise<void> {
    const names = [...wanted.keys()].filter((name) => !run.channels.has(name))
    if (names.length > 0) {
      const byKey = new Map(names.map((name) => [keyOf(name).toString('hex'), name]))
      const table = unnest(
        ['bytea', 'text'],
        names.map((name) => [keyOf(name), name]),
      )
      const [keys, texts] = table.values
      await query(
        `INSERT INTO channels (run, key, name) SELECT $3, key, name FROM ${table.from} AS t (key, name)
         WHERE NOT EXISTS (SELECT FROM channels c WHERE c.run = $3 AND c.key = t.key) ON CONFLICT DO NOTHING`,
        [keys, texts, run.id],
      )
      const found = await query('SELECT id, key FROM channels WHERE run = $1 AND key = ANY ($2::bytea[])', [
        run.id,
        keys,
      ])
      if (found.rows.length < names.length) throw new Stale('the run was deleted')
      for (const { id, key } of found.rows) {
        const name = byKey.get((key as Buffer).toString('hex'))!
        // Another partition's batch may have learned it meanwhile, and refer to that entry.
        if (!run.channels.has(name)) run.channels.set(name, { id: id as number, series: new Map() })
      }
    }

    const unseen: { channel: ChannelEntry; measure: Measure }[] = []
    for (const [name, measures] of wanted) {
      const channel = run.channels.get(name)!
      for (const measure of measures) {
        if (!channel.series.has(measure)) unseen.push({ channel, measure })
      }
    }
    if (unseen.length === 0) return
    const table = unnest(
      ['int', 'text'],
      unseen.map(({ channel, measure }) => [channel.id, measure]),
    )
    await query(
      `INSERT INTO series (channel, measure) SELECT channel, measure FROM ${table.from} AS t (channel, measure)
       WHERE NOT EXISTS (SELECT FROM series s WHERE s.channel = t.channel AND s.measure = t.measure)
       ON CONFLICT DO NOTHING`,
      table.values,
    )
    const found = await query(
      `SELECT s.* FROM series s JOIN ${table.from} AS t (channel, measure)
       ON s.channel = t.channel AND s.measure = t.measure`,
      table.values,
    )
    const byIds = new Map(found.rows.map((row) => [`${row.channel} ${row.measure}`, row]))
    for (const { channel, measure } of unseen) {
      const row = byIds.get(`${channel.id} ${measure}`)
      if (!row) throw new Stale('the run was deleted')
      const line = Object.assign(newTimeline(), {
        next: row.next,
        idle: row.idle,
        tail: row.tail,
        count: row.tail_count,
        covered: row.tail_covered,
        masked: row.tail_masked,
        first: row.first,
        lastEvent: row.last_event,
        total: row.total,
      })
      if (!channel.series.has(measure)) channel.series.set(measure, { id: row.id as number, line })
    }
  }

  return {
    write,
    /** It may begin anew. */
    begin(run: string): void {
      runs.delete(run)
      begun.delete(run)
    },
  }
}
