/** A PostgreSQL server of one's own, from what Debian installs: on loopback, for tests, and nothing of it lasts. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../loopback.ts'

export type PostgresServer = {
  url: string
  start(): Promise<void>
  /** At once, as when its machine dies; what was committed is there after `start`. */
  stop(): Promise<void>
  remove(): void
}

const START_MS = 30_000

/** The programs of the newest server that is installed; undefined: there is none. */
export function postgresPrograms(): string | undefined {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(base, version, 'bin')).find((dir) => existsSync(join(dir, 'initdb')))
}

/** Makes a server with the programs in `bin`, and starts it. */
export async function startPostgres(bin: string): Promise<PostgresServer> {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-postgres-'))
  const data = join(dir, 'data')
  // The server refuses to run as root.
  const isRoot = process.getuid?.() === 0
  const as = (program: string, args: string[]): [string, string[]] =>
    isRoot ? ['runuser', ['-u', 'postgres', '--', join(bin, program), ...args]] : [join(bin, program), args]
  if (isRoot) {
    chmodSync(dir, 0o755)
    execFileSync('chown', ['postgres', dir])
  }
  const init = ['-D', data, '-U', 'fcm', '-A', 'trust', '-E', 'UTF8', '--no-sync']
  execFileSync(...as('initdb', init), { stdio: 'ignore' })
  const port = await freePort()
  const url = `postgres://fcm@127.0.0.1:${port}/postgres`
  const settings = ['-h', '127.0.0.1', '-p', String(port), '-k', '', '-F']
  let server: ReturnType<typeof spawn> | undefined

  async function start(): Promise<void> {
    server = spawn(...as('postgres', ['-D', data, ...settings]), { stdio: 'ignore' })
    for (const deadline = Date.now() + START_MS; ; ) {
      const client = new pg.Client({ connectionString: url })
      try {
        await client.connect()
        return
      } catch (error) {
        if (Date.now() > deadline) throw error
        await sleep(50)
      } finally {
        await client.end().catch(() => {})
      }
    }
  }

  await start()
  return {
    url,
    start,
    async stop() {
      const ended = once(server!, 'exit')
      execFileSync(...as('pg_ctl', ['stop', '-D', data, '-m', 'immediate']), { stdio: 'ignore' })
      await ended
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
