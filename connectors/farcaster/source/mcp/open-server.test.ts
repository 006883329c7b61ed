import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FcmError } from '../../../../common/errors.ts'
import { SECOND } from '../../../../common/time.ts'
import type { FarcasterServer } from '../port.ts'
import { fixtureCast, type Kind, respond, START } from './mcp.fixture.ts'
import { openServer, type ServerTarget } from './open-server.ts'

const SINCE = START - 3600 * SECOND
const FIXTURE = new URL('mcp.fixture.ts', import.meta.url).pathname
const command = (kind: Kind, ...rest: string[]): ServerTarget => ({
  command: process.execPath,
  args: [FIXTURE, kind, ...rest],
})

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
async function open(target: ServerTarget, timeout = 20_000): Promise<FarcasterServer> {
  const server = await openServer(target, { timeout })
  opened.push(server)
  return server
}
const posts = (server: FarcasterServer, what: string, since = SINCE) =>
  server.posts(`https://x/${what}`, since)
const textOf = async (server: FarcasterServer, what: string): Promise<string> => {
  const answer = await posts(server, what)
  return answer.outcome === 'page' ? answer.items[0]!.text : answer.outcome
}
/** With a process that ended, or never was. */
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
async function refusal(target: ServerTarget, timeout = 20_000): Promise<FcmError> {
  const error = await openServer(target, { timeout }).then(
    () => null,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(FcmError)
  return error as FcmError
}

describe('a server with structured results', () => {
  test('gives messages, and hides nothing that is not one', async () => {
    const server = await open(command('structured'))
    expect(server.measures).toEqual(['posts', 'replies', 'reactions'])
    expect(await posts(server, 'misplaced')).toMatchObject({
      outcome: 'page',
      items: [
        {
          hash: Buffer.alloc(20),
          fid: 1,
          time: START,
          text: 'cast 0',
          parent: { url: 'https://x/misplaced' },
        },
      ],
      invalid: 4,
      from: SINCE,
      next: null,
      seconds: 3,
    })
    expect(await posts(server, 'unclean')).toMatchObject({ items: [{ text: 'a\uFFFDb\uFFFDc' }] })

    const paged = await posts(server, 'paged')
    const cursor = `since ${new Date(SINCE).toISOString()}`
    const from = START - 59 * SECOND
    expect(paged).toMatchObject({ from, next: { cursor: `${from}:${cursor}` }, invalid: 1 })

    for (const [what, why] of [
      ['wrong-shape', 'not as the schema has it (/casts/0/hash)'],
      ['bare', 'not as the schema has it'],
      ['unordered', 'not in the order of time'],
    ] as const)
      expect(await posts(server, what)).toMatchObject({
        outcome: 'failed',
        why: expect.stringContaining(why),
        retryAfter: 0,
      })
  })

  test('says what became of its hub', async () => {
    const server = await open(command('structured'))
    expect(await posts(server, 'refused')).toEqual({
      outcome: 'failed',
      why: 'the hub refused: HTTP status 429',
      retryAfter: 7,
      seconds: 2,
    })
    expect(await posts(server, 'unreachable')).toEqual({
      outcome: 'away',
      why: 'the hub does not answer',
    })
  })

  test('is started again by the next call, once for all that wait, after it died', async () => {
    const server = await open(command('structured'))
    const pid = Number(await textOf(server, 'pid'))
    const [slow, died] = await Promise.all([posts(server, 'slow'), posts(server, 'die')])
    expect([slow, died]).toEqual([
      { outcome: 'away', why: 'the server has ended' },
      { outcome: 'away', why: 'the server has ended' },
    ])
    const pids = await Promise.all([1, 2, 3].map(() => textOf(server, 'pid')))
    expect(new Set(pids).size).toBe(1)
    expect(Number(pids[0])).not.toBe(pid)

    process.kill(Number(pids[0]), 'SIGKILL')
    await vi.waitFor(async () => expect((await posts(server, 'ok')).outcome).toBe('page'), {
      timeout: 10_000,
    })
    const last = Number(await textOf(server, 'pid'))
    await server.close()
    expect(isAlive(last)).toBe(false)
    expect(await posts(server, 'ok')).toMatchObject({ outcome: 'away' })
  })

  test('that only is slow is kept, one that hangs is ended', async () => {
    // To start one may take longer than that.
    const server = await vi.waitFor(() => open(command('structured'), 700), { timeout: 10_000 })
    const pid = await textOf(server, 'pid')
    expect(await posts(server, 'slow')).toEqual({ outcome: 'away', why: 'no answer within 0.7 s' })
    expect(await textOf(server, 'pid')).toBe(pid)
    expect(await posts(server, 'deaf')).toEqual({ outcome: 'away', why: 'no answer within 0.7 s' })
    await vi.waitFor(async () => expect(await textOf(server, 'pid')).toMatch(/^\d+$/), { timeout: 10_000 })
    expect(await textOf(server, 'pid')).not.toBe(pid)
    await server.close()
    expect(isAlive(Number(pid))).toBe(false)
  })

  test('may not answer without end', async () => {
    const server = await openServer(command('structured'), { maxAnswer: 200_000 })
    opened.push(server)
    const tooLarge = { outcome: 'failed', why: 'its answer is too large', retryAfter: 0, seconds: 0 }
    expect(await posts(server, 'huge')).toEqual(tooLarge)
    expect(await posts(server, 'ok')).toMatchObject({ outcome: 'page' })
    // It ends the connection, and so the calls under way beside it: they are asked again.
    const all = await Promise.all(['ok', 'huge', 'late', 'huge'].map((what) => posts(server, what)))
    expect(all.map(({ outcome }) => outcome)).toEqual(['page', 'failed', 'page', 'failed'])
  })

  test('may say on standard error as much as it likes', async () => {
    const server = await open(command('structured'))
    for (let i = 0; i < 5; i++) expect(await posts(server, 'noisy')).toMatchObject({ outcome: 'page' })
  })
})

describe('a server with text results', () => {
  test('is asked for larger pages until one reaches back', async () => {
    const server = await open(command('text'))
    expect(server.measures).toEqual(['posts', 'reactions'])
    const first = await posts(server, '60')
    expect(first).toMatchObject({ next: { limit: 100 }, from: START - 24 * 60 * SECOND + SECOND })
    const second = await server.posts('https://x/60', SINCE, { limit: 100 })
    if (second.outcome !== 'page') throw new Error(second.why)
    // Sixty may be a cap: only what is on the page is proven.
    expect(second).toMatchObject({ next: null, from: START - 59 * 60 * SECOND + SECOND })
    expect(second.items.map(({ fid }) => fid)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    expect(await posts(server, '61', START - 5 * 60 * SECOND)).toMatchObject({
      next: null,
      from: START - 5 * 60 * SECOND,
    })
    expect(await server.posts('https://x/61', SINCE, { limit: 100 })).toMatchObject({
      next: null,
      from: SINCE,
    })
    expect(await posts(server, '0')).toMatchObject({ outcome: 'page', items: [], from: SINCE, next: null })
  })

  test('prints its times in UTC and one form, since it is started so, and is told the hub', async () => {
    vi.stubEnv('FCM_HUB', 'http://hub.example')
    vi.stubEnv('OTHER', 'secret')
    expect(await textOf(await open(command('text')), 'env')).toBe('UTC sv_SE.UTF-8 http://hub.example ')
    vi.unstubAllEnvs()
  })

  test('fails where it can tell nothing, in words', async () => {
    const server = await open(command('text'))
    expect(await server.channels()).toMatchObject({
      outcome: 'failed',
      why: expect.stringContaining('by their URL'),
    })
    // It would take it for a name, and make a URL of it.
    expect(await server.posts('eip155:1/erc721:0xab', SINCE)).toMatchObject({ outcome: 'failed' })
    const cast = { fid: 1, hash: Buffer.alloc(20) }
    expect(await server.reactions(cast, SINCE)).toMatchObject({ outcome: 'failed' })
    expect(await server.replies(cast, SINCE)).toMatchObject({ outcome: 'failed' })
  })
})

describe('what is no server', () => {
  /** Ends with its standard input. */
  const SILENT: ServerTarget = { command: process.execPath, args: ['-e', 'process.stdin.resume()'] }

  test('is refused for good where waiting would not help', async () => {
    const cases: [ServerTarget, string][] = [
      [{ command: 'no-such-command', args: [] }, 'ENOENT'],
      [{ command: 'cat', args: [] }, 'Method not found'],
      [{ command: '', args: [] }, 'it names no command'],
      [{ command: ' ', args: [] }, 'it names no command'],
      [{ command: 'a\0b', args: [] }, 'null bytes'],
      [{ command: process.execPath, args: ['\0'] }, 'null bytes'],
      [command('bare'), 'no tool get-channel-casts'],
      [{ url: 'ftp://x' }, 'no http(s) URL'],
      [{ url: 'http://user:secret@localhost/mcp' }, 'password'],
    ]
    for (const [target, why] of cases) {
      const error = await refusal(target)
      expect([error.code, error.retry]).toEqual(['MCP_SERVER_UNUSABLE', false])
      expect(error.message).toContain(why)
      expect(error.message).not.toContain('secret')
    }
  })

  test('is away where it may come', async () => {
    const dies = await refusal(command('text', 'no \u001b[31mhub', '3'))
    expect([dies.code, dies.retry]).toEqual(['MCP_SERVER_AWAY', true])
    expect(dies.message).toContain('its last words: no hub')
    const silent = await refusal(SILENT, 200)
    expect(silent.code).toBe('MCP_SERVER_AWAY')
  })

  test('is not waited for once connecting is given up', async () => {
    const given = new AbortController()
    const opening = openServer(SILENT, { signal: given.signal })
    void setTimeout(50).then(() => given.abort(new Error('enough')))
    await expect(opening).rejects.toThrow('enough')
  })
})

type Mode = 'json' | 'events' | 'broken events' | 'html' | 'no json' | 'no events' | 'error' | number

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
