import { afterEach, describe, expect, test } from 'vitest'
import { cast } from '../fixtures.ts'
import { HUB_SECONDS_HEADER, TOOLS } from '../tools.ts'
import type { Reply } from './fake-hub.fixture.ts'
import { asked, CAST, channel, closeAll, connect, follow, SUMMER, TIME } from './world.fixture.ts'

afterEach(closeAll)

test('nine tools are listed with schemas of arguments and results, read-only, and a word on strangers', async () => {
  const { client, tools } = await connect({})
  expect(tools.map(({ name }) => name)).toEqual(Object.keys(TOOLS))
  expect(tools).toHaveLength(9)
  for (const tool of tools) {
    expect(tool.annotations).toEqual({ readOnlyHint: true, openWorldHint: true })
    expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
    expect(tool.outputSchema).toMatchObject({ type: 'object' })
  }
  expect(client.getInstructions()).toContain('written by strangers')
  expect(client.getServerVersion()).toEqual({ name: 'farcaster', version: '1.2.3' })
})

test('get-user-profile', async () => {
  const { call } = await connect({
    names: {
      3: { DISPLAY: ' Dan\n\u202eR\u0007 ', USERNAME: 'dwr', BIO: 'one\ntwo', PFP: 'https://p.example' },
    },
  })
  const profile = await call('get-user-profile', { username: 'dwr' })
  expect(profile.text).toBe(`# Profile: Dan R

**FID:** 3
**Username:** dwr
**Display Name:** Dan R
**Bio:** one
two
**Profile Picture:** https://p.example
**URL:** N/A`)
  expect(profile.structured).toEqual({
    fid: 3,
    username: 'dwr',
    displayName: 'Dan R',
    bio: 'one\ntwo',
    pfp: 'https://p.example',
    url: null,
  })
  expect((await call('get-user-profile', { fid: 4 })).text).toBe('No profile data found for FID 4')
  expect(await call('get-user-profile')).toMatchObject({
    text: 'Please provide either a FID or username.',
    isError: true,
  })
})

test('list-channels', async () => {
  const long = `x\n${'y'.repeat(120)}`
  const channels = [
    channel('b', 'Bee', 5),
    channel('a', 'Ay', 5, { description: long }),
    channel('c', 'Sea', 9),
  ]
  const { call } = await connect({ channels })
  const first = await call('list-channels', { limit: 2 })
  expect(first.text).toBe(
    `# Farcaster Channels\n\n1. **Sea** (/c)\n   Followers: 9 | Members: 3\n   No description\n\n2. **Ay** (/a)\n   Followers: 5 | Members: 3\n   x ${'y'.repeat(98)}...`,
  )
  expect(first.structured.channels[1]).toEqual({
    id: 'a',
    url: 'https://channels.example/a/x',
    name: 'Ay',
    description: long,
    followers: 5,
    members: 3,
  })
  const second = await call('list-channels', { limit: 2, cursor: first.structured.cursor })
  expect(second.structured).toMatchObject({ channels: [{ id: 'b' }], cursor: null })
  const found = await call('list-channels', { search: 'SEA' })
  expect(found.text).toMatch('# Farcaster Channels matching "SEA"\n\n1. **Sea**')
  expect(found.structured.channels).toHaveLength(1)
  expect((await call('list-channels', { search: 'nope' })).text).toBe('No channels found matching "nope"')
  expect(await call('list-channels', { search: 'x', cursor: first.structured.cursor })).toMatchObject({
    isError: true,
    text: expect.stringContaining('cursor must be'),
  })
})

