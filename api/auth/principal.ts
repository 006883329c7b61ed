/** Who asks, and what that allows. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { isLoopbackAddress } from '../../common/loopback.ts'

/** Each route has one; `public` ones are for everybody. */
export const SCOPES = ['read', 'write', 'ops', 'webhooks', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** `owner`: whoever is on this machine. `admin`: an owner who can read the data directory. */
export type Principal = { type: 'owner' } | { type: 'admin' } | { type: 'nobody' }

/** What a proxy says of itself. Through one, everybody comes from its machine. */
const FORWARDING = /^(forwarded|via|x-real-ip|x-forwarded-.*)$/

/** Whether it was sent on this machine, and not for somebody elsewhere. */
export const isHere = ({ socket, headers }: Pick<FastifyRequest, 'socket' | 'headers'>): boolean =>
  isLoopbackAddress(socket.remoteAddress ?? '') && !Object.keys(headers).some((name) => FORWARDING.test(name))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Tells who asks; `token`: of the data directory, absent where there are no admin routes. */
export function principals(token: string | undefined) {
  const expected = token === undefined ? null : digest(`Bearer ${token}`)
  return (request: Pick<FastifyRequest, 'socket' | 'headers'>): Principal => {
    if (!isHere(request)) return { type: 'nobody' }
    // Digests are of one length, so the comparison takes the same time for every wrong token.
    const told = digest(request.headers.authorization ?? '')
    return { type: expected && timingSafeEqual(told, expected) ? 'admin' : 'owner' }
  }
}

/** `anyone`: what is granted to nobody in particular. */
export function may({ type }: Principal, scope: Scope, anyone: readonly Scope[]): boolean {
  switch (type) {
    case 'admin':
      return true
    case 'owner':
      return scope !== 'admin'
    case 'nobody':
      return anyone.includes(scope)
  }
}
