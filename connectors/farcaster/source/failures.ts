/** What may go wrong with a server, told apart by whether it may pass, and put into words. */
import { stripVTControlCharacters } from 'node:util'
import { McpError } from '@modelcontextprotocol/sdk/types.js'

/** The server answered with an HTTP error. `retryAfter`: seconds, or 0 where it told none. */
export class HttpRefusal extends Error {
  override name = 'HttpRefusal'
  readonly status: number
  readonly retryAfter: number

  constructor(status: number, retryAfter: number) {
    super(`HTTP status ${status}`)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** Nobody answered, or not to the end. */
export class Unanswered extends Error {
  override name = 'Unanswered'
}

const isMalformed = (error: unknown): boolean => error instanceof Error && /^\$?ZodError$/.test(error.name)
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
const isTimeout = (error: unknown): boolean =>
  error instanceof McpError &&
  typeof error.data === 'object' &&
  error.data !== null &&
  'timeout' in error.data

/** What `fetch` throws when nobody answers is a TypeError. A certificate that can't be trusted doesn't pass by itself. */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof Unanswered ||
  (error instanceof TypeError && !/CERT|SELF_SIGNED|ERR_(TLS|SSL)/.test(codeOf(error.cause)))

export function mayPass(error: unknown): boolean {
  if (error instanceof HttpRefusal) return error.status >= 500 || error.status === 408 || error.status === 429
  return isTimeout(error) || isUnanswered(error)
}

/** In one printable line of at most 200 characters. */
export function printable(text: string): string {
  const line = stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
  return line.length > 200 ? `${line.slice(0, 199).toWellFormed()}…` : line
}

export function reason(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error))
  if (isMalformed(error)) return 'it answered with something that is not MCP'
  if (isTimeout(error)) return 'no answer in time'
  const cause = error.cause instanceof Error ? `: ${error.cause.message || codeOf(error.cause)}` : ''
  return printable(error.message + cause)
}
