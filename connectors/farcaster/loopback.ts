import type { IncomingHttpHeaders } from 'node:http'
import { LOOPBACK_NAMES } from '../../common/loopback.ts'
import { urlOf } from '../../common/text.ts'

export const isLoopback = (url: string): boolean => LOOPBACK_NAMES.includes(urlOf(url)?.hostname ?? '')

/** Why a request to a server on the loopback address is one that a web page made a browser send; null if it is not. */
export function foreign({ host = '', origin }: IncomingHttpHeaders): string | null {
  // By DNS rebinding a page's own host may lead here.
  if (!isLoopback(`http://${host}`)) return 'This Host is not served: ask by 127.0.0.1 or localhost'
  return origin === undefined || isLoopback(origin) ? null : 'Pages of this Origin may not ask'
}
