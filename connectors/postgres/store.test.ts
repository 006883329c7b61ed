import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { storeContract } from './contract.ts'
import { createDatabase } from './database.ts'
import { migrate } from './migrate.ts'
import { openPglite } from './pglite.ts'
import { openStore } from './store.ts'

const root = mkdtempSync(path.join(tmpdir(), 'fcm-store-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

storeContract('the store on the embedded database', async () => {
  const store = await openStore({ dir: path.join(root, 'contract') })
  return { store, close: () => store.close() }
})

/** Writes one bin after another to the store in argv[2], and says which are acknowledged. */
const WRITER = `
import { openStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)}
console.log('opening')
const store = await openStore({ dir: process.argv[2] })
for (let i = 0; ; i++) {
  const bins = [{ measure: 'casts', count: i % 3, covered: 1, masked: false }]
  await store.write('live', [{ key: 'a', record: { type: 'BinClosed', start: i * 300_000, seconds: 300, bins } }])
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

describe('the embedded database', () => {
  it('has every acknowledged row after kill -9, also when killed while it was being made', async () => {
    const dir = path.join(root, 'killed')
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
    for await (const row of store.exportCounts({ run: 'live', resolution: 300, fill: false }))
      rows.push(row.count)
    const hash = Buffer.alloc(20)
    const removed = { type: 'CastRemoved', hash, fid: 1, time: 0, clock: 'signed', verified: false } as const
    await store.write('gone', [{ key: 'a', record: { ...removed, target: hash } }])
    await store.deleteRun('gone')
    await store.close()
    expect(rows.length).toBeGreaterThanOrEqual(acknowledged + 1)
    expect(rows).toEqual(rows.map((_, i) => i % 3))

    const pglite = await openPglite(path.join(dir, 'postgres'))
    const db = createDatabase({ max: 1, stream: pglite.stream, user: 'postgres', database: 'postgres' })
    // When it was opened, the planner learned how many rows there are.
    const { rows: tables } = await db.query("SELECT reltuples FROM pg_class WHERE relname = 'counts'")
    expect(tables[0]!.reltuples).toBeGreaterThan(100)
    expect((await db.query('SELECT FROM removals')).rows).toEqual([])
    // As an older program left it: what came before its cast is kept, and stands where it belongs.
    await db.query('DROP TABLE removals')
    await db.query('ALTER TABLE casts ALTER COLUMN time DROP NOT NULL')
    await db.query("DELETE FROM migrations WHERE name = '2_removals'")
    await db.query("INSERT INTO casts (run, hash, channel, fid, removed) VALUES (1, '\\x07', 1, 7, true)")
    await migrate(db)
    const { rows: removals } = await db.query(
      'SELECT run, fid, (SELECT count(*) FROM casts) AS casts FROM removals',
    )
    expect(removals).toEqual([{ run: 1, fid: 7, casts: 0 }])
    // A newer program has been here.
    await db.query("INSERT INTO migrations (name, run_on) VALUES ('9_later', now())")
    // A query that fails, a transaction that is left: the next one is not touched by it.
    await expect(db.query('SELECT 1 / 0')).rejects.toThrow('division by zero')
    await expect(
      db.transaction(async (query) => {
        await query('CREATE TABLE left_over ()')
        throw new Error('left')
      }),
    ).rejects.toThrow('left')
    expect((await db.query("SELECT to_regclass('left_over') AS name")).rows).toEqual([{ name: null }])
    // A second connection takes the session over: the first is told, and replaced at its next use.
    const second = pglite.stream() as Duplex & { connect(): Duplex }
    second.on('error', () => {})
    await once(second.connect(), 'connect')
    const takenBack = async () => {
      await db.query('SELECT 1').catch(() => {})
      return second.destroyed
    }
    await expect.poll(takenBack).toBe(true)
    expect((await db.query('SELECT count(*) AS n FROM runs')).rows).toEqual([{ n: 1 }])
    await db.close()
    await pglite.close()
    await expect(openStore({ dir })).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringContaining('newer version of fcm (9_later)'),
    })
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
