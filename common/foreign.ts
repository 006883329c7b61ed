/** What a page of another origin makes a browser send, told by what the browser says of it. */
import type { IncomingHttpHeaders } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import { hostname } from 'node:os'
import { LOOPBACK_NAMES } from './loopback.ts'
import { urlOf } from './text.ts'

/** The names that a server answers to. */
export type Hosts = {
  /** In words, and what adds others. */
  readonly told: string
  /** Of a name or address without port, as a URL has it. */
  answersTo(name: string): boolean
  /** Whether `origin` is that of a page of the server, which is asked by the name and port `host`. */
  isOwn(origin: string, host: string): boolean
}

/** `setBy`: what adds names to a server. `hasPages`: whether there are any of its own: else every page is another's. */
type Kind = { setBy?: string; hasPages?: boolean }

const bracketed = (address: string): string => (isIPv6(address) ? `[${address}]` : address)

/**
 * A server bound to `host` answers to the names of loopback, to `host`, and to those in `more`. One that is bound to all
 * addresses also answers to the machine's name and to any address: a page of a stranger can point a name of its own here
 * (DNS rebinding) and be of one origin with this server, but it can't be so under an address that is not its own.
 */
export function hostsOf(
  host: string,
  more: readonly string[],
  { setBy, hasPages = false }: Kind = {},
): Hosts {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const own = urlOf(`http://${bracketed(host)}`)?.hostname ?? host
  const set = more.map((name) => name.toLowerCase())
  const names = new Set([...LOOPBACK_NAMES, own, ...(isEverywhere ? [hostname().toLowerCase()] : []), ...set])
  const isAddress = (name: string): boolean => isIP(name.replace(/^\[|\]$/g, '')) !== 0
  const told = [...names, ...(isEverywhere ? ['addresses'] : [])].join(', ')
  return {
    told: `This server answers to ${told} only.${setBy === undefined ? '' : ` ${setBy} adds other names.`}`,
    answersTo: (name) => names.has(name) || (isEverywhere && isAddress(name)),
    // By its host: a proxy that speaks TLS is of another scheme. Behind one that changes Host, by a name that is set.
    isOwn(origin, host) {
      const asker = hasPages ? urlOf(origin) : null
      if (asker === null) return false
      return urlOf(`${asker.protocol}//${host}`)?.host === asker.host || set.includes(asker.hostname)
    },
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
  if (!hosts.answersTo(name)) return { status: 421, why: hosts.told }
  const { origin } = headers
  if (origin !== undefined && !hosts.isOwn(origin, host)) {
    return { status: 403, why: 'A page of another origin may not ask this server.' }
  }
  const site = headers['sec-fetch-site'] ?? 'none'
  if (site === 'none' || site === 'same-origin') return null
  const isOpened = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  if (isPublic && isOpened && (method === 'GET' || method === 'HEAD')) return null
  return { status: 403, why: 'A page of another site may link to a page of this server, but not ask it.' }
}
