/** A hub of plain functions, for the tests of this folder. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { FARCASTER_EPOCH, SECOND } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import { toHubJson } from '../hub-json.ts'

/** A message, or the place of one that can't be read. */
export type Held = Message | { unreadable: true; time: number; hash: Buffer }

/** `cap`: the most messages that the hub puts on a page. */
export function pageOf(held: readonly Held[], query: URLSearchParams, cap = 1000): object {
  const place = ({ time, hash }: Held) => `${String(time).padStart(16, '0')}/${hash.toString('hex')}`
  const reverse = query.get('reverse') === 'true'
  const after = query.get('pageToken')
  const seconds = (name: string, fallback: number) =>
    query.has(name) ? FARCASTER_EPOCH + Number(query.get(name)) * SECOND : fallback
  const from = seconds('startTimestamp', Number.NEGATIVE_INFINITY)
  const to = seconds('stopTimestamp', Number.POSITIVE_INFINITY)
  const size = Math.min(cap, Number(query.get('pageSize') ?? cap))
  const all = held
    .filter(({ time }) => time >= from && time <= to)
    .sort((a, b) => (place(a) < place(b) ? -1 : 1))
  if (reverse) all.reverse()
  const rest = after === null ? all : all.filter((one) => (reverse ? place(one) < after : place(one) > after))
  const page = rest.slice(0, size)
  return {
    messages: page.map((one) => ('unreadable' in one ? { data: { type: 7 } } : toHubJson(one))),
    // A full last page has a token too, as with real hubs.
    nextPageToken: page.length === size ? place(page.at(-1)!) : '',
  }
}

export type Reply = {
  status?: number
  headers?: Record<string, string>
  json?: unknown
  body?: string
  /** Ends the connection after so many bytes of the body; `silent` never answers. */
  cut?: number
  silent?: true
}
export type FakeHub = { url: string; requests: URL[]; close(): Promise<void> }

/** Over HTTP; `answer` undefined is a 404. */
export async function fakeHub(
  answer: (path: string, query: URLSearchParams) => Reply | undefined,
): Promise<FakeHub> {
  const requests: URL[] = []
  const server = http.createServer((request, response) => {
    const url = new URL(request.url!, 'http://127.0.0.1')
    requests.push(url)
    const reply = answer(url.pathname, url.searchParams) ?? { status: 404, body: 'Not Found' }
    if (reply.silent) return
    const body = Buffer.from(reply.body ?? JSON.stringify(reply.json))
    response.writeHead(reply.status ?? 200, { 'content-length': body.length, ...reply.headers })
    if (reply.cut === undefined) response.end(body)
    else response.write(body.subarray(0, reply.cut), () => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}
