/** What a browser may do with an answer. */
import type { FastifyReply } from 'fastify'

const HEADERS = {
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
/** The page parses no HTML, and lets nobody else: the browser throws at `innerHTML` and the like (decision 0021). */
export const PAGE_POLICY = `${HEADERS['content-security-policy']}; require-trusted-types-for 'script'; trusted-types 'none'`
/** Swagger UI draws its icons from data: addresses; all else of it is served here. */
export const DOCS_POLICY = `${HEADERS['content-security-policy']}; img-src 'self' data:`

/** On every answer: nothing from another origin, no inline script, no guessing of content types, no framing. */
export const secureHeaders = (reply: FastifyReply) => reply.headers(HEADERS)
