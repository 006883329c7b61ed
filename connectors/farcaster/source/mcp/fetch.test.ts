import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { boundedFetch, eventReader } from './fetch.ts'

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

const ask = (path: string) => boundedFetch(5000, 10_000)(base + path, { method: 'POST', body: '{"id":1}' })

test.each(Object.keys(bodies))('events are read, whatever ends their lines: %s', async (path) => {
  expect(await (await ask(path)).json()).toEqual([ANSWER])
})

test('no redirect is followed', async () => {
  asked.length = 0
  await expect(ask('/moved')).rejects.toMatchObject({ name: 'HttpRefusal', status: 307 })
  expect(asked).toEqual(['/moved'])
})

test('the answer is the one to what was asked; others stand before it', async () => {
  const other = { jsonrpc: '2.0', id: 2, result: {} }
  const message = { jsonrpc: '2.0', method: 'notifications/message' }
  bodies['/others'] = [message, other, ANSWER, other]
    .map((one) => `data: ${JSON.stringify(one)}\n\n`)
    .join('')
  expect(await (await ask('/others')).json()).toEqual([message, other, ANSWER])
  bodies['/other'] = `data: ${JSON.stringify(other)}\n\n`
  await expect(ask('/other')).rejects.toThrow('its answer broke off')
  bodies['/long'] = ': keep-alive\n\n'.repeat(1000)
  await expect(ask('/long')).rejects.toThrow('its answer is too large')
})

test('nothing is waited for where nothing was asked', async () => {
  const told = await boundedFetch(5000, 10_000)(`${base}/lf`, { method: 'POST', body: '{"method":"x"}' })
  expect(told.status).toBe(202)
})

test('a redirect tells where it leads', async () => {
  await expect(ask('/moved')).rejects.toMatchObject({ leadsTo: `${base}/lf` })
})

test('however a stream is cut, its events are the same', () => {
  const end = fc.constantFrom('\n', '\r', '\r\n')
  const line = fc.constantFrom('data: a', 'data:  b', 'data:', 'data', ': c', 'event: d', 'e', '')
  const stream = fc.array(fc.tuple(line, end)).map((lines) => lines.flat().join(''))
  const read = (pieces: string[]) => {
    const found: string[] = []
    const feed = eventReader((data) => found.push(data))
    pieces.forEach(feed)
    return found
  }
  fc.assert(
    fc.property(stream, fc.array(fc.nat(8), { minLength: 1 }), (text, sizes) => {
      const pieces: string[] = []
      for (let at = 0, i = 0; at < text.length; i++) {
        const size = sizes[i % sizes.length]! || (i % sizes.length === 0 ? 1 : 0)
        pieces.push(text.slice(at, at + size))
        at += size
      }
      expect(read(pieces)).toEqual(read([text]))
      expect(read([text.replace(/\r\n?/g, '\n')])).toEqual(read([text]))
    }),
  )
})
