import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createApi } from '../api/app.ts'
import type { Scope } from '../api/auth/principal.ts'
import type { Server } from '../api/server.ts'
import { FcmError } from '../common/errors.ts'
import { adminOf } from './admin.ts'
import type { Config } from './config.ts'
import type { Engines } from './engines.ts'
import { removeOwner, writeOwner } from './owner.ts'
import { noticeOf } from './sources/origin.ts'
import { VERSION } from './version.ts'

/** How long requests under way may take to end when all else has. */
const CLOSE_MS = 1000

export type Served = { url: string; close(): Promise<void> }

/** The address that it listens on from now on. Where it can't, it is closed, and what `refused` makes of it is thrown. */
export async function listen(
  app: Server,
  host: string,
  port: number,
  refused: (isTaken: boolean, why: string, error: unknown) => FcmError,
): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    const { code, message } = error as NodeJS.ErrnoException
    throw refused(code === 'EADDRINUSE', message, error)
  }
  const bound = (app.server.address() as AddressInfo).port
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
}

/** What is listened on, and who may ask. */
export const accessOf = ({ host, allowedHosts, trustedProxies, anyone }: Config) => ({
  host,
  allowedHosts: listOf(allowedHosts),
  trustedProxies: listOf(trustedProxies),
  anyone: listOf(anyone) as Scope[],
})
const listOf = (text: string | undefined): string[] => text?.split(',') ?? []

/** The API over an engines, not listening yet, and the token that its admin routes ask for. */
export async function apiOf(engines: Engines) {
  const token = randomBytes(24).toString('hex')
  const app = await createApi({
    notice: () => noticeOf(engines.log),
    store: engines.store,
    log: engines.log,
    metrics: engines.metrics,
    logger: engines.logger,
    ...accessOf(engines.config),
    version: VERSION,
    alertsPerDay: engines.config.alertsPerDay,
    admin: adminOf(engines, token),
    failures: () => engines.failures,
  })
  return { app, token }
}

/**
 * Serves API and dashboard, and lets other commands find this process.
 * @throws FcmError PORT_IN_USE, LISTEN_FAILED
 */
export async function serve(engines: Engines): Promise<Served> {
  const { host, port } = engines.config
  const { app, token } = await apiOf(engines)
  const url = await listen(app, host, port, (isTaken, why, error) =>
    isTaken
      ? new FcmError('PORT_IN_USE', { host, port }, error)
      : new FcmError('LISTEN_FAILED', { host, port, why }, error),
  )
  // On Kafka, commands ask the engines themselves.
  const isOwner = engines.config.kafkaBrokers === undefined
  if (isOwner)
    await writeOwner(engines.dir, { pid: process.pid, url, token }).catch(async (error) => {
      // Else it would go on listening, and the process never end.
      await app.close()
      throw error
    })
  return {
    url,
    close: async () => {
      if (isOwner) await removeOwner(engines.dir)
      // A connection that was opened in advance, as browsers do, is not idle for Node: it would be waited for, over a minute.
      const timer = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS)
      await app.close()
      clearTimeout(timer)
    },
  }
}