test('get-user-following and get-user-followers', async () => {
  const links = Array.from({ length: 12 }, (_, n) => follow(3, 100 + n))
  const { call, hub } = await connect({
    links: [...links, { data: { type: 'MESSAGE_TYPE_LINK_REMOVE' } }, null],
    names: { 100: { DISPLAY: 'Ann' } },
  })
  const { text, structured } = await call('get-user-following', { fid: 3, limit: 14 })
  expect(asked(hub, '/v1/userDataByFid')).toHaveLength(10)
  expect(structured.users[11]).toEqual({ fid: 111, name: null })
  const shown = Array.from({ length: 9 }, (_, n) => `- FID ${101 + n}: Unknown`).join('\n')
  expect(text).toBe(
    `# Following List for FID 3\n\n**Total shown:** 12\n\n- FID 100: Ann\n${shown}\n\n...and 2 more`,
  )
  expect(structured.users[0]).toEqual({ fid: 100, name: 'Ann' })
  const next = await call('get-user-following', { fid: 3, cursor: structured.cursor })
  expect(next.structured.cursor).toBeNull()
  expect(asked(hub, '/v1/linksByFid')[1]!.searchParams.get('pageToken')).toBe('more')

  // As proto3 has it.
  const { call: strings } = await connect({ links: [follow('3' as never, '7' as never)] })
  for (const [tool, fid] of [
    ['get-user-following', 7],
    ['get-user-followers', 3],
  ] as const)
    expect((await strings(tool, { fid: 1 })).structured.users).toEqual([{ fid, name: null }])

  const followers = await call('get-user-followers', { fid: 100 })
  expect(followers.text).toMatch('# Followers of FID 100\n\n**Total shown:** 12\n\n- FID 3: Unknown')
  expect(asked(hub, '/v1/linksByTargetFid')[0]!.searchParams.get('target_fid')).toBe('100')
  const { call: none } = await connect({})
  expect((await none('get-user-following', { fid: 3 })).text).toBe(
    'FID 3 is not following anyone or user not found.',
  )
  expect((await none('get-user-followers', { fid: 3 })).text).toBe(
    'FID 3 has no followers or user not found.',
  )
})

describe('authors', () => {
  test('are looked up once each, whoever asks', async () => {
    const posts = Array.from({ length: 30 }, (_, n) => ({
      ...cast(n + 1, TIME + n * 1000, SUMMER),
      fid: 1 + (n % 3),
    }))
    const { call, hub } = await connect({ posts, names: { 1: { DISPLAY: 'One' } } })
    const args = { channel: SUMMER, limit: 30 }
    const all = await Promise.all([call('get-channel-casts', args), call('get-channel-casts', args)])
    await call('get-channel-casts', args)
    for (const { structured } of all) expect(structured.casts.at(-1)).toMatchObject({ fid: 1, author: 'One' })
    expect(asked(hub, '/v1/userDataByFid')).toHaveLength(3)
  })

  test('are not looked up where they are not wanted', async () => {
    const { call, hub } = await connect({ posts: [cast(1, TIME, SUMMER)], names: { 1: { DISPLAY: 'One' } } })
    const { structured } = await call('get-channel-casts', { channel: SUMMER, authors: false })
    expect(structured.casts).toMatchObject([{ fid: 1, author: null }])
    expect(hub.requests).toHaveLength(1)
  })

  test('that can not be looked up, and their delays, are no matter', async () => {
    const { call } = await connect({
      posts: [cast(1, TIME, SUMMER)],
      first: (path) =>
        path === '/v1/userDataByFid'
          ? { status: 500, body: '', headers: { [HUB_SECONDS_HEADER]: '30' } }
          : undefined,
    })
    const { structured, text, meta } = await call('get-channel-casts', { channel: SUMMER })
    expect(structured.casts[0].author).toBeNull()
    expect(text).toContain('1. User 1\n')
    expect(meta).toBeUndefined()
  })
})

