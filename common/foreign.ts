/** What a page of another origin makes a browser send, told by what the browser says of it. */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import { hostname } from 'node:os'
import { LOOPBACK_NAMES } from '../../common/loopback.ts'

/** The names that a server answers to. */
export type Hosts = {
  /** In words. */
  readonly told: string
  /** Of a name or address without port, as a URL has it. */
  answersTo(name: string): boolean
  /** Those that are set: a proxy before the server may be called by them. */
  readonly set: readonly string[]
}

const bracketed = (address: string): string => (isIPv6(address) ? `[${address}]` : address)

/**
 * A server bound to `host` answers to the names of loopback, to `host`, and to those in `more`. One that is bound to all
 * addresses also answers to the machine's name and to any address: a page of a stranger can point a name of its own here
 * (DNS rebinding) and be of one origin with this server, but it can't be so under an address that is not its own.
 */
export function hostsOf(host: string, more: readonly string[]): Hosts {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const own = URL.canParse(`http://${bracketed(host)}`) ? new URL(`http://${bracketed(host)}`).hostname : host
  const set = more.map((name) => name.toLowerCase())
  const names = new Set([...LOOPBACK_NAMES, own, ...(isEverywhere ? [hostname().toLowerCase()] : []), ...set])
  const isAddress = (name: string): boolean => isIP(name.replace(/^\[|\]$/g, '')) !== 0
  return {
    told: [...names, ...(isEverywhere ? ['addresses'] : [])].join(', '),
    answersTo: (name) => names.has(name) || (isEverywhere && isAddress(name)),
    set,
  }
}

/** Where a page may be opened from elsewhere, there is nothing but the page. */
type Asked = { method: string; isPublic: boolean }

/**
 * Why a request is refused as one that a page of another origin made a browser send: with 421 when the server is called
 * by a name that is not its own, else 403; null: it is none. Programs that are no browser send neither Origin nor
 * Sec-Fetch-Site. A link to a public page may be followed from anywhere.
 */
export function foreign(
  headers: IncomingHttpHeaders,
  { method, isPublic }: Asked,
  hosts: Hosts,
): { status: 403 | 421; why: string } | null {
  const host = (headers.host ?? '').toLowerCase()
  const name = host.replace(/:\d{1,5}$/, '')
  if (!hosts.answersTo(name)) {
    const why = `This server answers to ${hosts.told} only. FCM_ALLOWED_HOSTS adds other names.`
    return { status: 421, why }
  }
  const { origin } = headers
  if (origin !== undefined && !isOwn(origin, host, hosts)) {
    return { status: 403, why: 'A page of another origin may not ask this server.' }
  }
  const site = headers['sec-fetch-site'] ?? 'none'
  if (site === 'none' || site === 'same-origin') return null
  const isOpened = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  if (isPublic && isOpened && (method === 'GET' || method === 'HEAD')) return null
  return { status: 403, why: 'A page of another site may link to the dashboard, but not ask this server.' }
}

/** By its host: a proxy that speaks TLS is of another scheme. Behind one that changes Host, by a name that is set. */
function isOwn(origin: string, host: string, hosts: Hosts): boolean {
  if (!URL.canParse(origin)) return false
  const asker = new URL(origin)
  return URL.canParse(`${asker.protocol}//${host}`)
    ? new URL(`${asker.protocol}//${host}`).host === asker.host || hosts.set.includes(asker.hostname)
    : false
}
