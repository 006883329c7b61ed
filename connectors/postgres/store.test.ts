import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type Database } from './database/database.ts'
import { openPglite, type Pglite } from './database/pglite.ts'
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
  })

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
  const open = async () => {
    pglite = await openPglite(path.join(dir, 'postgres'))
    db = createDatabase({ max: 1, stream: pglite.stream, user: 'postgres', database: 'postgres' })
  }
  const close = async () => {
    await db.close()
    await pglite.close()
  }
  beforeAll(open)

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
          'late_totals',
          'channel_spans',
          'horizons',
          'channels',
        ],
      },
      ...{
        channel: ['gaps', 'coverage', 'polls', 'series', 'channel_spans'],
        series: ['counts', 'late', 'signals'],
      },
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

  it('learns, when it is opened, how many rows there are', async () => {
    await db.query(
      `INSERT INTO counts (series, bin, n, count, covered, masked, idle, month)
       SELECT 1000000, bin, 1, 1, 1, false, false, 0 FROM generate_series(1, 20000) bin`,
    )
    await close()
    await (await openStore({ dir })).close()
    await open()
    const { rows } = await db.query("SELECT reltuples FROM pg_class WHERE relname = 'counts'")
    expect(rows[0]!.reltuples).toBeGreaterThanOrEqual(20_000)
  })

  it('is not opened once a newer program has been here', async () => {
    await db.query("INSERT INTO migrations (name, run_on) VALUES ('9_later', now())")
    await close()
    await expect(openStore({ dir })).rejects.toMatchObject({
      code: 'TABLES_NEWER',
      message: expect.stringContaining('newer version of fcm (9_later)'),
    })
  })
})

describe('a server', () => {
  it('that does not answer is worth waiting for', async () => {
    await expect(openStore({ url: 'postgres://fcm@127.0.0.1:1/fcm' })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      retry: true,
    })
  })
})
