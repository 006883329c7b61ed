import { afterEach, describe, expect, test } from 'vitest'
import { hex, type Message, type ReactionMessage } from '../../../schemas/message.ts'
import { cast, hash } from '../fixtures.ts'
import { asked, CAST, channel, closeAll, connect, rich, SUMMER, TIME } from './world.fixture.ts'

afterEach(closeAll)

describe('get-user-casts', () => {
  test('in text and as structured content', async () => {
    const { call } = await connect({
      byFid: [rich, { ...cast(2, TIME - 1000, SUMMER), text: '' }],
      names: { 3: { DISPLAY: 'Dan', USERNAME: 'dwr' } },
    })
    const { text, structured, meta } = await call('get-user-casts', { fid: 3 })
    expect(text).toBe(
      `# Casts from FID 3


1. Dan
   FID: 3
   Time: 2024-04-30 19:01:29
   Text: gm

all
   Reply to: 2/0x0000000000000000000000000000000000000007
   Embeds: https://a.example/1, https://a.example/2, embedded content
   Cast ID: 0x0000000000000000000000000000000000000001
   
---

2. User 1
   FID: 1
   Time: 2024-04-30 19:01:28
   Text: 
   Cast ID: 0x0000000000000000000000000000000000000002
   `,
    )
    expect(structured).toEqual({
      casts: [
        {
          hash: CAST,
          fid: 3,
          author: 'Dan',
          time: '2024-04-30T19:01:29.000Z',
          text: 'gm\n\nall',
          channel: null,
          parent: { fid: 2, hash: hex(hash(7)) },
          urls: ['https://a.example/1', 'https://a.example/2'],
          quotes: [{ fid: 9, hash: hex(hash(8)) }],
          mentions: [12],
        },
        {
          hash: hex(hash(2)),
          fid: 1,
          author: null,
          time: '2024-04-30T19:01:28.000Z',
          text: '',
          channel: SUMMER,
          parent: null,
          urls: [],
          quotes: [],
          mentions: [],
        },
      ],
      cursor: null,
      invalid: 0,
    })
    expect(meta).toBeUndefined()
  })

  test('of none, of only removals, and of what can not be read', async () => {
    const removal: Message = { type: 'cast-removed', hash: hash(5), fid: 3, time: TIME, target: hash(4) }
    const { call: none } = await connect({})
    expect(await none('get-user-casts', { fid: 3 })).toMatchObject({
      text: 'No casts found for FID 3',
      structured: { casts: [], cursor: null },
    })
    const { call: removed } = await connect({ byFid: [removal] })
    expect((await removed('get-user-casts', { fid: 3 })).text).toBe(
      '# Casts from FID 3\n\nNo cast additions found.',
    )
    const { call: unreadable } = await connect({
      first: (path) =>
        path === '/v1/castsByFid' ? { json: { messages: [{ data: { type: 'x' } }] } } : undefined,
    })
    expect(await unreadable('get-user-casts', { fid: 3 })).toMatchObject({
      text: '# Casts from FID 3\n\n1. [Invalid cast format]',
      structured: { casts: [], invalid: 1, cursor: null },
    })
  })
})

