/** A pool of connections, transactions, and which failures may pass by themselves. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { FcmError } from '../../../common/errors.ts'
import { clean } from '../../../common/text.ts'

export type Row = Record<string, unknown>
export type Result = { rows: Row[]; changed: number }
/**
 * `withinMs`: what isn't answered by then is given up. Else a server that vanishes without a word is waited for until TCP gives
 * up, a quarter of an hour.
 */
export type Query = (sql: string, values?: unknown[], withinMs?: number) => Promise<Result>

export interface Database {
  query: Query
  /**
   * Commits when `work` resolves, rolls back when it throws. Statements that are begun without waiting for each other go to
   * the server together, and are carried out in that order: each way there and back costs a turn of a busy event loop.
   * `withinMs`: of each statement.
   */
  transaction<T>(work: (query: Query) => Promise<T>, withinMs?: number): Promise<T>
  /** A connection of one's own, for what `pg` clients are handed to. */
  withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A connection that nothing was heard of for so long is asked, some ten times, whether it is there. */
const KEEP_ALIVE_MS = 10_000
/** A server that is away answers neither this, nor that we go. */
const ROLLBACK_MS = 2000
const CLOSE_MS = 5000
/** A server that hasn't given up a statement by so long after it should have is away. */
const ANSWER_MS = 5000
/** SQLSTATE of a statement that was given up. */
const CANCELLED = '57014'

const INT8 = 20
/** bigint columns hold counts and ms, all below 2^53. */
const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

/**
 * `readWithinMs`: nothing is written through it, and the server gives up a statement that takes so long. `leftAfterMs`: the
 * server ends a session that has left a transaction open for so long, as that of a process that was stopped for good, for
 * whose locks all others would wait; and one whose process is gone, while it waits for a lock.
 * @throws FcmError DATABASE_UNREACHABLE from every call, when waiting may help; ANSWER_TOO_SLOW
 */
export function createDatabase(
  config: pg.PoolConfig,
  { readWithinMs, leftAfterMs }: { readWithinMs?: number; leftAfterMs?: number } = {},
): Database {
  const settings = [
    readWithinMs && `SET statement_timeout = ${readWithinMs}; SET default_transaction_read_only = on`,
    leftAfterMs &&
      `SET idle_in_transaction_session_timeout = ${leftAfterMs}; SET client_connection_check_interval = ${leftAfterMs}`,
  ].filter(Boolean)
  const pool = new pg.Pool({
    ...config,
    ...{ types, pipeline: true, connectionTimeoutMillis: 10_000 },
    ...{ keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_MS },
  })
  // A connection that breaks while nothing is asked of it is replaced at the next use, or fails the next statement;
  // without listeners it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
    // Ahead of whatever it is asked first. A connection on which this fails fails at that, too.
    if (settings.length > 0) client.query(settings.join('; ')).catch(() => {})
  })

  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | undefined
    try {
      client = await pool.connect()
      const result = await work(client)
      client.release()
      return result
    } catch (error) {
      // After a failure the connection may be broken or inside a transaction: it isn't used again.
      client?.release(true)
      if (readWithinMs !== undefined && codeOf(error) === CANCELLED) {
        throw new FcmError('ANSWER_TOO_SLOW', { seconds: readWithinMs / 1000 }, error)
      }
      throw explained(error)
    }
  }

  const queryOn =
    (client: pg.PoolClient): Query =>
    async (text, values, withinMs = readWithinMs && readWithinMs + ANSWER_MS) => {
      const statement = { text, ...(values && { values }), ...(withinMs && { query_timeout: withinMs }) }
      const { rows, rowCount } = await client.query(statement)
      return { rows, changed: rowCount ?? 0 }
    }

  return {
    withClient,
    query: (...statement) => withClient((client) => queryOn(client)(...statement)),
    transaction: (work, withinMs) =>
      withClient(async (client) => {
        const query: Query = (sql, values) => queryOn(client)(sql, values, withinMs)
        const begun = query('BEGIN')
        try {
          const [result] = await Promise.all([work(query), begun])
          await query('COMMIT')
          return result
        } catch (error) {
          // The server rolls back by itself when the connection is gone.
          await queryOn(client)('ROLLBACK', [], ROLLBACK_MS).catch(() => {})
          throw error
        }
      }),
    close: () => Promise.race([pool.end(), sleep(CLOSE_MS, undefined, { ref: false })]),
  }
}

/**
 * SQLSTATE classes and codes of a server that is away, starting, stopping, standing by, or out of disk, memory or connections;
 * of a lock that others hold for too long, and of a session that had left a transaction open.
 */
const MAY_PASS = /^(08...|53...|55P03|57014|57P0[123]|58030|25006|25P03)$/
const NO_CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
])
/** `pg` gives these failures no code. */
const LOST =
  /^(Connection terminated|Query read timeout|timeout e|Client has encountered a connection error|Client was closed)/

export const codeOf = (error: unknown): string | undefined => (error as { code?: string }).code

function explained(error: unknown): unknown {
  if (error instanceof FcmError || !(error instanceof Error)) return error
  const code = codeOf(error) ?? ''
  const first = error instanceof AggregateError ? error.errors[0] : error
  if (MAY_PASS.test(code) || NO_CONNECTION.has(code) || LOST.test(error.message)) {
    return new FcmError('DATABASE_UNREACHABLE', { why: first.message || code }, error)
  }
  // A password, a name, a right: waiting doesn't help. 28: not authorised; 3D000: no such database; 42501: not allowed.
  if (code === '42501') {
    const hint = 'Its user may not do that; docs/deployment.md says who may'
    return new FcmError('OPTION_INVALID', { option: 'DATABASE_URL', why: error.message, hint }, error)
  }
  if (/^28|^3D000$/.test(code) || code === 'ERR_INVALID_URL') {
    return new FcmError(
      'OPTION_INVALID',
      {
        option: 'DATABASE_URL',
        why: error.message,
        hint: 'It has the form postgres://user:password@host/database',
      },
      error,
    )
  }
  return error
}

type Scalar = number | string | boolean | null | Uint8Array

/** PostgreSQL's literal of an array, built here because it is the hot path of every write. */
export function arrayLiteral(values: readonly Scalar[]): string {
  let out = '{'
  for (let i = 0; i < values.length; i++) {
    if (i > 0) out += ','
    const value = values[i]!
    if (value === null) out += 'NULL'
    else if (typeof value === 'string') out += `"${clean(value).replace(/["\\]/g, '\\$&')}"`
    else if (typeof value === 'object') out += `"\\\\x${Buffer.from(value).toString('hex')}"`
    else out += value
  }
  return `${out}}`
}

/** A table made of columns: `unnest($1::int[], ...)`, its parameters, from rows that are tuples in the order of `columns`. */
export function unnest(columns: readonly string[], rows: readonly (readonly Scalar[])[]) {
  const casts = columns.map((type, i) => `$${i + 1}::${type}[]`)
  return {
    from: `unnest(${casts.join(', ')})`,
    values: columns.map((_, i) => arrayLiteral(rows.map((row) => row[i]!))),
  }
}
