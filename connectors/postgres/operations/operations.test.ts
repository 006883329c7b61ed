import { afterAll, expect, it } from 'vitest'
import { HOUR } from '../../../common/time.ts'
import { NETWORK } from '../../../schemas/records.ts'
import { keyOf } from '../database/channel-name.ts'
import { type Query, unnest } from '../database/database.ts'
import { openMade } from '../database/made-database.fixture.ts'
import { forgetPolls } from './insert-operations.ts'
import { createOperations } from './operations.ts'

const { db, close } = await openMade()
afterAll(close)

it('what is asked about polling reads a small part of its history', async () => {
  const [CHANNELS, HOURS] = [40, 300]
  // Of one size: PostgreSQL takes every run for one of mean size.
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

type Plan = { Plans?: Plan[] } & Record<string, unknown>

function rowsRead(plan: Plan): number {
  const each = ['Actual Rows', 'Rows Removed by Filter', 'Rows Removed by Join Filter']
  const own = each.reduce((sum, of) => sum + ((plan[of] as number | undefined) ?? 0), 0)
  const below = (plan.Plans ?? []).reduce((sum, part) => sum + rowsRead(part), 0)
  return own * (plan['Actual Loops'] as number) + below
}
