/** What is asked every second of a run in which strangers have named many channels, most of which have long been silent. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BASE } from '../../../common/time.ts'
import { createDatabase, type Database } from '../database/database.ts'
import { all, type Input, signal, T } from '../records.fixture.ts'
import { someServer } from '../server.fixture.ts'
import { openStore, type Store } from '../store.ts'
import type { ChannelState } from './series.ts'

const { url } = await someServer()
const MANY = 20_000
/** Those that speak. */
const FEW = 50
const RUN = 'many-channels'
/** Base bins: now, and the first one. */
const [END, FIRST] = [T / BASE + 100_000, T / BASE]
/** Of those that speak: each table is read a few times, with five series a channel at most. */
const MOST_ROWS = 30 * FEW

describe.skipIf(!url)('with a server', () => {
  let [db, id]: [Database?, number?] = []
  beforeAll(async () => {
    await (await openStore({ url: url! })).close()
    db = createDatabase({ connectionString: url!, max: 1 })
    const { rows } = await db.query('INSERT INTO runs (name) VALUES ($1) RETURNING id', [RUN])
    id = rows[0]!.id as number
    await db.query(
      `INSERT INTO channels (run, key, name)
       SELECT $1, sha256(('channel ' || i)::bytea), 'channel ' || i FROM generate_series(1, $2::int) i`,
      [id, MANY],
    )
    await db.query(
      `INSERT INTO series (channel, measure, first, last_event, total, next, idle)
       SELECT c.id, m, $2, n.next - 1, 9, n.next, true FROM channels c CROSS JOIN LATERAL (
         SELECT CASE WHEN c.id % ${MANY / FEW} = 0 THEN $3::int ELSE $2 + c.id % 90000 END AS next
       ) n, unnest('{posts,replies,casts}'::text[]) m WHERE c.run = $1`,
      [id, FIRST, END],
    )
    await db.query(
      `INSERT INTO latest_signals
       SELECT s.id, 300, (s.next - 1) * ${BASE}::bigint, 1, 1, 0.5, (s.id % 97) / 97.0, 'quiet'
       FROM series s JOIN channels c ON c.id = s.channel WHERE c.run = $1`,
      [id],
    )
    await db.query(
      `INSERT INTO late SELECT s.id, 0, 1 FROM series s JOIN channels c ON c.id = s.channel WHERE c.run = $1`,
      [id],
    )
    await db.query('VACUUM (ANALYZE)')
  }, 120_000)
  afterAll(async () => {
    const store = url && (await openStore({ url }))
    if (store) await store.runs.delete(RUN).finally(store.close)
    await db?.close()
  })

  type Rows = { read: number; endToEnd: number; inPlace: number; elsewhere: number }
  /** What the server has read and written since it was started, of tables of a row or more a channel. */
  async function rows(): Promise<Rows> {
    const tables = "('channels', 'channel_spans', 'series', 'latest_signals', 'late')"
    // The server counts what a connection has done when that ends.
    const busy = "SELECT FROM pg_stat_activity WHERE application_name LIKE 'fcm %'"
    await expect.poll(async () => (await db!.query(busy)).rows.length).toBe(0)
    const { rows } = await db!.query(
      `SELECT sum(seq_tup_read + idx_tup_fetch)::float8 AS read, sum(seq_tup_read)::float8 AS "endToEnd",
         sum(n_tup_hot_upd)::float8 AS "inPlace", sum(n_tup_upd - n_tup_hot_upd)::float8 AS elsewhere
       FROM pg_stat_user_tables WHERE relname IN ${tables}`,
    )
    return rows[0] as Rows
  }

  /** What `work` comes to, and what it did to those rows. */
  async function counted<R>(work: (store: Store) => Promise<R>): Promise<[R, Rows]> {
    const before = await rows()
    const store = await openStore({ url: url! })
    const result = await work(store).finally(store.close)
    const after = await rows()
    const since = Object.entries(after).map(([name, n]) => [name, n - before[name as keyof Rows]])
    return [result, Object.fromEntries(since)]
  }

  it.each([
    ['where the run ends', (store: Store) => store.series.now(RUN), END * BASE],
    ['the overview', async (store: Store) => (await store.series.overview(RUN, 50)).items.length, 50],
    [
      'one of more than speak',
      async (store: Store) => (await store.series.overview(RUN, 100)).items.length,
      100,
    ],
    [
      'a page of counts',
      async (store: Store) => {
        const span = { from: (END - 10) * BASE }
        const filter = { run: RUN, series: 'casts:channel 7', resolution: 300, fill: true, ...span }
        return (await all(store.series.exportCounts(filter))).length
      },
      10,
    ],
  ])('%s is told by what there is to tell', async (_, ask, answer) => {
    const [told, { read, endToEnd }] = await counted(ask)
    expect(told).toBe(answer)
    expect(endToEnd).toBe(0)
    expect(read).toBeLessThan(MOST_ROWS)
  })

  it('runs are told without their series, signals and late casts', async () => {
    const [{ items }, { read }] = await counted((store) => store.runs.list({ limit: 100 }))
    expect(items.find(({ run }) => run === RUN)).toMatchObject({
      ...{ channels: MANY, firstAt: FIRST * BASE, lastAt: END * BASE, late: 2 * MANY, lateBefore: 0 },
    })
    // The channels are counted, by their index.
    expect(read).toBeLessThanOrEqual(MANY + FEW)
  })

  it('bins and signals are written in place', async () => {
    const [, { inPlace, elsewhere }] = await counted(async (store) => {
      const { items } = await store.series.overview(RUN, 10)
      const next = ({ channel: key }: ChannelState, i: number): Input[] => [
        {
          key,
          record: {
            ...{ type: 'BinClosed', start: (END + i) * BASE, seconds: 300 },
            bins: [{ measure: 'casts', count: 1, covered: 1, masked: false }],
          },
        },
        signal(key, END + i - FIRST),
      ]
      for (let i = 0; i < 100; i++)
        await store.ingest.write(
          RUN,
          items.flatMap((item) => next(item, i)),
        )
    })
    expect(inPlace + elsewhere).toBeGreaterThanOrEqual(2000)
    // Once or twice in 100 bins another six hours begin.
    expect(elsewhere).toBeLessThan(50)
  })
})
