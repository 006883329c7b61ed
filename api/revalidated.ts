/** For answers that an open page asks for each second: who has the same already is told so, and nothing else. */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** An `onSend` hook: the answer gets an ETag that is of its bytes, and 304 takes its place where that is known. */
export async function revalidated(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  if (typeof payload !== 'string' || reply.statusCode !== 200) return payload
  const etag = `"${createHash('sha256').update(payload).digest('base64url').slice(0, 22)}"`
  // Kept by the browser, but never shown without asking.
  reply.headers({ etag, 'cache-control': 'private, no-cache' })
  const known = (headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (!known.includes(etag)) return payload
  reply.code(304).removeHeader('content-length').removeHeader('content-type')
  return ''
}
