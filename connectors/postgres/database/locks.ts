/** Locks between processes: one connection for all that a process holds. */
import { FcmError } from '../../../common/errors.ts'
import type { Database } from './database.ts'

/**
 * Runs `work` while no other process on the same database runs anything under this name; throws `taken` if one does. The
 * signal is aborted when that can't be said any more. What `work` comes to stands.
 * @throws FcmError DATABASE_UNREACHABLE, which may pass, before `work` has begun
 */
export type Alone = <T>(
  name: string,
  taken: FcmError,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<T>

/** Advisory locks are numbers; this one is for what has a name. */
const LOCK = 'hashtextextended($1, 0)'
/**
 * The connection is idle while it has locks. A server that asks so often whether anybody is there lets go within 90 s of
 * one who has vanished without a word.
 */
const WATCHFUL =
  'SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3'
const LOCK_MS = 10_000
const UNLOCK_MS = 2000

/** `lost` is aborted when the connection is, and with it every lock: another process may have them then. */
type Session = {
  lock(name: string): Promise<boolean>
  unlock(name: string): Promise<void>
  lost: AbortSignal
  end(): void
}

/** `db` has one connection, which is taken while anything is held. */
export function createLocks(db: Database): Alone {
  /** What this process holds or is asking for: for the server, one session may lock a thing twice. */
  const held = new Set<string>()
  let session: Promise<Session> | undefined

  function opened(): Promise<Session> {
    const opening = openSession(db)
    const forget = () => {
      if (session === opening) session = undefined
    }
    opening.then(({ lost }) => lost.addEventListener('abort', forget), forget)
    return opening
  }

  return async (name, taken, work) => {
    if (held.has(name)) throw taken
    held.add(name)
    session ??= opened()
    const mine = session
    try {
      const { lock, unlock, lost } = await mine
      if (!(await lock(name))) throw taken
      try {
        return await work(lost)
      } finally {
        // A session that can't even let go is closed, and the lock with it.
        if (!lost.aborted) await unlock(name)
      }
    } finally {
      held.delete(name)
      if (held.size === 0 && session === mine) {
        session = undefined
        void mine.then(
          ({ end }) => end(),
          () => {},
        )
      }
    }
  }
}

function openSession(db: Database): Promise<Session> {
  return new Promise((resolve, reject) => {
    db.withClient(async (client) => {
      await client.query(WATCHFUL)
      const lost = new AbortController()
      const over = Promise.withResolvers<void>()
      const lose = (error: FcmError) => {
        lost.abort(error)
        over.reject(error)
      }
      const onEnd = () => lose(new FcmError('DATABASE_UNREACHABLE', { why: 'the connection was lost' }))
      client.once('end', onEnd)
      const ask = async (text: string, name: string, withinMs: number) => {
        const question = { text, values: [name], query_timeout: withinMs }
        return (await client.query(question)).rows[0]
      }
      resolve({
        lost: lost.signal,
        end: over.resolve,
        lock: async (name) =>
          (await ask(`SELECT pg_try_advisory_lock(${LOCK}) AS is_ours`, name, LOCK_MS)).is_ours,
        unlock: (name) =>
          ask(`SELECT pg_advisory_unlock(${LOCK})`, name, UNLOCK_MS).then(
            () => {},
            () => onEnd(),
          ),
      })
      await over.promise.finally(() => client.off('end', onEnd))
    }).catch(reject)
  })
}
