/** The users that the database of docker-compose.yml has: each can do what it has to, and no more. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase } from '../../../connectors/postgres/database/database.ts'
import { alert, all, cast, signal } from '../../../connectors/postgres/records.fixture.ts'
import { storeContract } from '../../../connectors/postgres/store.contract.ts'
import { openStore, type Store } from '../../../connectors/postgres/store.ts'
import { type PostgresServer, postgresPrograms, startPostgres } from '../../postgres/server.ts'

const SQL = fileURLToPath(new URL('users.sql', import.meta.url))
const bin = postgresPrograms()
if (!bin) console.warn('skipped: no PostgreSQL server is here')

const PASSWORDS = {
  FCM_OWNER_PASSWORD: 'of the owner',
  FCM_WRITER_PASSWORD: "of the 'writer'",
  FCM_READER_PASSWORD: 'of the reader',
  REGISTRY_PASSWORD: 'of the registry',
}

describe.skipIf(!bin).each(['new', 'of one user before'])('a database that is %s', (kind) => {
  let server: PostgresServer
  const as = (user: string, database = 'postgres'): string => {
    const url = new URL(server.url)
    Object.assign(url, { username: user, pathname: database })
    return url.href
  }
  const makeUsers = () =>
    execFileSync('psql', ['-q', '-X', '-v', 'ON_ERROR_STOP=1', '-f', SQL, server.url], {
      env: { PATH: process.env.PATH, ...PASSWORDS },
    })

  beforeAll(async () => {
    server = await startPostgres(bin!)
    if (kind === 'new') makeUsers()
    else {
      const before = await openStore({ url: server.url })
      await before.ingest.write('live', [cast('before', 7, 'gm'), signal('before', 1)])
      await before.close()
    }
    // A second time changes nothing.
    makeUsers()
    await (await openStore({ url: as('fcm_owner') })).close()
  })
  afterAll(async () => {
    await server?.stop()
    server?.remove()
  })

  if (kind === 'new')
    storeContract('the writer does all that a store does', async (now) => {
      const store = await openStore({ url: as('fcm_writer'), asTheyAre: true, now })
      return { store, close: () => store.close() }
    })

  describe('with what the writer has written', () => {
    let writer: Store
    let reader: Store
    beforeAll(async () => {
      writer = await openStore({ url: as('fcm_writer'), asTheyAre: true })
      await writer.ingest.write('live', [cast('x', 1, 'gm'), signal('x', 1), alert('x', 1, 1)])
      reader = await openStore({ url: as('fcm_reader'), asTheyAre: true })
    })
    afterAll(() => Promise.all([writer?.close(), reader?.close()]))

    test('the reader reads', async () => {
      await reader.ping()
      expect((await reader.casts.list('live', 'x', {}, { limit: 5 })).items).toHaveLength(1)
      expect(await all(reader.series.exportSignals({ run: 'live', channel: 'x' }))).toHaveLength(1)
      expect(await reader.runs.has('live')).toBe(true)
      if (kind !== 'new')
        expect((await reader.casts.list('live', 'before', {}, { limit: 5 })).items).toHaveLength(1)
    })

    test('the reader writes, and deletes, nothing, and is told in words', async () => {
      const refused = {
        code: 'OPTION_INVALID',
        message: expect.stringMatching(/DATABASE_URL: permission denied/),
      }
      await expect(reader.ingest.write('live', [cast('x', 2, 'gm')])).rejects.toMatchObject(refused)
      await expect(reader.runs.delete('live')).rejects.toMatchObject(refused)
      const db = createDatabase({ connectionString: as('fcm_reader') })
      try {
        for (const sql of [
          'DELETE FROM casts',
          'SELECT drop_months(99999)',
          'CREATE TABLE mine (a int)',
          'CREATE TEMP TABLE mine (a int)',
        ])
          await expect(db.query(sql)).rejects.toMatchObject(refused)
      } finally {
        await db.close()
      }
      expect((await reader.casts.list('live', 'x', {}, { limit: 5 })).items).toHaveLength(1)
    })

    test('the writer makes, changes and drops no table', async () => {
      const db = createDatabase({ connectionString: as('fcm_writer') })
      try {
        for (const sql of [
          'CREATE TABLE mine (a int)',
          'DROP TABLE casts',
          'ALTER TABLE runs ADD a int',
          'TRUNCATE runs',
        ])
          await expect(db.query(sql)).rejects.toThrow(/permission denied|must be owner/)
      } finally {
        await db.close()
      }
    })

    test('the registry has its own database, and no way into this one', async () => {
      const own = createDatabase({ connectionString: as('registry', 'registry') })
      await own.query('CREATE TABLE artifacts (a int)')
      await own.close()
      for (const [user, database] of [
        ['registry', 'postgres'],
        ['fcm_owner', 'registry'],
        ['fcm_reader', 'registry'],
      ] as const) {
        const db = createDatabase({ connectionString: as(user, database) })
        await expect(db.query('SELECT 1')).rejects.toThrow(/permission denied for database/)
        await db.close()
      }
    })
  })
})
