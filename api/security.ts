/** Who may ask, and what a browser may do with the answer. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { BlockList, isIPv6 } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from './problem.ts'

const HEADERS = {
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
/** Swagger UI draws its icons from data: addresses; all else of it is served here. */
export const DOCS_POLICY = `${HEADERS['content-security-policy']}; img-src 'self' data:`

/** On every answer: nothing from another origin, no inline script, no guessing of content types, no framing. */
export const secureHeaders = (reply: FastifyReply) => reply.headers(HEADERS)

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')
const isLoopbackAddress = (address: string): boolean =>
  loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

/** Whether a server bound to `host` can be reached from this machine only. */
export const isLoopbackHost = (host: string): boolean => host === 'localhost' || isLoopbackAddress(host)

/**
 * A hook that refuses requests that were addressed to another name than loopback's, or `host`, the one listened on. A page of a stranger can point its own name at 127.0.0.1 (DNS
 * rebinding) and would then be of the same origin as this server; the Host header still tells.
 */
export function checkHost(host: string) {
  const names = ['127.0.0.1', 'localhost', '[::1]']
  const own = new URL(`http://${isIPv6(host) ? `[${host}]` : host}`).hostname
  if (!names.includes(own)) names.push(own)
  const detail = `This server answers to ${names.join(', ')} only.`
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const asked = (request.headers.host ?? '').replace(/:\d{1,5}$/, '').toLowerCase()
    if (names.includes(asked)) done()
    else sendProblem(reply, 421, detail)
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A hook that lets through who is on this machine and knows the token of the data directory. */
export function adminGuard(token: string) {
  const expected = digest(`Bearer ${token}`)
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    if (!isLoopbackAddress(request.socket.remoteAddress ?? '')) {
      sendProblem(reply, 403, 'Admin routes answer on the machine of the server only.')
      // Digests are of one length, so the comparison takes the same time for every wrong token.
    } else if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) {
      reply.header('www-authenticate', 'Bearer')
      sendProblem(
        reply,
        401,
        'Send "authorization: Bearer <token>" with the token kept in the data directory.',
      )
    } else done()
  }
}
