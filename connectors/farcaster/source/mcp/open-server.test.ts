import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { SECOND } from '../../../../common/time.ts'
import { connectTools, MAX_TOOLS } from './client.ts'
import { START } from './mcp.fixture.ts'
import { openServer, type ServerTarget } from './open-server.ts'
import { closeOpened, command, open, opened, posts, refusal, SINCE, textOf } from './servers.fixture.ts'

afterEach(closeOpened)

/** With a process that ended, or never was. */
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
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
    const again: string[] = []
    const server = await openServer(command('structured'), { onAgain: (why) => void again.push(why) })
    opened.push(server)
    const pid = Number(await textOf(server, 'pid'))
    expect(again).toEqual([])
    const [slow, died] = await Promise.all([posts(server, 'slow'), posts(server, 'die')])
    expect([slow, died]).toEqual([
      { outcome: 'away', why: 'the server has ended' },
      { outcome: 'away', why: 'the server has ended' },
    ])
    const pids = await Promise.all([1, 2, 3].map(() => textOf(server, 'pid')))
    expect(new Set(pids).size).toBe(1)
    expect(Number(pids[0])).not.toBe(pid)
    expect(again).toEqual(['the server has ended'])

    // Between two calls, too, when no answer tells of it.
    process.kill(Number(pids[0]), 'SIGKILL')
    await vi.waitFor(async () => expect((await posts(server, 'ok')).outcome).toBe('page'), {
      timeout: 60_000,
    })
    const last = Number(await textOf(server, 'pid'))
    expect(again).toEqual(Array(2).fill('the server has ended'))
    await server.close()
    expect(isAlive(last)).toBe(false)
    expect(await posts(server, 'ok')).toMatchObject({ outcome: 'away' })
  })

  test('that only is slow is kept, one that hangs is ended', async () => {
    // To start one may take longer than that, on a machine with much else to do.
    const server = await vi.waitFor(() => open(command('structured'), 1500), { timeout: 60_000 })
    const pid = await textOf(server, 'pid')
    expect(await posts(server, 'slow')).toEqual({ outcome: 'away', why: 'no answer within 1.5 s' })
    expect(await textOf(server, 'pid')).toBe(pid)
    expect(await posts(server, 'deaf')).toEqual({ outcome: 'away', why: 'no answer within 1.5 s' })
    await vi.waitFor(async () => expect(await textOf(server, 'pid')).toMatch(/^\d+$/), { timeout: 60_000 })
    expect(await textOf(server, 'pid')).not.toBe(pid)
    await server.close()
    expect(isAlive(Number(pid))).toBe(false)
  })

  test('may pass over a limit, but not without end', async () => {
    const server = await open(command('structured'))
    const why = 'its page has over 10000 entries'
    expect(await posts(server, 'crowded')).toMatchObject({ outcome: 'failed', why })
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

  test('may add blocks of kinds that nobody knows', async () => {
    const server = await open(command('structured'))
    expect(await posts(server, 'odd-blocks')).toMatchObject({ outcome: 'page', items: [{ fid: 1 }] })
    expect(await posts(server, 'no-blocks')).toMatchObject({
      outcome: 'failed',
      why: expect.stringContaining('no result'),
    })
  })

  test('may say on standard error as much as it likes', async () => {
    const server = await open(command('structured'))
    for (let i = 0; i < 5; i++) expect(await posts(server, 'noisy')).toMatchObject({ outcome: 'page' })
  })
})

test('of its tools so many are known', async () => {
  const client = await connectTools(command('text'))
  opened.push(client)
  expect(client.tools.size).toBe(MAX_TOOLS)
  expect(client.tools.has('get-channel-casts')).toBe(true)
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
    expect(await textOf(await open(command('text')), 'env')).toBe('UTC sv_SE.UTF-8 http://hub.example')
  })

  test('is told nothing else of our environment but what it is given', async () => {
    const secrets = ['DATABASE_URL', 'KAFKA_USER', 'SCHEMA_REGISTRY_URL', 'FCM_DATA_DIR', 'GIVEN']
    for (const name of secrets) vi.stubEnv(name, `secret of ${name}`)
    const target = { ...command('text'), env: { GIVEN: 'given' } } as ServerTarget
    const names = (await textOf(await open(target), 'names')).split(' ')
    expect(names).toEqual(expect.arrayContaining(['GIVEN', 'PATH', 'TZ']))
    expect(names.filter((name) => secrets.includes(name))).toEqual(['GIVEN'])
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
