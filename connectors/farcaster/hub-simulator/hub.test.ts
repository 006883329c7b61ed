import { type OutgoingHttpHeaders, request } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DAY, MINUTE, SECOND } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import { hash } from '../fixtures.ts'
import { drivenClock, ownClock } from './clock.ts'
import {
  castRemoved,
  dataOf,
  hashes,
  hex,
  like,
  openHub,
  type Page,
  post,
  recast,
  stamp,
  T,
  unlike,
} from './hub.fixture.ts'
import { createHub, type Hub } from './hub.ts'

const MESSAGES: Message[] = [
  post(1, T, {
    text: 'a ☕️\n---\n"b"',
    mentions: [5],
    urls: ['https://x.org'],
    quotes: [{ fid: 9, hash: hash(9) }],
  }),
  post(2, T + SECOND, { parent: { cast: { fid: 1, hash: hash(1) } }, fid: 2 }),
  post(3, T + 2 * SECOND),
  castRemoved(4, T + 3 * SECOND, 3),
  like(5, T + 4 * SECOND, 2, 1),
  recast(6, T + 5 * SECOND, 2, 1),
  like(7, T + 6 * SECOND, 4, 1),
  unlike(8, T + 7 * SECOND, 4, 1),
]

const FIRST = {
  data: {
    fid: 1,
    timestamp: stamp(T),
    network: 'FARCASTER_NETWORK_MAINNET',
    type: 'MESSAGE_TYPE_CAST_ADD',
    castAddBody: {
      embedsDeprecated: [],
      mentions: [5],
      parentCastId: null,
      parentUrl: 'https://a.org',
      text: 'a ☕️\n---\n"b"',
      embeds: [{ url: 'https://x.org' }, { castId: { fid: 9, hash: hex(9) } }],
      mentionsPositions: [0],
    },
  },
  hash: hex(1),
  hashScheme: 'HASH_SCHEME_BLAKE3',
}

