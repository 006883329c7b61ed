/** HTTP as the client of an MCP server needs it: each answer read whole, within bounds, and told apart when refused. */
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import { HttpRefusal, Unanswered } from './failures.ts'

/**
 * A fetch for the SDK's streamable HTTP transport, which by itself waits for ever on an event stream that ends before
 * its answer, keeps requests open that nobody waits for any more, and reads without bounds. So an answer is read whole
 * and an event stream handed on as the plain JSON of its messages; a stream that ends without the answer throws.
 * No stream of notifications is opened: tools are all we ask for. No redirect is followed: what is asked may be secret,
 * and where it would lead is a stranger's to say.
 * @param timeout ms, for one exchange
 * @param maxAnswer bytes
 * @throws HttpRefusal for a status of 300 or more, Unanswered, and TypeError as fetch does
 */
export function boundedFetch(timeout: number, maxAnswer: number): FetchLike {
  return async (url, init) => {
    if (init?.method === 'GET') return new Response(null, { status: 405 })
    const timer = new AbortController()
    const expiry = setTimeout(() => timer.abort(new Unanswered('no answer in time')), timeout)
    const stop = () => timer.abort(init?.signal?.reason)
    init?.signal?.addEventListener('abort', stop)
    try {
      if (init?.signal?.aborted) stop()
      const response = await fetch(url, { ...init, redirect: 'manual', signal: timer.signal })
      if (response.status >= 300) {
        await response.body?.cancel()
        throw new HttpRefusal(response.status, secondsOf(response.headers.get('retry-after')))
      }
      const text = await readText(response, maxAnswer)
      const headers = new Headers(response.headers)
      if (!headers.get('content-type')?.startsWith('text/event-stream'))
        return new Response(text === '' ? null : text, { status: response.status, headers })
      const messages = messagesOf(text)
      if (!messages.some(isResponse)) throw new Unanswered('its answer broke off')
      headers.set('content-type', 'application/json')
      return new Response(JSON.stringify(messages), { status: 200, headers })
    } finally {
      clearTimeout(expiry)
      init?.signal?.removeEventListener('abort', stop)
    }
  }
}

async function readText(response: Response, maxAnswer: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    // Leaving the loop cancels the body.
    if (size > maxAnswer) throw new Error('its answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The messages in a stream of server-sent events; comments and keep-alives hold none. */
function messagesOf(stream: string): unknown[] {
  return stream
    .replace(/\r\n?/g, '\n')
    .split('\n\n')
    .map((event) =>
      event
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5))
        .join('\n'),
    )
    .filter((data) => data.trim() !== '')
    .map((data) => JSON.parse(data))
}

const isResponse = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && ('result' in message || 'error' in message)

const secondsOf = (retryAfter: string | null): number =>
  retryAfter && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : 0
