import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { fixtureCast, type Kind, respond } from './mcp.fixture.ts'
import { openServer, type ServerTarget } from './open-server.ts'
import { closeOpened, open, opened, posts, refusal } from './servers.fixture.ts'

afterEach(closeOpened)

type Mode =
  | 'json'
  | 'open events'
  | 'events'
  | 'broken events'
  | 'html'
  | 'no json'
  | 'no events'
  | 'error'
  | number

describe('a server at a URL', () => {
  /** Keeps a session, and forgets it when it is started anew on the same port. */
  async function listen(kind: Kind, port = 0) {
    let session = `s${Math.random()}`
    let mode: Mode = 'json'
    let sessions = 0
    let bad: { what: string; status: number; method: string } | undefined
    const http: Server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      if (request.method !== 'POST') return void response.writeHead(405).end()
      const message = JSON.parse(body)
      if (message.method !== 'initialize' && request.headers['mcp-session-id'] !== session)
        return void response.writeHead(404).end()
      if (message.method === 'initialize') sessions++
      const what = String(message.params?.arguments?.channel)
      if (bad && (what.endsWith(bad.what) || message.method === bad.method))
        return void response.writeHead(bad.status, { 'retry-after': '99999' }).end('no')
      if (what.endsWith('late')) await setTimeout(100)
      if (typeof mode === 'number' && message.method === 'tools/call')
        return void response.writeHead(mode, { 'retry-after': '9' }).end('no')
      const answer = respond(message, kind)
      if (!answer) return void response.writeHead(202).end()
      response.setHeader('mcp-session-id', session)
      const events = `: hello\n\nevent: message\nid: 1\ndata: ${JSON.stringify(answer)}\n\n`
      switch (message.method === 'tools/call' ? mode : 'json') {
        case 'events':
          return void response.setHeader('content-type', 'text/event-stream').end(events)
        case 'open events': {
          // Keep-alives, and what else the server has to say, for ever.
          response.writeHead(200, { 'content-type': 'text/event-stream' }).write(events)
          const beat = setInterval(() => response.write(': keep-alive\n\n'), 20)
          return void response.once('close', () => clearInterval(beat))
        }
        case 'broken events':
          return void response.setHeader('content-type', 'text/event-stream').end(': hello\n\n')
        case 'no events':
          return void response
            .setHeader('content-type', 'text/event-stream')
            .end('data: what a stranger wrote\n\n')
        case 'no json':
          return void response.setHeader('content-type', 'application/json').end('what a stranger wrote')
        case 'error': {
          const error = { code: -32000, message: 'what a stranger wrote' }
          const { id } = message
          return void response
            .setHeader('content-type', 'application/json')
            .end(JSON.stringify({ jsonrpc: '2.0', id, error }))
        }
        case 'html':
          return void response.setHeader('content-type', 'text/html').end('<p>maintenance')
        default:
          return void response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
      }
    })
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
    const close = async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    }
    opened.push({ close })
    return {
      port: (http.address() as AddressInfo).port,
      close,
      set mode(next: Mode) {
        mode = next
      },
      get sessions() {
        return sessions
      },
      forget() {
        session = `s${Math.random()}`
      },
      /** Calls about `what`, and requests by `method`. */
      refuse(what: string, status: number, method = '') {
        bad = { what, status, method }
      },
    }
  }
  const at = (port: number): ServerTarget => ({ url: `http://127.0.0.1:${port}/mcp` })

  test('answers in JSON or in events, and is connected to again when it was started anew', async () => {
    const http = await listen('structured')
    const server = await open(at(http.port))
    const expected = [fixtureCast(0, ''), fixtureCast(1, '')].map(({ fid }) => ({ fid }))
    expect(await posts(server, 'ok')).toMatchObject({ items: expected })
    http.mode = 'events'
    expect(await posts(server, 'ok')).toMatchObject({ items: expected })
    await http.close()
    expect(await posts(server, 'ok')).toMatchObject({ outcome: 'away' })
    expect(await posts(server, 'ok')).toMatchObject({ outcome: 'away' })
    await listen('structured', http.port)
    expect(await posts(server, 'ok')).toMatchObject({ items: expected })
  })

  test('that keeps the stream of events open behind its answer has answered', async () => {
    const http = await listen('structured')
    const server = await open(at(http.port), 5000)
    http.mode = 'open events'
    for (let i = 0; i < 3; i++) expect(await posts(server, 'ok')).toMatchObject({ outcome: 'page' })
  })

  test('that has moved is not followed, and where to is told', async () => {
    const moved = createServer((_, response) =>
      response.writeHead(307, { location: '/mcp/?key=secret' }).end(),
    )
    await new Promise<void>((resolve) => moved.listen(0, '127.0.0.1', resolve))
    opened.push({ close: () => moved.close() })
    const { port } = moved.address() as AddressInfo
    const error = await refusal(at(port))
    expect(error.code).toBe('MCP_SERVER_UNUSABLE')
    expect(error.message).toContain(`it has moved to http://127.0.0.1:${port}/mcp/ (HTTP status 307)`)
    expect(error.message).not.toContain('secret')
  })

  test('whose session is forgotten is connected to again', async () => {
    const http = await listen('structured')
    const server = await open(at(http.port))
    http.forget()
    const answers = await Promise.all(['ok', 'ok', 'late'].map((what) => posts(server, what)))
    expect(answers.map(({ outcome }) => outcome)).toEqual(['page', 'page', 'page'])
    expect(http.sessions).toBe(2)
  })

  test('is away, or fails, as its HTTP status says', async () => {
    const http = await listen('structured')
    const server = await open(at(http.port))
    const tell = async (mode: Mode) => {
      http.mode = mode
      return posts(server, 'ok')
    }
    expect(await tell(429)).toMatchObject({
      outcome: 'failed',
      retryAfter: 9,
      why: expect.stringContaining('429'),
    })
    expect(await tell(500)).toMatchObject({ outcome: 'failed' })
    expect(await tell(503)).toMatchObject({ outcome: 'away' })
    expect(await tell('broken events')).toEqual({ outcome: 'away', why: 'its answer broke off' })
    expect(await tell('html')).toMatchObject({ outcome: 'failed', why: expect.stringContaining('text/html') })
    expect(await tell('json')).toMatchObject({ outcome: 'page' })
  })

  test('that refuses one call, for ever, loses neither its session nor the others that are under way', async () => {
    const http = await listen('structured')
    const server = await open(at(http.port))
    const why = (status: number) => `the server refused: HTTP status ${status}`
    for (const [status, outcome] of [
      [400, 'failed'],
      [404, 'failed'],
      [502, 'away'],
      [504, 'away'],
    ] as const) {
      http.refuse('bad', status)
      const asked = ['late', 'bad', 'late', 'bad'].map((what) => posts(server, what))
      const page = { outcome: 'page' }
      const refused = { outcome, why: why(status) }
      expect(await Promise.all(asked)).toMatchObject([page, refused, page, refused])
    }
    expect(http.sessions).toBe(1)

    // Where a ping is refused too, the session may be to blame, but not twice.
    http.refuse('bad', 404, 'ping')
    expect(await Promise.all(['late', 'bad'].map((what) => posts(server, what)))).toMatchObject([
      { outcome: 'page' },
      { outcome: 'failed', why: why(404) },
    ])
    expect(http.sessions).toBe(2)
  })

  test('is not obeyed when it says to wait for long', async () => {
    const http = await listen('structured')
    const server = await open(at(http.port))
    http.refuse('bad', 429)
    expect(await posts(server, 'bad')).toMatchObject({ outcome: 'failed', retryAfter: 7200 })
  })

  test('that says something else than JSON is not quoted', async () => {
    const http = await listen('structured')
    const server = await open(at(http.port))
    http.mode = 'no json'
    const why = 'it answered with something that is not JSON'
    expect(await posts(server, 'ok')).toMatchObject({ outcome: 'failed', why })
    http.mode = 'no events'
    expect(await posts(server, 'ok')).toMatchObject({ outcome: 'failed', why })
    http.mode = 'error'
    expect(await posts(server, 'ok')).toMatchObject({
      outcome: 'failed',
      why: 'it refused: MCP error -32000',
    })
  })

  test('may not answer without end', async () => {
    const { port } = await listen('structured')
    const server = await openServer(at(port), { maxAnswer: 200_000 })
    opened.push(server)
    expect(await posts(server, 'huge')).toMatchObject({ outcome: 'failed', why: 'its answer is too large' })
    expect(await posts(server, 'ok')).toMatchObject({ outcome: 'page' })
  })

  test('with text results is refused: nobody knows the zone of its times', async () => {
    const http = await listen('text')
    const error = await refusal(at(http.port))
    expect(error.code).toBe('MCP_SERVER_UNUSABLE')
    expect(error.message).toContain('no zone')
  })

  test('that is not there is away, and no MCP server is none', async () => {
    const http = await listen('structured')
    await http.close()
    const away = await refusal({ url: `http://127.0.0.1:${http.port}/mcp?key=secret` })
    expect(away.code).toBe('MCP_SERVER_AWAY')
    expect(away.message).not.toContain('secret')

    const page = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>hi'))
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
    opened.push({ close: () => page.close() })
    expect((await refusal(at((page.address() as AddressInfo).port))).code).toBe('MCP_SERVER_UNUSABLE')
  })
})
