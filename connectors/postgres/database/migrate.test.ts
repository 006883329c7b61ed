import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { BASE } from '../../../common/time.ts'
import { createAlerts } from '../alerts/alert-queries.ts'
import { BEGINNING } from '../alerts/place.ts'
import { createRuns, type RunsOptions } from '../runs/runs.ts'
import { createSeries } from '../series/series-queries.ts'
import { keyOf } from './channel-name.ts'
import { openMade } from './made-database.fixture.ts'
import { migrate, pendingMigrations } from './migrate.ts'

const { db, close } = await openMade()
afterAll(close)

it('migrations are pending that the database has not seen, in order', async () => {
  const database = (done: string[] | null) => ({
    query: async (sql: string) => ({
      rows: sql.includes('to_regclass')
        ? [{ name: done && 'migrations' }]
        : (done ?? []).map((name) => ({ name })),
      changed: 0,
    }),
  })
  const all = await pendingMigrations(database(null))
  expect(all.slice(0, 2)).toEqual(['1_tables', '2_removals'])
  expect(await pendingMigrations(database(['1_tables']))).toEqual(all.slice(1))
  expect(await pendingMigrations(database([...all, '99_newer']))).toEqual([])
})

/** No tables but that of the migrations. */
async function begin(): Promise<void> {
  await db.query('DROP SCHEMA public CASCADE')
  await db.query('CREATE SCHEMA public')
  await db.query(
    'CREATE TABLE migrations (id serial PRIMARY KEY, name text NOT NULL, run_on timestamp NOT NULL)',
  )
}

/** As an older program did it. */
async function step(name: string): Promise<void> {
  await db.query(readFileSync(new URL(`./migrations/${name}.sql`, import.meta.url), 'utf8'))
  await db.query('INSERT INTO migrations (name, run_on) VALUES ($1, now())', [name])
}

describe('the embedded database', () => {
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
    await begin()
    for (const name of ['1_tables', '2_removals', '3_polls', '4_alert_events_in_order']) {
      await step(name)
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
  it('is migrated from what an older program left: where runs and channels end, and what was late', async () => {
    const all = await pendingMigrations({ query: async () => ({ rows: [{ name: null }], changed: 0 }) })
    await begin()
    for (const name of all.slice(0, all.indexOf('12_many_channels'))) await step(name)
    await db.query("INSERT INTO runs (name) VALUES ('live'), ('other'), ('empty')")
    for (const [run, name] of [
      [1, '*'],
      [1, 'a'],
      [1, 'never'],
      [2, 'a'],
    ] as const)
      await db.query('INSERT INTO channels (run, key, name) VALUES ($1, $2, $3)', [run, keyOf(name), name])
    await db.query(
      `INSERT INTO series (channel, measure, first, next) VALUES
         (1, 'posts', 700, 1000), (2, 'posts', 600, 999), (2, 'casts', 650, 720), (3, 'posts', NULL, NULL), (4, 'posts', 5, 9)`,
    )
    await db.query(
      'INSERT INTO late (series, start, count) VALUES (1, -1, 4), (2, 180000000, 2), (3, 180000000, 2), (5, 0, 1)',
    )
    await migrate(db)
    const { items } = await createRuns({ read: db.query } as RunsOptions).list({ limit: 10 })
    const none = { alerts: 0, late: 0, lateBefore: 0 }
    expect(items.map(({ createdAt: _, ...run }) => run)).toEqual([
      { ...none, run: 'empty', channels: 0, firstAt: null, lastAt: null },
      { ...none, run: 'live', channels: 1, firstAt: 600 * BASE, lastAt: 1000 * BASE, late: 6, lateBefore: 4 },
      { ...none, run: 'other', channels: 1, firstAt: 5 * BASE, lastAt: 9 * BASE, late: 1 },
    ])
    expect((await createSeries(db.query).overview('live', 10)).items.map(({ channel }) => channel)).toEqual([
      ...['*', 'a', 'never'],
    ])
    const { rows } = await db.query('SELECT channel, first, last_72 FROM channel_spans ORDER BY channel')
    expect(rows).toEqual([
      { channel: 1, first: 700, last_72: 13 },
      { channel: 2, first: 600, last_72: 13 },
      { channel: 4, first: 5, last_72: 0 },
    ])
  })
})
