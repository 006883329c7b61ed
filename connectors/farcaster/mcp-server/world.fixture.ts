/** A hub of a world that a test makes, and a client of our server over it. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { type CastMessage, hex, type Message } from '../../../schemas/message.ts'
import { cast, hash } from '../fixtures.ts'
import { HUB_META } from '../tools.ts'
import { type FakeHub, fakeHub, pageOf, type Reply } from './fake-hub.fixture.ts'
import { farcasterMcp } from './server.ts'

export const TIME = Date.UTC(2024, 3, 30, 19, 1, 29)
export const SUMMER = 'https://onchainsummer.xyz'
export const CAST = hex(hash(1))

const closing: (() => unknown)[] = []
/** For `afterEach`: ends all that `connect` has made. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).reverse()) await close()
}

export const userData = (values: Record<string, string>): Reply => ({
  json: {
    messages: Object.entries(values).map(([type, value]) => ({
      data: { type: 'MESSAGE_TYPE_USER_DATA_ADD', userDataBody: { type: `USER_DATA_TYPE_${type}`, value } },
    })),
    nextPageToken: '',
  },
})
export const follow = (fid: number, targetFid: number) => ({
  data: { type: 'MESSAGE_TYPE_LINK_ADD', fid, linkBody: { type: 'follow', targetFid } },
})
export const channel = (id: string, name: string, followerCount: number, more = {}) => ({
  id,
  name,
  url: `https://channels.example/${id}/x`,
  followerCount,
  memberCount: 3,
  ...more,
})

export type World = {
  posts?: Message[]
  replies?: Message[]
  byFid?: Message[]
  reactions?: Message[]
  channels?: unknown[]
  names?: Record<string, Record<string, string>>
  links?: unknown[]
  /** Answers first. */
  first?: (path: string, query: URLSearchParams) => Reply | undefined
}

/** A client of our server over a hub of this world. */
export async function connect(world: World, timeout = 5) {
  const hub: FakeHub = await fakeHub((path, query) => {
    const special = world.first?.(path, query)
    if (special) return special
    switch (path) {
      case '/v1/castsByParent':
        return {
          json: pageOf((query.has('url') ? world.posts : world.replies) ?? [], query),
        }
      case '/v1/castsByFid':
        return { json: pageOf(world.byFid ?? [], query) }
      case '/v1/reactionsByCast':
        return { json: pageOf(world.reactions ?? [], query) }
      case '/v1/userDataByFid':
        return userData(world.names?.[query.get('fid')!] ?? {})
      case '/v1/userNameProofByName':
        return query.get('name') === 'dwr'
          ? { json: { name: 'dwr', fid: 3 } }
          : { status: 400, json: { error: 'not_found' } }
      case '/v1/linksByFid':
      case '/v1/linksByTargetFid':
        return {
          json: { messages: world.links ?? [], nextPageToken: query.has('pageToken') ? null : 'more' },
        }
      case '/v2/all-channels':
        return { json: { result: { channels: world.channels ?? [] } } }
      default:
        return undefined
    }
  })
  const mcp = farcasterMcp({ hub: `${hub.url}/v1/`, timeout, version: '1.2.3' })
  const client = new Client({ name: 'test', version: '1' })
  const [near, far] = InMemoryTransport.createLinkedPair()
  await mcp.server().connect(far)
  await client.connect(near)
  // From here on the client holds structured results against the schemas.
  const { tools } = await client.listTools()
  closing.push(hub.close, mcp.close, () => client.close())
  return {
    hub,
    client,
    tools,
    async call(name: string, args: Record<string, unknown> = {}) {
      const result = (await client.callTool({ name, arguments: args })) as CallToolResult
      const [block, ...others] = result.content
      if (block?.type !== 'text' || others.length > 0) throw new Error('one text block is wanted')
      return {
        text: block.text,
        // biome-ignore lint/suspicious/noExplicitAny: the client has validated it
        structured: result.structuredContent as any,
        isError: result.isError === true,
        meta: result._meta?.[HUB_META],
      }
    },
  }
}

export const asked = (hub: FakeHub, path: string) => hub.requests.filter(({ pathname }) => pathname === path)

export const rich: CastMessage = {
  ...cast(1, TIME, null),
  fid: 3,
  text: 'gm\n\nall',
  parent: { cast: { fid: 2, hash: hash(7) } },
  urls: ['https://a.example/1', 'https://a.example/2'],
  quotes: [{ fid: 9, hash: hash(8) }],
  mentions: [12],
}
