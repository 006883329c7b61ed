/** Every answer that is not what was asked for, as problem details (RFC 9457). */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorCode, FcmError } from '../common/errors.ts'
import { MUST } from './contracts/asking.ts'
import type { Problem } from './contracts/problem.ts'
import { problemType } from './problem-type.ts'

/** Seconds after which a client that met a passing failure may try again. */
const RETRY_AFTER = 5

/** Errors that the asker can mend, and what HTTP calls them; any other is 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  OPTION_INVALID: 400,
  RUN_NAME_INVALID: 400,
  FILE_UNREADABLE: 400,
  RUN_UNKNOWN: 404,
  SERIES_UNKNOWN: 404,
  CHANNEL_UNKNOWN: 404,
  ALERT_UNKNOWN: 404,
  TOPIC_UNKNOWN: 404,
  DEAD_LETTER_UNKNOWN: 404,
  RUN_IS_LIVE: 409,
  RUN_BUSY: 409,
  ANSWER_TOO_SLOW: 503,
  PLACE_UNKNOWN: 404,
  PLACE_EXPIRED: 410,
}

type Fault = NonNullable<Problem['errors']>[number]

export function sendProblem(
  reply: FastifyReply,
  status: number,
  detail: string,
  extra: Partial<Problem> = {},
) {
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    instance: `urn:uuid:${reply.request.id}`,
    ...extra,
  }
  // An export that failed before its first byte has named its file already.
  reply.removeHeader('content-disposition')
  return reply.code(status).type('application/problem+json').send(JSON.stringify(problem))
}

/** Fastify's error handler: asker's faults are explained, ours are logged with their stack and kept from the answer. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const { validation, validationContext, statusCode = 500, message } = error as FastifyError
  if (validation) {
    const told = validation.map((v) => faultOf(v, validationContext))
    // A time has a pattern and a format, and may miss both.
    const faults = told.filter((fault, i) => told.findIndex((f) => isDeepStrictEqual(f, fault)) === i)
    return sendProblem(reply, 400, faults.map((f) => `${f.name} ${f.detail}`).join('; '), {
      type: 'urn:fcm:problem:request-invalid',
      title: 'The request is not valid',
      errors: faults,
    })
  }
  if (error instanceof FcmError) {
    const type = problemType(error.code)
    if (error.retry) {
      request.log.warn({ err: error }, 'not able to answer')
      reply.header('retry-after', RETRY_AFTER)
      const detail = `What holds the answer can't be reached. Try again in ${RETRY_AFTER} s.`
      return sendProblem(reply, 503, detail, { type })
    }
    const status = STATUS[error.code] ?? 500
    if (status === 500) request.log.error({ err: error }, 'not able to answer')
    const { option, why } = error.details
    const place = request.method === 'GET' ? 'query' : 'body'
    const errors =
      error.code === 'OPTION_INVALID' ? [{ in: place, name: `${option}`, detail: `${why}` }] : undefined
    return sendProblem(reply, status, error.message, { type, ...(errors && { errors }) })
  }
  if (statusCode >= 400 && statusCode < 500) {
    // Fastify's own: a body that is not JSON, too large, of another media type, ...
    return sendProblem(reply, statusCode, message)
  }
  request.log.error({ err: error, method: request.method, url: request.url }, 'request failed')
  return sendProblem(reply, 500, `This is a fault of the program. It is in the log as request ${request.id}.`)
}

type ValidationFault = NonNullable<FastifyError['validation']>[number]

function faultOf(v: ValidationFault, context: string | undefined): Fault {
  const path = v.instancePath.slice(1).replaceAll('/', '.')
  const place = context === 'querystring' ? 'query' : context === 'params' ? 'path' : (context ?? 'request')
  const of = (name: unknown, detail: string): Fault => ({ in: place, name: `${name}`, detail })
  const inner = (name: unknown) => (path ? `${path}.${name}` : name)
  switch (v.keyword) {
    case 'additionalProperties':
      return of(inner(v.params.additionalProperty), 'is not known here')
    case 'required':
      return of(inner(v.params.missingProperty), 'is missing')
    case 'enum':
      return of(path, `must be one of ${(v.params.allowedValues as unknown[]).join(', ')}`)
    case 'format':
    case 'pattern':
      return of(path, MUST[v.params[v.keyword] as string] ?? v.message ?? 'is not valid')
    default:
      return of(path || place, v.message ?? 'is not valid')
  }
}

/** What did not even arrive as HTTP: nothing that answers requests has seen it. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, detail] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? [408, 'The request took too long to arrive.']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'The address and headers of the request are longer than 16 KiB.']
        : [400, 'This is not an HTTP request.']
  const title = STATUS_CODES[status]!
  const body = JSON.stringify({ type: 'about:blank', title, status, detail })
  const head = `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}`
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`)
}

export const notFound = (request: FastifyRequest, reply: FastifyReply) =>
  sendProblem(
    reply,
    404,
    `There is nothing at ${request.method} ${cut(request.url)}. See /docs for what there is.`,
  )

const cut = (url: string): string => (url.length > 200 ? `${url.slice(0, 200)}...` : url)
