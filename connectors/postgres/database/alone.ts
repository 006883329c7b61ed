import { FcmError } from '../../../common/errors.ts'
import type { Database } from './database.ts'

/** Advisory locks are numbers; this one is for what has a name. */
const LOCK = 'hashtextextended($1, 0)'
/**
 * The connection is idle while it has the lock. A server that asks so often whether anybody is there lets go within 90 s of
 * one who has vanished without a word.
 */
const WATCHFUL =
  'SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3'
const UNLOCK_MS = 2000

/**
 * Runs `work` while no other process on this database runs anything under this name; throws `taken` if one does. The signal
 * is aborted when the connection is lost, and with it the right: another process may begin then. What `work` comes to stands,
 * whatever has become of the connection.
 * @throws FcmError DATABASE_UNREACHABLE, which may pass, before `work` has begun
 */
export async function alone<T>(
  db: Database,
  name: string,
  taken: FcmError,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  let worked: Promise<T> | undefined
  const locked = db.withClient(async (client) => {
    await client.query(WATCHFUL)
    const { rows } = await client.query(`SELECT pg_try_advisory_lock(${LOCK}) AS is_ours`, [name])
    if (!rows[0].is_ours) throw taken
    const lost = new AbortController()
    const onEnd = () => lost.abort(new FcmError('DATABASE_UNREACHABLE', { why: 'the connection was lost' }))
    client.once('end', onEnd)
    try {
      worked = work(lost.signal)
      await worked.catch(() => {})
      const unlock = { text: `SELECT pg_advisory_unlock(${LOCK})`, values: [name], query_timeout: UNLOCK_MS }
      await client.query(unlock)
    } finally {
      client.off('end', onEnd)
    }
  })
  // A connection that fails at the end is closed, and the lock with it.
  await locked.catch((error) => {
    if (!worked) throw error
  })
  return worked!
}
