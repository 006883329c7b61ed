/** What may go wrong with a server, told apart by whether it may pass, and put into words. */
import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { oneLine } from '../../../../common/text.ts'

/**
 * The server answered with an HTTP error, or a redirect. `retryAfter`: seconds, or 0 where it told none; `leadsTo`: the URL
 * of a redirect, or empty.
 */
export class HttpRefusal extends Error {
  override name = 'HttpRefusal'
  readonly status: number
  readonly retryAfter: number
  readonly leadsTo: string

  constructor(status: number, retryAfter: number, leadsTo = '') {
    super(`the server refused: HTTP status ${status}`)
    this.status = status
    this.retryAfter = retryAfter
    this.leadsTo = leadsTo
  }
}

/** Nobody answered, or not to the end. `words`: the last that the server said. */
export class Unanswered extends Error {
  override name = 'Unanswered'
  readonly words: string

  constructor(message: string, words = '') {
    super(message)
    this.words = words
  }
}

const isMalformed = (error: unknown): boolean => error instanceof Error && /^\$?ZodError$/.test(error.name)
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
export const isTimeout = (error: unknown): boolean =>
  error instanceof McpError &&
  typeof error.data === 'object' &&
  error.data !== null &&
  'timeout' in error.data

/**
 * What `fetch` throws when nobody answers is a TypeError; so is what `spawn` throws for a command that none can have the
 * name of. That, and a certificate that can't be trusted, doesn't pass by itself.
 */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof Unanswered ||
  (error instanceof TypeError &&
    !codeOf(error).startsWith('ERR_INVALID') &&
    !/CERT|SELF_SIGNED|ERR_(TLS|SSL)/.test(codeOf(error.cause)))

export function mayPass(error: unknown): boolean {
  if (error instanceof HttpRefusal) return error.status >= 500 || error.status === 408 || error.status === 429
  return isTimeout(error) || isUnanswered(error)
}

/**
 * In at most 200 characters. `verbatim`: with what the server said, for who starts it; elsewhere that is left out, since
 * it may repeat what strangers wrote.
 */
export function reason(error: unknown, verbatim = false): string {
  if (!(error instanceof Error)) return 'it failed without a reason'
  if (isMalformed(error)) return 'it answered with something that is not MCP'
  // Its message quotes what was to be read.
  if (error instanceof SyntaxError) return 'it answered with something that is not JSON'
  if (isTimeout(error)) return 'no answer in time'
  if (error instanceof McpError && !verbatim) return `it refused: MCP error ${error.code}`
  if (verbatim && error instanceof HttpRefusal && error.leadsTo !== '')
    return oneLine(
      `it has moved to ${error.leadsTo} (HTTP status ${error.status}), and redirects are not followed`,
      200,
    )
  const words = verbatim && error instanceof Unanswered && error.words
  if (words) return oneLine(`${error.message}; its last words: ${words}`, 200)
  const cause = error.cause instanceof Error ? `: ${error.cause.message || codeOf(error.cause)}` : ''
  return oneLine(error.message + cause, 200)
}
