/** HTTP as the client of an MCP server needs it: each answer read whole, within bounds, and told apart when refused. */
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import { MAX_URL } from '../../../../common/text.ts'
import { HttpRefusal, Unanswered } from './failures.ts'

/**
 * A fetch for the SDK's streamable HTTP transport, which by itself waits for ever on an event stream that ends before
 * its answer, keeps requests open that nobody waits for any more, and reads without bounds. So an event stream is read up
 * to the answer to what was asked, whatever the server does with it then, and handed on as the plain JSON of its messages;
 * one that ends without the answer throws.
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
      const { status } = response
      if (status >= 300) {
        await response.body?.cancel()
        throw new HttpRefusal(status, secondsOf(response.headers.get('retry-after')), leadsTo(response, url))
      }
      const headers = new Headers(response.headers)
      if (!headers.get('content-type')?.startsWith('text/event-stream')) {
        const text = await readText(response, maxAnswer)
        return new Response(text === '' ? null : text, { status, headers })
      }
      const id = idOf(init?.body)
      // To a notification there is no answer, so the stream holds none of ours.
      const messages = id === undefined ? [] : await readEvents(response, maxAnswer, id)
      if (id === undefined) await response.body?.cancel()
      headers.set('content-type', 'application/json')
      return id === undefined
        ? new Response(null, { status: 202 })
        : new Response(JSON.stringify(messages), { status: 200, headers })
    } finally {
      clearTimeout(expiry)
      init?.signal?.removeEventListener('abort', stop)
    }
  }
}

/** Where a redirect leads, without what may be secret; empty where it is none. */
function leadsTo({ headers }: Response, from: string | URL): string {
  const location = headers.get('location')
  const url = location === null || location.length > MAX_URL ? null : URL.parse(location, String(from))
  return url ? `${url.protocol}//${url.host}${url.pathname}` : ''
}

async function readText(response: Response, maxAnswer: number): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bounded(response, maxAnswer)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** Leaving the loop over it cancels the body. */
async function* bounded(response: Response, maxAnswer: number): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > maxAnswer) throw new Error('its answer is too large')
    yield chunk
  }
}

/** The messages in a stream of server-sent events, up to the answer to request `id`; keep-alives hold none. */
async function readEvents(response: Response, maxAnswer: number, id: unknown): Promise<unknown[]> {
  const messages: unknown[] = []
  let isAnswered = false
  const feed = eventReader((data) => {
    if (isAnswered || data.trim() === '') return
    const message: unknown = JSON.parse(data)
    messages.push(message)
    if (isAnswerTo(message, id)) isAnswered = true
  })
  const decoder = new TextDecoder()
  for await (const chunk of bounded(response, maxAnswer)) {
    feed(decoder.decode(chunk, { stream: true }))
    if (isAnswered) return messages
  }
  throw new Unanswered('its answer broke off')
}

/**
 * Reads server-sent events piece by piece, and tells the data of each. Linear in what comes, however it is cut: lines may
 * end in LF, CR or both, and have as many bytes as an answer. (eventsource-parser looks for the next CR from each line.)
 */
export function eventReader(onData: (data: string) => void): (piece: string) => void {
  let data: string[] = []
  /** The beginning of a line. */
  let rest: string[] = []
  let isAfterCr = false

  function read(line: string): void {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    else if (line === 'data') data.push('')
    else if (line === '' && data.length > 0) {
      const whole = data.join('\n')
      data = []
      onData(whole)
    }
  }

  return (piece) => {
    const text = isAfterCr && piece.startsWith('\n') ? piece.slice(1) : piece
    if (piece !== '') isAfterCr = piece.endsWith('\r')
    const lines = text.split(/\r\n|[\r\n]/)
    const last = lines.pop()!
    if (lines.length > 0) {
      lines[0] = rest.join('') + lines[0]
      rest = []
      for (const line of lines) read(line)
    }
    if (last !== '') rest.push(last)
  }
}

const isAnswerTo = (message: unknown, id: unknown): boolean =>
  typeof message === 'object' &&
  message !== null &&
  ('result' in message || 'error' in message) &&
  'id' in message &&
  message.id === id

/** Of the request in a body of ours; undefined: it is a notification. */
const idOf = (body: unknown): unknown => (typeof body === 'string' ? JSON.parse(body).id : undefined)

const secondsOf = (retryAfter: string | null): number =>
  retryAfter && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : 0
