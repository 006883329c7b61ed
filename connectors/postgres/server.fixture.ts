import { afterAll } from 'vitest'
import { type PostgresServer, postgresPrograms, startPostgres } from '../../infra/postgres/server.ts'

/**
 * `url`: of DATABASE_URL's server, or of a PostgreSQL that is installed here, started for the file of tests, which is `local`;
 * neither where there is none.
 */
export async function someServer(): Promise<{ url?: string; local?: PostgresServer }> {
  const { DATABASE_URL: given } = process.env
  if (given) return { url: given }
  const bin = postgresPrograms()
  if (!bin) {
    console.warn('skipped: neither DATABASE_URL nor a PostgreSQL server is here')
    return {}
  }
  const local = await startPostgres(bin)
  afterAll(async () => {
    await local.stop()
    local.remove()
  })
  return { url: local.url, local }
}
