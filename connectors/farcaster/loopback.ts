import type { IncomingHttpHeaders } from 'node:http'
import { LOOPBACK_NAMES } from '../../common/loopback.ts'
import { urlOf } from '../../common/text.ts'

export const isLoopback = (url: string): boolean => LOOPBACK_NAMES.includes(urlOf(url)?.hostname ?? '')

/**
 * Why a request is one that a web page made a browser send; null if it is not. The server answers to the names of loopback
 * and to those in `names`.
 */
export function foreign(
  { host = '', origin }: IncomingHttpHeaders,
  names: readonly string[] = [],
): string | null {
  // By DNS rebinding a page's own host may lead here.
  const name = urlOf(`http://${host}`)?.hostname ?? ''
  if (!LOOPBACK_NAMES.includes(name) && !names.includes(name))
    return `This Host is not served: ask by ${[...LOOPBACK_NAMES, ...names].join(', ')}`
  return origin === undefined || isLoopback(origin) ? null : 'Pages of this Origin may not ask'
}