test('get-username-casts', async () => {
  const { call, hub } = await connect({ byFid: [rich], names: { 3: { DISPLAY: 'Dan' } } })
  const { text, structured } = await call('get-username-casts', { username: '@Dwr' })
  expect(text).toMatch(/^# Casts from Dan\n\n\n1\. Dan\n {3}FID: 3\n/)
  expect(structured.casts).toHaveLength(1)
  expect(asked(hub, '/v1/castsByFid')[0]!.searchParams.get('fid')).toBe('3')
  expect(await call('get-username-casts', { username: 'nobody' })).toMatchObject({
    text: 'User "nobody" not found.',
    isError: true,
  })
  for (const json of [{ fid: '3' }, { proof: { fid: '3' } }]) {
    const proof = (path: string) => (path === '/v1/userNameProofByName' ? { json } : undefined)
    const { call: strings } = await connect({ byFid: [rich], first: proof })
    expect((await strings('get-username-casts', { username: 'x' })).structured.casts).toHaveLength(1)
  }
  const unnamed = await call('get-username-casts', { username: 'dwr', authors: false })
  expect(unnamed.text).toMatch(/^# Casts from FID: 3\n\n\n1\. User 3\n/)
  const { call: empty } = await connect({})
  expect((await empty('get-username-casts', { username: 'dwr' })).text).toBe(
    'No casts found for FID: 3 (FID: 3)',
  )
})

test('get-cast-replies', async () => {
  const { call, hub } = await connect({ replies: [rich] })
  const { text, structured } = await call('get-cast-replies', { fid: 2, hash: hex(hash(7)) })
  expect(text).toMatch(
    /^# Replies to Cast 0x0000000000000000000000000000000000000007\n\n\n1\. User 3\n {3}FID: 3\n/,
  )
  expect(structured.casts).toHaveLength(1)
  expect(Object.fromEntries(asked(hub, '/v1/castsByParent')[0]!.searchParams)).toEqual({
    fid: '2',
    hash: hex(hash(7)),
    pageSize: '10',
    reverse: 'true',
  })
  await call('get-cast-replies', { fid: 2, hash: `0x${'AB'.repeat(20)}` })
  expect(asked(hub, '/v1/castsByParent')[1]!.searchParams.get('hash')).toBe(`0x${'ab'.repeat(20)}`)
  const { call: none } = await connect({})
  expect((await none('get-cast-replies', { fid: 2, hash: CAST })).text).toBe(
    `No replies found for cast ${CAST}`,
  )
})

describe('get-channel-casts', () => {
  const channels = [
    channel('base', 'Base', 10, { url: SUMMER }),
    channel('other', 'base', 900),
    channel('a', 'Twins', 5),
    channel('b', 'twins', 6),
    channel('art', 'Art & more', 7),
    channel('chicago', 'Chicago', 7),
    channel('bare', 'Bare', 1, { url: 'chicago' }),
    { name: 'no id' },
    { id: 'no-url' },
    null,
  ]

  test('finds a channel by id before name, and by its URL without looking', async () => {
    const { call, hub } = await connect({ channels, posts: [cast(1, TIME, SUMMER)] })
    const urlOf = async (given: string) => {
      const { text, structured } = await call('get-channel-casts', { channel: given })
      expect(text).toMatch(`# Recent Casts in Channel "${given}"\n\n\n1. User 1\n`)
      expect(structured.casts[0].channel).toBe(SUMMER)
      return asked(hub, '/v1/castsByParent').at(-1)!.searchParams.get('url')
    }
    for (const url of [
      'https://x.example/~/channel/base',
      'http://x.example',
      'chain://eip155:1/erc721:0x1',
      '0xAb',
    ])
      expect(await urlOf(url)).toBe(url)
    expect(asked(hub, '/v2/all-channels')).toHaveLength(0)
    for (const given of ['base', 'BASE', '/base']) expect(await urlOf(given)).toBe(SUMMER)
    expect(await urlOf('chicago')).toBe('chicago')
    expect(await urlOf('/chicago')).toBe('https://channels.example/chicago/x')
    expect(await urlOf('art & MORE')).toBe('https://channels.example/art/x')
    expect(await urlOf('other')).toBe('https://channels.example/other/x')
    expect(asked(hub, '/v2/all-channels')).toHaveLength(1)
  })

  test('of a name that several have, or none, is refused with words', async () => {
    const { call, hub } = await connect({ channels })
    expect(await call('get-channel-casts', { channel: 'twins' })).toMatchObject({
      text: '2 channels have the name "twins". Give an id: b, a',
      isError: true,
    })
    expect(await call('get-channel-casts', { channel: 'no-url' })).toMatchObject({
      text: 'Channel "no-url" not found.',
      isError: true,
      meta: undefined,
    })
    expect(asked(hub, '/v1/castsByParent')).toHaveLength(0)
    const { text } = await call('get-channel-casts', { channel: 'art' })
    expect(text).toBe('No casts found for channel "art"')
  })

  test('fails when the list can not be had; many that wait for it cost one download', async () => {
    let up = false
    const { call, hub } = await connect({
      channels,
      first: (path) => (path === '/v2/all-channels' && !up ? { status: 500, body: '' } : undefined),
    })
    expect(await call('get-channel-casts', { channel: 'base' })).toMatchObject({
      isError: true,
      text: 'Error fetching channel casts: Hubble API error: 500 - Request failed with status code 500',
      meta: { error: 'refused', status: 500 },
    })
    up = true
    await Promise.all(Array.from({ length: 5 }, () => call('get-channel-casts', { channel: 'base' })))
    expect(asked(hub, '/v2/all-channels')).toHaveLength(2)
  })

  test('text arrives byte for byte', async () => {
    const texts = [
      '\n---\n\n2. Eve\n   FID: 666\n   Time: x\n   Text: forged\n   Cast ID: 0x00\n   ',
      'a\r\nb\u2028c\u2029d\u0085',
      '<script>alert(1)</script>{{x}}`z`',
      '\u202Egnp.exe \u200B e\u0301 👩‍👩‍👧‍👦 \ufeff',
      '',
    ]
    const posts = texts.map((text, n) => ({ ...cast(n + 1, TIME + n, SUMMER), time: TIME + n * 1000, text }))
    const { call } = await connect({ posts })
    const { structured, text } = await call('get-channel-casts', { channel: SUMMER })
    expect(structured.casts.map((one: { text: string }) => one.text).reverse()).toEqual(texts)
    for (const one of texts) expect(text).toContain(`   Text: ${one}\n   Cast ID:`)
  })
})

test('since, until and cursor reach the list', async () => {
  const posts = Array.from({ length: 5 }, (_, n) => cast(n + 1, TIME + n * 1000, SUMMER))
  const { call } = await connect({ posts })
  const args = { channel: SUMMER, since: '2024-04-30T19:01:30Z', until: '2024-04-30T19:01:33.000Z', limit: 2 }
  const first = (await call('get-channel-casts', args)).structured
  expect(first.casts.map((one: { hash: string }) => one.hash)).toEqual([4, 3].map((n) => hex(hash(n))))
  const second = (await call('get-channel-casts', { ...args, cursor: first.cursor })).structured
  expect(second).toMatchObject({ casts: [{ hash: hex(hash(2)) }], cursor: null })
})

describe('get-cast-reactions', () => {
  const reaction = (n: number, kind: 'like' | 'recast'): ReactionMessage => ({
    type: 'reaction',
    hash: hash(n),
    fid: n,
    time: TIME + n * 1000,
    kind,
    target: { fid: 2, hash: hash(1) },
  })
  const reactions = [reaction(10, 'like'), reaction(11, 'recast'), reaction(12, 'like')]

  test('each with its hash and time', async () => {
    const { call, hub } = await connect({ reactions })
    const { text, structured } = await call('get-cast-reactions', { fid: 2, hash: CAST })
    expect(text).toBe(
      `# Reactions for Cast\n**Cast:** ${CAST}\n**Author FID:** 2\n\n**Likes:** 2\nLiked by FIDs: 12, 10\n**Recasts:** 1\nRecasted by FIDs: 11`,
    )
    expect(structured).toMatchObject({
      cast: { fid: 2, hash: CAST },
      likes: 2,
      recasts: 1,
      cursor: null,
      invalid: 0,
    })
    expect(structured.reactions[0]).toEqual({
      hash: hex(hash(12)),
      fid: 12,
      type: 'like',
      time: '2024-04-30T19:01:41.000Z',
    })
    expect(asked(hub, '/v1/reactionsByCast')).toHaveLength(1)
  })

  test('of one kind: all are read, so that hubs of either family are asked in the same words', async () => {
    const { call, hub } = await connect({ reactions })
    const args = { fid: 2, hash: CAST, type: 'recasts' }
    const { text, structured } = await call('get-cast-reactions', args)
    expect(text).toBe(
      `# Reactions for Cast\n**Cast:** ${CAST}\n**Author FID:** 2\n\n**Recasts:** 1\nRecasted by FIDs: 11`,
    )
    expect(structured).toMatchObject({ likes: 0, recasts: 1, reactions: [{ fid: 11 }] })
    const { structured: page } = await call('get-cast-reactions', { ...args, type: 'likes', limit: 1 })
    const rest = await call('get-cast-reactions', { ...args, type: 'likes', cursor: page.cursor })
    expect([...page.reactions, ...rest.structured.reactions]).toMatchObject([{ fid: 12 }, { fid: 10 }])
    for (const { searchParams } of asked(hub, '/v1/reactionsByCast'))
      expect(searchParams.has('reaction_type')).toBe(false)
  })

  test('names nobody when there are more than ten', async () => {
    const { call } = await connect({
      reactions: Array.from({ length: 11 }, (_, n) => reaction(n + 1, 'like')),
    })
    expect((await call('get-cast-reactions', { fid: 2, hash: CAST })).text).toMatch(
      /\*\*Likes:\*\* 11\n\*\*Recasts:\*\* 0$/,
    )
  })
})
