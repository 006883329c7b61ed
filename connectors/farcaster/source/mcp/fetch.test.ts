import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { boundedFetch } from './fetch.ts'

const ANSWER = { jsonrpc: '2.0', id: 1, result: {} }
const bodies: Record<string, string> = {
  '/lf': ': hi\n\nevent: message\ndata: {"jsonrpc":"2.0","id":1,\ndata: "result":{}}\n\n',
  '/cr': 'data: {"jsonrpc":"2.0","id":1,\rdata: "result":{}}\r\r',
  '/crlf': 'event: message\r\ndata: {"jsonrpc":"2.0","id":1,\r\ndata:"result":{}}\r\n\r\n: bye\r\n\r\n',
}
const asked: string[] = []
const server = createServer(({ url = '' }, response) => {
  asked.push(url)
  if (url === '/moved') return response.writeHead(307, { location: '/lf' }).end()
  return response.setHeader('content-type', 'text/event-stream').end(bodies[url])
})
let base: string
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const ask = (path: string) => boundedFetch(5000, 10_000)(base + path, { method: 'POST', body: '{}' })

test.each(Object.keys(bodies))('events are read, whatever ends their lines: %s', async (path) => {
  expect(await (await ask(path)).json()).toEqual([ANSWER])
})

test('no redirect is followed', async () => {
  asked.length = 0
  await expect(ask('/moved')).rejects.toMatchObject({ name: 'HttpRefusal', status: 307 })
  expect(asked).toEqual(['/moved'])
})