describe('the API', () => {
  let hub: Awaited<ReturnType<typeof openHub>>
  beforeAll(async () => {
    hub = await openHub(MESSAGES, T + MINUTE)
  })
  afterAll(() => hub.close())

  const page = async (path: string) => hashes(await hub.get<Page>(path))
  const refusal = async (path: string) => {
    const response = await fetch(hub.url + path)
    const type = response.headers.get('content-type')
    return [response.status, type === 'application/json' ? await response.json() : await response.text()]
  }

  it('gives a cast by id, with nulls printed and hashes in hex', async () => {
    expect(await hub.get(`/v1/castById?fid=1&hash=${hex(1)}`)).toEqual(FIRST)
    expect(await hub.get(`/v1/castById?fid=2&hash=${hex(2)}`)).toMatchObject({
      data: { castAddBody: { parentCastId: { fid: 1, hash: hex(1) }, parentUrl: null } },
    })
  })

  it('gives what an account said, removals in place of what they removed, their targets in base64', async () => {
    expect(await hub.get('/v1/castsByFid?fid=1')).toEqual({
      messages: [
        FIRST,
        {
          data: {
            fid: 1,
            timestamp: stamp(T + 3 * SECOND),
            network: 'FARCASTER_NETWORK_MAINNET',
            type: 'MESSAGE_TYPE_CAST_REMOVE',
            castRemoveBody: { targetHash: hash(3).toString('base64') },
          },
          hash: hex(4),
          hashScheme: 'HASH_SCHEME_BLAKE3',
        },
      ],
      nextPageToken: '',
    })
    const from = `startTimestamp=${stamp(T + SECOND)}`
    expect(await page(`/v1/castsByFid?fid=1&${from}`)).toEqual([hex(4)])
    expect(await page(`/v1/castsByFid?fid=1&stopTimestamp=${stamp(T)}`)).toEqual([hex(1)])
  })

  it('finds posts by URL, replies by cast, casts by mention: adds only', async () => {
    expect(await page('/v1/castsByParent?url=https%3A%2F%2Fa.org')).toEqual([hex(1)])
    expect(await page('/v1/castsByParent?url=https://a.org/')).toEqual([])
    expect(await page(`/v1/castsByParent?fid=1&hash=${hex(1)}`)).toEqual([hex(2)])
    expect(await page('/v1/castsByMention?fid=5')).toEqual([hex(1)])
  })

  it('gives reactions by target, of any kind or one, by each name it has', async () => {
    const of = `/v1/reactionsByCast?target_fid=1&target_hash=${hex(1)}`
    expect(await page(of)).toEqual([hex(5), hex(6)])
    for (const name of ['Like', 'REACTION_TYPE_LIKE', '1']) {
      expect(await page(`${of}&reaction_type=${name}`)).toEqual([hex(5)])
    }
    for (const name of ['Recast', 'REACTION_TYPE_RECAST', '2']) {
      expect(await page(`${of}&reaction_type=${name}`)).toEqual([hex(6)])
    }
    expect(await hub.get(`${of}&pageSize=1`)).toMatchObject({
      messages: [
        {
          data: {
            type: 'MESSAGE_TYPE_REACTION_ADD',
            reactionBody: { type: 'REACTION_TYPE_LIKE', targetCastId: { fid: 1, hash: hex(1) } },
          },
        },
      ],
    })
    expect(await page('/v1/reactionsByTarget?url=https://a.org')).toEqual([])
  })

  it('tells about itself', async () => {
    const shard = (shardId: number, numMessages: number, numFidRegistrations: number) => ({
      shardId,
      maxHeight: stamp(T) / 60,
      numMessages,
      numFidRegistrations,
    })
    expect(await hub.get('/v1/info')).toEqual({
      dbStats: { numMessages: 6, numFidRegistrations: 3 },
      numShards: 2,
      shardInfos: [shard(1, 4, 2), shard(2, 2, 1)],
      version: 'fcm hub',
    })
  })

  it('lists channels', async () => {
    expect(await hub.get('/v2/all-channels')).toEqual({
      result: {
        channels: [
          {
            id: 'a',
            url: 'https://a.org',
            name: 'a',
            description: 'All about a.',
            leadFid: 1,
            createdAt: 5,
            followerCount: 7,
            memberCount: 2,
          },
        ],
      },
    })
  })

  it('refuses as Snapchain does', async () => {
    const invalid = (text: string) => [400, `Invalid query parameters: ${text}`]
    expect(await refusal('/v1/castsByFid?fid=1&reverse=1')).toEqual(invalid('reverse: invalid value'))
    expect(await refusal('/v1/castsByFid')).toEqual(invalid('missing field `fid`'))
    expect(await refusal('/v1/castsByFid?fid=-1')).toEqual(invalid('fid: invalid value'))
    expect(await refusal('/v1/castsByFid?fid=1&pageSize=ten')).toEqual(invalid('pageSize: invalid value'))
    expect(await refusal('/v1/castById?fid=1&hash=0x12')).toEqual(invalid('hash: invalid value'))
    expect(
      await refusal(`/v1/reactionsByCast?target_fid=1&target_hash=${hex(1)}&reaction_type=Love`),
    ).toEqual(invalid('reaction_type: unknown variant'))
    const missing = [400, { error: 'not_found', error_detail: 'cast not found' }]
    expect(await refusal(`/v1/castById?fid=1&hash=${hex(3)}`)).toEqual(missing)
    expect(await refusal('/v1/castsByParent?fid=1')).toMatchObject([
      400,
      { error: 'bad_request.invalid_param' },
    ])
    expect(await refusal('/v1/castsByFid?fid=1&pageToken=AAAA')).toMatchObject([
      400,
      { error_detail: 'invalid page token' },
    ])
    for (const path of ['/', '/v1/cast', '/v1/castsByFid/', '/v2/channels', '/clock']) {
      expect(await refusal(path)).toEqual([404, 'Not Found'])
    }
    const post = await fetch(`${hub.url}/v1/info`, { method: 'POST', body: '{}' })
    expect(post.status).toBe(404)
  })

  it('refuses as Hubble did, when told to', async () => {
    const other = await openHub(MESSAGES, T + MINUTE, { errors: 'hubble' })
    const response = await fetch(`${other.url}/v1/castById?fid=1&hash=${hex(3)}`)
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        errCode: 'not_found',
        presentable: false,
        name: 'HubError',
        code: 5,
        details: 'cast not found',
        metadata: { errcode: ['not_found'], 'content-type': ['application/grpc+proto'] },
      },
    ])
    expect(hashes(await other.get('/v1/castsByFid?fid=1&reverse=1'))).toEqual([hex(4), hex(1)])
    await other.close()
  })
})

