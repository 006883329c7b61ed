/** The one place where a request is let in: who asks, from where, for what; and what was done is written down. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { foreign, hostsOf } from '../../common/foreign.ts'
import { oneLine } from '../../common/text.ts'
import { sendProblem } from '../problem.ts'
import { secureHeaders } from './headers.ts'
import { may, type Principal, principals, type Scope } from './principal.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What whoever asks must be allowed to do. A route without one is refused when it is made. */
    scope?: Scope | 'public'
  }
  interface FastifyRequest {
    principal: Principal
    /** What came of an admin call that its status can't tell, for the audit log. */
    outcome: string | undefined
  }
}

export type Guard = {
  /** What will be listened on. */
  host: string
  /** Names that it answers to beside its own. */
  allowedHosts?: readonly string[]
  /** What whoever is not on this machine may do. */
  anyone?: readonly Scope[]
  /** Of the data directory: who knows it, and is on this machine, may call the admin routes. */
  adminToken?: string | undefined
}

/** Adds the hooks that let in or refuse every request of `app`, also to what there is not. */
export function guard(app: FastifyInstance, options: Guard): void {
  const { host, allowedHosts = [], anyone = [], adminToken } = options
  const hosts = hostsOf(host, allowedHosts, { setBy: 'FCM_ALLOWED_HOSTS', hasPages: true })
  const principalOf = principals(adminToken)

  app.addHook('onRoute', function (route) {
    const scope = route.config?.scope ?? (this as { scopeOfAll?: Scope | 'public' }).scopeOfAll
    if (scope === undefined) throw new Error(`${route.method} ${route.url} has no scope`)
    route.config = { ...route.config, scope }
  })

  app.decorateRequest('principal')
  app.decorateRequest('outcome')
  app.addHook('onRequest', (request, reply, done) => {
    secureHeaders(reply)
    reply.header('x-request-id', request.id)
    request.principal = principalOf(request)
    const { method, headers, is404 } = request
    const scope = is404 ? 'public' : (request.routeOptions.config.scope ?? 'admin')
    if (isAudited(method, scope)) audit(request, reply)
    const refused = foreign(headers, { method, isPublic: scope === 'public' }, hosts)
    if (refused) sendProblem(reply, refused.status, refused.why)
    else if (scope === 'public' || may(request.principal, scope, anyone)) done()
    else refuse(reply, request.principal, scope)
  })
}

function refuse(reply: FastifyReply, { type }: Principal, scope: Scope) {
  if (scope !== 'admin') {
    const how = 'Ask on the machine of the server and not through a proxy'
    const grant = `let it be allowed to anyone who reaches this server: FCM_ANYONE=${scope}`
    return sendProblem(
      reply,
      403,
      `You are not known, and this needs the scope "${scope}". ${how}, or ${grant}.`,
    )
  }
  if (type === 'nobody') {
    const detail = 'Admin routes answer on the machine of the server only, and not through a proxy.'
    return sendProblem(reply, 403, detail)
  }
  reply.header('www-authenticate', 'Bearer')
  const detail = 'Send "authorization: Bearer <token>" with the token kept in the data directory.'
  return sendProblem(reply, 401, detail)
}

const isAudited = (method: string, scope: Scope | 'public'): boolean =>
  scope === 'admin' || (scope !== 'public' && method !== 'GET' && method !== 'HEAD')

/** Characters of what the asker wrote that the log shows. */
const SHOWN = 300

/** A line of the log on who wanted what, and what came of it, once that has ended or nobody waits for it any more. */
function audit(request: FastifyRequest, reply: FastifyReply): void {
  // A connection that has broken has no address any more.
  const from = oneLine(request.ip ?? '', SHOWN)
  reply.raw.once('close', () => {
    const { method, url, principal, outcome } = request
    const { run } = (request.body ?? {}) as { run?: unknown }
    const what = { method, url: oneLine(url, SHOWN), ...(typeof run === 'string' && { run }) }
    const cut = reply.raw.writableFinished ? undefined : 'cut off'
    request.log.info(
      {
        who: principal.type,
        from,
        what,
        status: reply.statusCode,
        outcome: outcome ?? cut,
      },
      'audit',
    )
  })
}

/** A plugin of others, whose routes can't say it themselves, with one scope for all of them. */
export const withScope =
  (scope: Scope | 'public', register: (app: FastifyInstance) => Promise<unknown>) =>
  async (app: FastifyInstance): Promise<void> => {
    app.decorate('scopeOfAll', scope)
    await register(app)
  }
