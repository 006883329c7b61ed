import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUR } from '../../common/time.ts'
import { NETWORK } from '../../schemas/records.ts'
import { createAlerts } from './alerts/alert-queries.ts'
import { BEGINNING } from './alerts/place.ts'
import { keyOf } from './database/channel-name.ts'
import { createDatabase, type Database, type Query, unnest } from './database/database.ts'
import { migrate } from './database/migrate.ts'
import { openPglite, type Pglite } from './database/pglite.ts'
import { forgetPolls } from './operations/insert-operations.ts'
import { createOperations } from './operations/operations.ts'
import { storeContract } from './store.contract.ts'
import { openStore } from './store.ts'

const root = mkdtempSync(path.join(tmpdir(), 'fcm-store-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Of all that follows, one after the other: making a database takes seconds. */
const dir = path.join(root, 'data')

/** Writes one bin after another to the store in argv[2], and says which are acknowledged. */
const WRITER = `
import { openStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)}
console.log('opening')
const store = await openStore({ dir: process.argv[2] })
for (let i = 0; ; i++) {
  const bins = [{ measure: 'casts', count: i % 3, covered: 1, masked: false }]
  await store.ingest.write('live', [{ key: 'a', record: { type: 'BinClosed', start: i * 300_000, seconds: 300, bins } }])
  console.log(i)
}`

function startWriter(dir: string): {
  child: ChildProcess
  exit: Promise<unknown>
  lines: AsyncIterable<string>
} {
  const child = spawn(process.execPath, ['--input-type=module', '-', dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin!.end(WRITER)
  return { child, exit: once(child, 'exit'), lines: createInterface({ input: child.stdout! }) }
}

describe('the embedded store', () => {
  it('has every acknowledged row after kill -9, also when killed while it was being made', async () => {
    const half = startWriter(dir)
    while (!existsSync(path.join(dir, 'postgres.incomplete'))) await new Promise((r) => setTimeout(r, 20))
    await new Promise((r) => setTimeout(r, 500))
    half.child.kill('SIGKILL')
    await half.exit

    let acknowledged = -1
    const { child, exit, lines } = startWriter(dir)
    for await (const line of lines) {
      if (line !== 'opening') acknowledged = Number(line)
      if (acknowledged === 200) child.kill('SIGKILL')
    }
    await exit
    expect(acknowledged).toBeGreaterThanOrEqual(200)

    const store = await openStore({ dir })
    const rows = []
    for await (const row of store.series.exportCounts({ run: 'live', resolution: 300, fill: false }))
      rows.push(row.count)
    await store.close()
    expect(rows.length).toBeGreaterThanOrEqual(acknowledged + 1)
    expect(rows).toEqual(rows.map((_, i) => i % 3))
  }, 120_000)

  it('says what is wrong with a directory that it cannot use', async () => {
    const other = path.join(root, 'other')
    mkdirSync(path.join(other, 'postgres'), { recursive: true })
    writeFileSync(path.join(other, 'postgres', 'PG_VERSION'), '99\n')
    await expect(openStore({ dir: other })).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringContaining('PostgreSQL 99'),
    })
    expect(readFileSync(path.join(other, 'postgres', 'PG_VERSION'), 'utf8')).toBe('99\n')

    const file = path.join(root, 'file')
    writeFileSync(file, 'not a directory')
    await expect(openStore({ dir: file })).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
    // Who did not wait for it is told at the first question.
    const early = await openStore({ dir: file, early: true })
    await expect(early.ping()).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
    await early.close()
  })

  it('is there at once for who need not wait until it is made', async () => {
    const dir = path.join(root, 'early')
    const store = await openStore({ dir, early: true })
    expect(existsSync(path.join(dir, 'postgres', 'PG_VERSION'))).toBe(false)
    expect((await store.runs.list({ limit: 10 })).items).toEqual([])
    expect(existsSync(path.join(dir, 'postgres', 'PG_VERSION'))).toBe(true)
    await store.close()
  })
})

storeContract('the store on the embedded database', async (now) => {
  const store = await openStore({ dir, now })
  return { store, close: () => store.close() }
})

describe('its database', () => {
  let db: Database
  let pglite: Pglite
  beforeAll(async () => {
    pglite = await openPglite(path.join(dir, 'postgres'))
    db = createDatabase({ max: 1, stream: pglite.stream, user: 'postgres', database: 'postgres' })
  }, 60_000)

  it('holds nothing of the runs that were deleted', async () => {
    const orphans = {
      ...{
        run: [
          'casts',
          'removals',
          'alert_events',
          'desk_actions',
          'changes',
          'outbox',
          'alerts',
          'alert_days',
          'channels',
        ],
      },
      ...{ channel: ['gaps', 'coverage', 'polls', 'series'], series: ['counts', 'late', 'signals'] },
    }
    for (const [owner, tables] of Object.entries(orphans)) {
      const owners = owner === 'series' ? owner : `${owner}s`
      for (const table of tables) {
        const { rows } = await db.query(
          `SELECT FROM ${table} WHERE ${owner} NOT IN (SELECT id FROM ${owners})`,
        )
        expect(rows, table).toEqual([])
      }
    }
  })

  it('answers of any length come whole, one after another', async () => {
    // They come in pieces of 8 KB: what ends an answer is cut in two at some of these lengths.
    for (let length = 8_000; length < 8_200; length++) {
      const { rows } = await db.query(`SELECT repeat('x', $1::int) AS text`, [length])
      expect(rows[0]!.text).toHaveLength(length)
    }
  })

  it('what is asked about polling reads a small part of its history', async () => {
    const [CHANNELS, HOURS] = [40, 300]
    // PostgreSQL takes every run for one of mean size.
    await db.query('TRUNCATE runs, channels, series, polls, gaps, coverage')
    for (const name of ['large-1', 'large-2']) {
      const { rows } = await db.query('INSERT INTO runs (name) VALUES ($1) RETURNING id', [name])
      const names = [NETWORK, ...Array.from({ length: CHANNELS }, (_, i) => `https://${i}`)]
      const table = unnest(
        ['bytea', 'text'],
        names.map((n) => [keyOf(n), n]),
      )
      const [keys, texts] = table.values
      await db.query(`INSERT INTO channels (run, key, name) SELECT $3, * FROM ${table.from}`, [
        ...[keys, texts, rows[0]!.id],
      ])
    }
    const large = `channels c JOIN runs r ON r.id = c.run AND r.name LIKE 'large-%'`
    const measures = `unnest(ARRAY ['posts', 'replies', 'reactions']) measure`
    await db.query(
      `INSERT INTO polls (channel, hour, at, requests, failed, last_requests, last_failed, complete)
       SELECT c.id, hour, hour * ${HOUR}::bigint, 1, 0, 1, 0, '' FROM generate_series(1, ${HOURS}) hour, ${large}`,
    )
    await db.query(
      `INSERT INTO gaps (channel, measure, "from", "to", reason)
       SELECT c.id, measure, hour * ${HOUR}::bigint, (hour + 0.5) * ${HOUR}, 'away'
       FROM generate_series(1, ${HOURS}) hour, ${measures}, ${large}`,
    )
    await db.query(
      `INSERT INTO coverage (channel, measure, "from", "to", decided_to)
       SELECT c.id, measure, 0, ${HOURS * HOUR}, ${HOURS * HOUR} FROM ${measures}, ${large}`,
    )
    await db.query('ANALYZE')
    // As with more rows: of so few it may be right to read all.
    await db.query('SET enable_seqscan = off')

    let read = 0
    /** Counts the rows that every step of a statement's plan has read, and undoes what it did. */
    const counting: Query = async (sql, values) => {
      await db.query('BEGIN')
      const { rows } = await db.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, values)
      await db.query('ROLLBACK')
      read += rowsRead((rows[0]!['QUERY PLAN'] as { Plan: Plan }[])[0]!.Plan)
      return db.query(sql, values)
    }
    const polling = createOperations(counting)
    const { gaps } = polling
    const next = async (page: Promise<{ next: string | null }>) => (await page).next!
    const limit = 100
    const later = {
      requests: await next(polling.requests('large-1', {}, { limit: 5000 })),
      gaps: await next(gaps('large-1', {}, { limit: 5000 })),
    }
    // Of one run's rows, a third.
    const polls = ((CHANNELS + 1) * HOURS) / 3
    const asked: [name: string, ask: () => Promise<unknown>, most: number][] = [
      ['source', () => polling.source('large-1'), 3 * polls],
      ['followed', () => polling.followed('large-1', HOUR, limit), polls],
      ['requests', () => polling.requests('large-1', {}, { limit }), polls],
      ['later requests', () => polling.requests('large-1', {}, { limit, cursor: later.requests }), polls],
      ['gaps', () => gaps('large-1', {}, { limit }), 3 * polls],
      ['later gaps', () => gaps('large-1', {}, { limit, cursor: later.gaps }), 3 * polls],
      ['forgetting', () => forgetPolls(counting), polls],
    ]
    for (const [name, ask, most] of asked) {
      read = 0
      await ask()
      expect(read, name).toBeGreaterThan(0)
      expect.soft(read, name).toBeLessThan(most)
    }
  })

  it('has learned, when it was opened, how many rows there are', async () => {
    const { rows } = await db.query("SELECT reltuples FROM pg_class WHERE relname = 'counts'")
    expect(rows[0]!.reltuples).toBeGreaterThan(100)
  })

  it('is migrated from what an older program left: a removal stands where it belongs', async () => {
    await db.query('DROP TABLE removals')
    await db.query('DELETE FROM casts')
    await db.query('ALTER TABLE casts ALTER COLUMN time DROP NOT NULL')
    await db.query("DELETE FROM migrations WHERE name = '2_removals'")
    await db.query("INSERT INTO casts (run, hash, channel, fid, removed) VALUES (1, '\\x07', 1, 7, true)")
    await migrate(db)
    const { rows: removals } = await db.query(
      'SELECT run, fid, (SELECT count(*) FROM casts) AS casts FROM removals',
    )
    expect(removals).toEqual([{ run: 1, fid: 7, casts: 0 }])
  })

  it('is migrated from what an older program left: alerts rank, and what happened has its order', async () => {
    await db.query('DROP SCHEMA public CASCADE')
    await db.query('CREATE SCHEMA public')
    await db.query(
      'CREATE TABLE migrations (id serial PRIMARY KEY, name text NOT NULL, run_on timestamp NOT NULL)',
    )
    for (const name of ['1_tables', '2_removals', '3_polls', '4_alert_events_in_order']) {
      await db.query(readFileSync(new URL(`./database/migrations/${name}.sql`, import.meta.url), 'utf8'))
      await db.query('INSERT INTO migrations (name, run_on) VALUES ($1, now())', [name])
      if (name !== '3_polls') continue
      await db.query("INSERT INTO runs (name) VALUES ('old')")
      await db.query("INSERT INTO channels (run, key, name) VALUES (1, $1, 'c')", [keyOf('c')])
      const figures = { measure: 'casts', resolution: 300, start: 0, count: 5, expected: 1, dispersion: 0 }
      const e = { ...figures, variance: null, autocorrelation: null, p: null, score: null, reason: 'why' }
      const evidence = [
        [{ ...e, p: 0.25 }],
        [
          { ...e, p: 1e-9, score: 0.5 },
          { ...e, score: 0.75 },
        ],
      ]
      for (const [i, items] of evidence.entries()) {
        await db.query(
          `INSERT INTO alert_events (fingerprint, sequence, run, channel, event, kind, severity, time, opened_at,
             measure, resolution, start, reason, evidence, preset, settings)
           VALUES ('a', $1, 1, 1, 'opened', 'early-warning', 'low', 0, 0, 'casts', 300, 0, '', $2, '', '')`,
          [i + 1, JSON.stringify(items)],
        )
      }
      await db.query(
        `INSERT INTO alerts (fingerprint, run, channel, kind, opened_at, sequence, severity, state)
         VALUES ('a', 1, 1, 'early-warning', 20470.5 * 86400000, 2, 'low', 'open')`,
      )
    }
    await migrate(db)
    expect((await db.query('SELECT day, score, p FROM alerts')).rows).toEqual([
      { day: 20470, score: 0.75, p: 0.25 },
    ])
    expect((await db.query('SELECT day, low, medium, high FROM alert_days')).rows).toEqual([
      { day: 20470, low: 1, medium: 0, high: 0 },
    ])
    const alerts = createAlerts(db.query, db)
    const changes = await alerts.changes('old', BEGINNING, 10)
    expect(changes.map(({ place, now }) => [place, now!.sequence])).toEqual([
      ['1.1', 1],
      ['1.2', 2],
    ])
    const subject = { type: 'series', measure: 'casts', resolution: 300, start: 0 }
    expect(await alerts.get('a')).toMatchObject({
      subject,
      ...{ series: 'casts:c', resolution: 300, start: 0, score: 0.75 },
      evidence: [{ detector: 'early-warning', p: 1e-9, score: 0.5 }, { score: 0.75 }],
    })
    // What comes now begins a new epoch, and so it does whoever writes.
    await db.query(
      `INSERT INTO alert_events SELECT fingerprint, 3, run, channel, event, kind, severity, time, opened_at, measure,
         resolution, start, reason, evidence, preset, settings FROM alert_events WHERE sequence = 2`,
    )
    const [, second, third] = await alerts.changes('old', BEGINNING, 10)
    expect(third!.place).toMatch(/^\d{10}\.1$/)
    expect((await alerts.changes('old', second!.place, 10)).map(({ place }) => place)).toEqual([third!.place])
  })

  it('is not touched by a query that failed or a transaction that was left', async () => {
    await expect(db.query('SELECT 1 / 0')).rejects.toThrow('division by zero')
    await expect(
      db.transaction(async (query) => {
        await query('CREATE TABLE left_over ()')
        throw new Error('left')
      }),
    ).rejects.toThrow('left')
    expect((await db.query("SELECT to_regclass('left_over') AS name")).rows).toEqual([{ name: null }])
  })

  it('carries out what is begun together in that order, and all of it or nothing', async () => {
    await db.transaction(async (query) => {
      const statements = ['CREATE TABLE pairs (n int PRIMARY KEY)', 'INSERT INTO pairs VALUES (1)']
      await Promise.all(statements.map((sql) => query(sql)))
    })
    const twice = db.transaction(async (query) => {
      await Promise.all([2, 1, 3].map((n) => query('INSERT INTO pairs VALUES ($1)', [n])))
    })
    await expect(twice).rejects.toMatchObject({ code: '23505' })
    expect((await db.query('SELECT n FROM pairs')).rows).toEqual([{ n: 1 }])
    await db.query('DROP TABLE pairs')
  })

  it('tells a connection whose session another has taken, and gives it a new one', async () => {
    const second = pglite.stream() as Duplex & { connect(): Duplex }
    second.on('error', () => {})
    await once(second.connect(), 'connect')
    const takenBack = async () => {
      await db.query('SELECT 1').catch(() => {})
      return second.destroyed
    }
    await expect.poll(takenBack).toBe(true)
    expect((await db.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })

  it('is not opened once a newer program has been here', async () => {
    await db.query("INSERT INTO migrations (name, run_on) VALUES ('9_later', now())")
    await db.close()
    await pglite.close()
    await expect(openStore({ dir })).rejects.toMatchObject({
      code: 'TABLES_NEWER',
      message: expect.stringContaining('newer version of fcm (9_later)'),
    })
  })
})

type Plan = { Plans?: Plan[] } & Record<string, unknown>

function rowsRead(plan: Plan): number {
  const each = ['Actual Rows', 'Rows Removed by Filter', 'Rows Removed by Join Filter']
  const own = each.reduce((sum, of) => sum + ((plan[of] as number | undefined) ?? 0), 0)
  const below = (plan.Plans ?? []).reduce((sum, part) => sum + rowsRead(part), 0)
  return own * (plan['Actual Loops'] as number) + below
}

describe('a server', () => {
  it('that does not answer is worth waiting for', async () => {
    await expect(openStore({ url: 'postgres://fcm@127.0.0.1:1/fcm' })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      retry: true,
    })
  })
})