describe('what the hub did is told in _meta:', () => {
  const failing = (reply: Reply) =>
    connect({ first: (path) => (path === '/v1/castsByParent' ? reply : undefined) }, 0.5)

  const cases: [string, Reply, object][] = [
    ['500', { status: 500, json: { details: 'x' } }, { error: 'refused', status: 500 }],
    [
      '429',
      { status: 429, body: '', headers: { 'retry-after': '9' } },
      { error: 'refused', status: 429, retryAfter: 9 },
    ],
    ['503', { status: 503, body: '' }, { error: 'unreachable', status: 503 }],
    ['cut', { json: { messages: [] }, cut: 3 }, { error: 'broken' }],
    ['hang', { silent: true }, { error: 'broken' }],
    [
      'declared hang',
      { json: {}, headers: { [HUB_SECONDS_HEADER]: '3600' } },
      { error: 'broken', seconds: 0.5 },
    ],
    ['garbage', { json: { result: [] } }, { error: 'unreadable' }],
  ]
  test.each(cases)('%s', async (_name, reply, meta) => {
    const { call } = await failing(reply)
    const result = await call('get-channel-casts', { channel: SUMMER })
    expect(result).toMatchObject({ isError: true, structured: undefined })
    expect(result.meta).toEqual(meta)
    expect(result.text).toMatch(
      /^Error fetching channel casts: (Hubble API error|Failed to fetch from Hubble): /,
    )
  })

  test('an answer that took its time', async () => {
    const { call } = await failing({ json: { messages: [] }, headers: { [HUB_SECONDS_HEADER]: '0.25' } })
    const { isError, meta } = await call('get-channel-casts', { channel: SUMMER })
    expect(isError).toBe(false)
    expect(meta).toEqual({ seconds: 0.25 })
  })
})

describe('wrong arguments are told in words:', () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ['get-user-casts', {}, 'fid is missing'],
    ['get-user-casts', { fid: '3' }, `fid must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`],
    ['get-user-casts', { fid: 0 }, 'fid must be a whole number'],
    ['get-user-casts', { fid: 3, limit: 1001 }, 'limit must be a whole number from 1 to 1000'],
    ['get-user-casts', { fid: 3, limit: 1.5 }, 'limit must be a whole number from 1 to 1000'],
    [
      'get-user-casts',
      { fid: 3, count: 5 },
      '"count" is no argument of get-user-casts, which takes fid, limit, cursor, authors, since, until',
    ],
    [
      'get-user-casts',
      { fid: 3, ...Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x${n}`, n])) },
      '"x4" is no argument of get-user-casts, which takes fid, limit, cursor, authors, since, until; nor are 95 others.',
    ],
    ['get-user-casts', { fid: 3, authors: 1 }, 'authors must be true or false'],
    ['get-user-casts', { fid: 3, since: 'yesterday' }, 'since must be a time in ISO 8601, UTC, such as'],
    ['get-user-casts', { fid: 3, since: '2024-02-31T99:00:00Z' }, 'since must be a time that exists'],
    ['get-user-casts', { fid: 3, since: '2024-02-30T00:00:00Z' }, 'since must be a time that exists'],
    [
      'get-user-casts',
      { fid: 3, since: '2024-02-05T00:00:00Z', until: '2024-02-05T00:00:00Z' },
      'since must be before until',
    ],
    ['get-user-casts', { fid: 3, cursor: 'zzz' }, 'cursor must be the `cursor` of a result'],
    ['get-cast-replies', { fid: 3, hash: '0x12' }, 'hash must be 0x and 40 hex digits'],
    ['get-cast-reactions', { fid: 3, hash: CAST, type: 'like' }, 'type must be one of likes, recasts, all'],
    ['get-channel-casts', { channel: '' }, 'channel must be a string of 1 to 1024 characters'],
  ]
  test.each(cases)('%s %j', async (tool, args, words) => {
    const { call, hub } = await connect({})
    const result = await call(tool, args)
    expect(result).toMatchObject({ isError: true, meta: undefined, structured: undefined })
    expect(result.text).toMatch(`Wrong arguments: `)
    expect(result.text).toContain(words)
    expect(hub.requests).toHaveLength(0)
  })

  test('a tool that is not there', async () => {
    const { client } = await connect({})
    await expect(client.callTool({ name: 'post-cast' })).rejects.toThrow('There is no tool "post-cast"')
  })
})
