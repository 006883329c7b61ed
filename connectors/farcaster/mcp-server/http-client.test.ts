import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { HUB_SECONDS_HEADER } from '../tools.ts'
import { fakeHub, type Reply } from './fake-hub.fixture.ts'
import { type Call, type HttpClient, type HubError, httpClient } from './http-client.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function clientOf(reply: Reply, timeout = 5): Promise<HttpClient & { requests: URL[] }> {
  const hub = await fakeHub(() => reply)
  const client = httpClient(`${hub.url}/base/`, timeout)
  closing.push(client.close, hub.close)
  return { ...client, requests: hub.requests }
}

test('keeps the path of its base and escapes the query', async () => {
  const client = await clientOf({ json: [1] })
  const query = { url: 'https://a.example/?b=c&d#e', pageToken: 'a+b/c=', none: undefined, odd: '\ud800' }
  expect(await client.get('/v1/x', query, {})).toEqual([1])
  const [{ pathname, searchParams }] = client.requests as [URL]
  expect(pathname).toBe('/base/v1/x')
  expect(Object.fromEntries(searchParams)).toEqual({
    url: query.url,
    pageToken: query.pageToken,
    odd: '\ufffd',
  })
})

describe('what a hub may do is told apart:', () => {
  const cases: [string, Reply, object][] = [
    [
      'Snapchain refuses',
      { status: 400, json: { error: 'bad', error_detail: 'could not get\nmessage with key' } },
      { error: 'refused', status: 400, message: 'Hubble API error: 400 - could not get message with key' },
    ],
    [
      'Hubble refuses',
      { status: 500, json: { errCode: 'x', details: 'it broke' } },
      { error: 'refused', status: 500, message: 'Hubble API error: 500 - it broke' },
    ],
    [
      'a proxy refuses',
      { status: 502, body: '<html>' },
      {
        error: 'refused',
        status: 502,
        message: 'Hubble API error: 502 - Request failed with status code 502',
      },
    ],
    [
      'too many requests',
      { status: 429, body: '', headers: { 'retry-after': '17' } },
      { error: 'refused', status: 429, retryAfter: 17 },
    ],
    ['503', { status: 503, body: '' }, { error: 'unreachable', status: 503 }],
    [
      'a redirect is not followed',
      { status: 302, body: '', headers: { location: '/' } },
      { error: 'refused', status: 302 },
    ],
    ['not JSON', { body: '{"messages":' }, { error: 'unreadable' }],
    [
      'the answer breaks off',
      { json: { messages: [] }, cut: 5 },
      { error: 'broken', message: 'Failed to fetch from Hubble: the answer broke off' },
    ],
    [
      'declared to be too slow',
      { json: {}, headers: { [HUB_SECONDS_HEADER]: '5.5' } },
      { error: 'broken', message: 'Failed to fetch from Hubble: no answer within 5 s' },
    ],
  ]
  test.each(cases)('%s', async (_name, reply, expected) => {
    const client = await clientOf(reply)
    await expect(client.get('/', {}, {})).rejects.toMatchObject({ name: 'HubError', ...expected })
    expect(client.requests).toHaveLength(1)
  })

  test('silence', async () => {
    const client = await clientOf({ silent: true }, 0.1)
    await expect(client.get('/', {}, {})).rejects.toMatchObject({ error: 'broken' })
  })

  test('not HTTP', async () => {
    const server = net.createServer((socket) => socket.on('data', () => socket.end('hello\r\n\r\n')))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = httpClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 5)
    closing.push(client.close, () => server.close())
    await expect(client.get('/', {}, {})).rejects.toMatchObject({
      error: 'unreadable',
      message: 'Failed to fetch from Hubble: the answer is not HTTP',
    })
  })

  test('a request that waits for a connection: it has its whole time then, and tells nothing of the hub', async () => {
    const server = http.createServer(({ url }, response) => {
      if (url === '/late') setTimeout(() => response.end('1'), 400)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = httpClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 0.6)
    closing.push(client.close, () => server.close())
    const outcome = (path: string) => client.get(path, {}, {}).catch((error: HubError) => error.error)
    const hung = Array.from({ length: 33 }, () => outcome('/hangs'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await outcome('/late')).toBe(1)
    expect(new Set(await Promise.all(hung))).toEqual(new Set(['broken']))
  })

  test('an answer without end', async () => {
    const server = http.createServer((_, response) => {
      const more = () => response.destroyed || response.write(Buffer.alloc(2 ** 20), more)
      more()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = httpClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 30)
    closing.push(client.close, () => server.close())
    await expect(client.get('/', {}, {})).rejects.toMatchObject({
      error: 'unreadable',
      message: expect.stringContaining('larger than'),
    })
  })

  test('nobody there', async () => {
    const hub = await fakeHub(() => undefined)
    await hub.close()
    const client = httpClient(hub.url, 5)
    closing.push(client.close)
    await expect(client.get('/', {}, {})).rejects.toMatchObject({
      error: 'unreachable',
      message: 'Failed to fetch from Hubble: ECONNREFUSED',
    })
  })

  test('a date to come back at', async () => {
    const date = new Date(Date.now() + 60_000).toUTCString()
    const client = await clientOf({ status: 429, body: '', headers: { 'retry-after': date } })
    const failure = await client.get('/', {}, {}).catch((error: HubError) => error as HubError)
    const { retryAfter } = failure as HubError
    expect(retryAfter).toBeGreaterThan(55)
    expect(retryAfter).toBeLessThanOrEqual(60)
  })
})

test('declared seconds add up, and never more than the timeout for one answer', async () => {
  const call: Call = {}
  const slow = await clientOf({ json: 1, headers: { [HUB_SECONDS_HEADER]: '1.5' } })
  await slow.get('/', {}, call)
  await slow.get('/', {}, call)
  expect(call.seconds).toBe(3)
  const refused = await clientOf({ status: 500, body: '', headers: { [HUB_SECONDS_HEADER]: '2' } })
  await expect(refused.get('/', {}, call)).rejects.toThrow('500')
  expect(call.seconds).toBe(5)
  const hanging = await clientOf({ json: 1, headers: { [HUB_SECONDS_HEADER]: '3600' } })
  await expect(hanging.get('/', {}, call)).rejects.toThrow('within 5 s')
  expect(call.seconds).toBe(10)
  const plain: Call = {}
  await (await clientOf({ json: 1 })).get('/', {}, plain)
  expect(plain.seconds).toBeUndefined()
})

test('a kept connection that was closed meanwhile costs no error', async () => {
  let answered = 0
  const server = http.createServer((request, response) => {
    // Each connection answers once and is reset when it is asked again.
    if ('used' in request.socket) return request.socket.destroy()
    Object.assign(request.socket, { used: true })
    answered++
    return response.end('1')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = httpClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 5)
  closing.push(client.close, () => server.close())
  for (let n = 0; n < 5; n++) expect(await client.get('/', {}, {})).toBe(1)
  expect(answered).toBe(5)
})
