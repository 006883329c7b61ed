/** Nothing but `fcm migrate`, and `fcm start` on a data directory of its own, touches the tables of a database server. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createDatabase, type Database } from '../connectors/postgres/database/database.ts'
import { type PostgresServer, postgresPrograms, startPostgres } from '../infra/postgres/server.ts'
import { fcm, spawnFcm, temporaryDir } from './testing.ts'

const programs = postgresPrograms()

describe.skipIf(!programs)('tables of a server', () => {
  const { dir, remove } = temporaryDir()
  let postgres: PostgresServer
  let db: Database
  let env: Record<string, string>
  const command = (...args: string[]) => fcm([...args, '--data-dir', dir], env)
  const tables = async () =>
    (
      await db.query("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    ).rows.map(({ name }) => name)
  const COMMANDS = [
    ['lag'],
    ['runs', 'list'],
    ['export', 'alerts'],
    ['gaps'],
    ['backfill', 'x.ndjson', '--run', 'x'],
  ]

  beforeAll(async () => {
    postgres = await startPostgres(programs!)
    env = { DATABASE_URL: postgres.url }
    db = createDatabase({ connectionString: postgres.url, max: 1 })
    // A data directory, so that commands have something to ask about.
    expect(await fcm(['migrate', '--data-dir', dir], {})).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    await db.close()
    await postgres.stop()
    postgres.remove()
    remove()
  })

  test('that nobody has made are not made by the way', async () => {
    for (const args of COMMANDS) {
      const { code, stderr } = await command(...args)
      expect(stderr).toMatch(/The database lacks any tables: .* `fcm migrate` does/)
      expect(code).toBe(3)
    }
    // Roles wait for it.
    const waiting = spawnFcm(['run', 'store', '--data-dir', dir], env)
    onTestFinished(() => void waiting.kill('SIGKILL'))
    await waiting.warns('The database lacks any tables')
    waiting.kill('SIGTERM')
    await waiting.ended
    expect(await tables()).toEqual([])
  })

  test('are made by `fcm migrate`; older and newer ones are told of, and left as they are', async () => {
    expect(await command('migrate')).toMatchObject({ code: 0 })
    expect(await command('lag')).toMatchObject({ code: expect.not.stringContaining('3'), stderr: '' })
    const last = (await db.query('SELECT name FROM migrations ORDER BY id DESC LIMIT 1')).rows[0]!.name
    await db.query('DELETE FROM migrations WHERE name = $1', [last])
    const older = await command('lag')
    expect(older).toMatchObject({ code: 3, stderr: expect.stringContaining(`The database lacks ${last}:`) })
    await db.query("INSERT INTO migrations (name, run_on) VALUES ($1, now()), ('9999_later', now())", [last])
    const newer = expect.stringContaining('made by a newer version of fcm (9999_later)')
    expect(await command('lag')).toMatchObject({ code: 3, stderr: newer })
    expect(await command('migrate')).toMatchObject({ code: 3, stderr: newer })
    await db.query("DELETE FROM migrations WHERE name = '9999_later'")
  })
})

test.skipIf(programs)('needs PostgreSQL, which is not here', () => {})