describe('pages', () => {
  const LIST = '/v1/castsByParent?url=https://a.org'
  // Hashes that put a plus sign into a token.
  const plus = (n: number) => Buffer.concat([Buffer.from('fbefbe', 'hex'), hash(n).subarray(3)])
  const MANY = Array.from({ length: 23 }, (_, i) =>
    post(i, T + Math.floor(i / 4) * SECOND, { hash: plus(i) }),
  )
  const name = (n: number) => `0x${plus(n).toString('hex')}`

  it('lead through everything once, each way and in any size; the last, when full, has an empty one behind it', async () => {
    const hub = await openHub(MANY, T + MINUTE)
    const all = MANY.map((_, i) => name(i))
    const read = async (size: number, reverse: boolean, names: readonly string[]) => {
      const pages: string[][] = []
      for (let token = ''; pages.length === 0 || token !== ''; ) {
        const next = token === '' ? '' : `&${names[1]}=${token}`
        const page = await hub.get<Page>(`${LIST}&${names[0]}=${size}&reverse=${reverse}${next}`)
        pages.push(hashes(page))
        token = page.nextPageToken
      }
      return pages
    }
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        fc.constantFrom(['pageSize', 'pageToken'], ['page_size', 'page_token']),
        async (size, reverse, names) => {
          const pages = await read(size, reverse, names)
          expect(pages.flat()).toEqual(reverse ? all.toReversed() : all)
          expect(pages.slice(0, -1).every((page) => page.length === size)).toBe(true)
          expect(pages.length).toBe(Math.floor(23 / size) + 1)
        },
      ),
      { numRuns: 20 },
    )
    await hub.close()
  })

  it('stay right while messages come', async () => {
    const clock = drivenClock()
    const hub = await createHub({ data: dataOf(MANY), clock })
    const get = async (more: string) => (await (await fetch(`${hub.url}${LIST}${more}`)).json()) as Page
    clock.set(T + 2 * SECOND)
    const newest = await get('&reverse=true&pageSize=5')
    const oldest = await get('&pageSize=5')
    clock.set(T + MINUTE)
    const next = encodeURIComponent(newest.nextPageToken)
    expect(hashes(await get(`&reverse=true&pageToken=${next}`))).toEqual([6, 5, 4, 3, 2, 1, 0].map(name))
    expect(hashes(await get(`&pageToken=${encodeURIComponent(oldest.nextPageToken)}`))).toEqual(
      Array.from({ length: 18 }, (_, i) => name(i + 5)),
    )
    await hub.close()
  })

  it('have 1,000 messages at most, and without being asked', async () => {
    const hub = await openHub(
      Array.from({ length: 1001 }, (_, i) => post(i, T)),
      T,
    )
    for (const size of ['', '&pageSize=5000', '&pageSize=0']) {
      const page = await hub.get<Page>(`${LIST}${size}`)
      expect(page.messages).toHaveLength(1000)
      expect(page.nextPageToken).not.toBe('')
    }
    await hub.close()
  })
})

describe('the clock', () => {
  const put = async (hub: Hub, body: string) => {
    const response = await fetch(`${hub.url}/clock`, { method: 'PUT', body })
    return [response.status, await response.json()]
  }

  it('is set from outside, where it is driven: never back, and nothing is told before', async () => {
    const hub = await createHub({ data: dataOf(MESSAGES), clock: drivenClock() })
    for (const path of ['/v1/info', '/v1/castsByFid?fid=1', '/v2/all-channels']) {
      const response = await fetch(hub.url + path)
      expect([response.status, await response.json()]).toEqual([
        503,
        { error: 'unavailable', error_detail: 'the clock is not set yet' },
      ])
    }
    const visible = async () =>
      hashes((await (await fetch(`${hub.url}/v1/castsByParent?url=https://a.org`)).json()) as Page)
    expect(await put(hub, `{"now":${T}}`)).toEqual([200, { now: T }])
    expect(await visible()).toEqual([hex(1)])
    expect(await put(hub, `{"now":${T + 2 * SECOND}}`)).toEqual([200, { now: T + 2 * SECOND }])
    expect(await visible()).toEqual([hex(1), hex(3)])
    expect((await put(hub, `{"now":${T + 2 * SECOND}}`))[0]).toBe(200)
    expect((await put(hub, `{"now":${T}}`))[0]).toBe(409)
    for (const body of ['', '{}', '{"now":"1"}', '{"now":1.5}', 'null', `"${'x'.repeat(2000)}"`]) {
      expect((await put(hub, body))[0]).toBe(400)
    }
    expect(await visible()).toEqual([hex(1), hex(3)])
    await hub.close()
  })

  it('is not set by a web page', async () => {
    const hub = await createHub({ data: dataOf(MESSAGES), clock: drivenClock() })
    const status = (headers: OutgoingHttpHeaders) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${hub.url}/clock`, { method: 'PUT', headers }, (response) => {
          resolve(response.resume().statusCode)
        })
          .on('error', reject)
          .end(`{"now":${T}}`)
      })
    expect(await status({ origin: 'http://evil.example' })).toBe(403)
    expect(await status({ host: 'evil.example' })).toBe(421)
    expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await status({ origin: 'http://localhost:5173' })).toBe(403)
    expect((await fetch(`${hub.url}/v1/info`)).status).toBe(503)
    expect(await status({})).toBe(200)
    await hub.close()
  })

  it('else runs by itself, at its speed or not at all, and can’t be set', async () => {
    const hub = await createHub({ data: dataOf(MESSAGES), clock: ownClock(T, 0) })
    expect((await put(hub, `{"now":${T + DAY}}`))[0]).toBe(409)
    await hub.close()
    const fast = ownClock(T, 1_000_000)
    expect(fast.now()).toBe(T)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(fast.now()).toBeGreaterThanOrEqual(T + 15_000 * SECOND)
  })
})
