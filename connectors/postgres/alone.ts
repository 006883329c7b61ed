import { FcmError } from '../../common/errors.ts'
import type { Database } from './database.ts'

/** Advisory locks are numbers; this one is for what has a name. */
const LOCK = 'hashtextextended($1, 0)'

/**
 * Runs `work` while no other process that uses this server runs anything under this name; throws `taken` if one does. The signal is aborted when the
 * connection is lost, and with it the right: another process may begin then.
 * @throws FcmError DATABASE_UNREACHABLE, which may pass
 */
export async function alone<T>(
  db: Database,
  name: string,
  taken: FcmError,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return db.withClient(async (client) => {
    const { rows } = await client.query(`SELECT pg_try_advisory_lock(${LOCK}) AS is_ours`, [name])
    if (!rows[0].is_ours) throw taken
    const lost = new AbortController()
    const onEnd = () => lost.abort(new FcmError('DATABASE_UNREACHABLE', { why: 'the connection was lost' }))
    client.once('end', onEnd)
    try {
      const result = await work(lost.signal)
      lost.signal.throwIfAborted()
      await client.query(`SELECT pg_advisory_unlock(${LOCK})`, [name])
      return result
    } finally {
      client.off('end', onEnd)
    }
  })
}
