/** A Farcaster MCP server, ours or anyone's of manimohans/farcaster-mcp's kind, as the source sees it. */
import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { DAY, SECOND } from '../../../common/time.ts'
import type { CastId, CastMessage } from '../../../schemas/message.ts'
import type { Measure } from '../../../schemas/records.ts'
import { HUB_META, type HubMeta, MAX_LIMIT, type ToolName } from '../tools.ts'
import { type ClientOptions, connectTools, type ToolClient } from './client.ts'
import { printable } from './failures.ts'
import { type Abilities, pageRequest, proof } from './paging.ts'
import type { Answer, Counts, FarcasterServer, PageKey } from './server.ts'
import { type Page, type Place, readCasts, readChannels, readReactions } from './structured.ts'
import { channelFrame, type Frame, readCastText, readReactionText, repliesFrame } from './text.ts'
import type { ServerTarget } from './transport.ts'

export type { ServerTarget } from './transport.ts'

const OPTIONAL = { replies: 'get-cast-replies', reactions: 'get-cast-reactions' } as const

/**
 * Connects to a server, or starts it. When it goes away, calls answer `away`, and the next call connects or starts it
 * again: how fast to ask again is the caller's to say.
 * @throws FcmError MCP_SERVER_AWAY, which may pass; MCP_SERVER_UNUSABLE
 */
export async function openServer(
  target: ServerTarget,
  options: Omit<ClientOptions, 'check'> = {},
): Promise<FarcasterServer> {
  const client = await connectTools(target, {
    ...options,
    check: (tools) => usable(tools, 'url' in target),
  })
  const has = (name: ToolName): Tool | undefined => client.tools.get(name)

  return {
    get measures(): Measure[] {
      return ['posts', ...(['replies', 'reactions'] as const).filter((measure) => has(OPTIONAL[measure]))]
    },

    async channels(page) {
      const tool = has('list-channels')
      if (!tool?.outputSchema)
        return failed('it does not tell the URLs of channels: follow them by their URL')
      // Channels have no times: a page proves nothing, and the last is the one without a cursor.
      return paged(
        client,
        tool,
        {},
        0,
        page,
        (result) => readChannels(result.structuredContent),
        () => 0,
      )
    },

    async posts(channel, since, page) {
      const tool = has('get-channel-casts')
      // Anything else such a server takes for a name, and asks for a URL that it makes of it.
      if (!tool?.outputSchema && !/^(https:\/\/|chain:\/\/|0x)/.test(channel))
        return failed('it takes only channel URLs that begin with https://, chain:// or 0x')
      return casts(client, tool, { channel }, { url: channel }, channelFrame(channel), since, page)
    },

    async replies(cast, since, page) {
      const args = argumentsOf(cast)
      return casts(client, has(OPTIONAL.replies), args, { cast }, repliesFrame(args.hash), since, page)
    },

    async reactions(cast, since, page) {
      const tool = has(OPTIONAL.reactions)
      if (tool && !tool.outputSchema) return counts(client, tool, cast)
      const read = (result: CallToolResult) => readReactions(result.structuredContent, cast)
      return paged(client, tool, { ...argumentsOf(cast), type: 'all' }, since, page, read, timeOf)
    },

    close: () => client.close(),
  }
}

const argumentsOf = ({ fid, hash }: CastId) => ({ fid, hash: `0x${hash.toString('hex')}` })
const timeOf = ({ time }: { time: number }): number => time

/** @throws Error with what a server that has these tools lacks */
function usable(tools: ReadonlyMap<string, Tool>, remote: boolean): void {
  const posts = tools.get('get-channel-casts')
  if (!posts) throw new Error('it has no tool get-channel-casts')
  if (remote && !posts.outputSchema)
    throw new Error(
      'its results are text, whose times carry no zone: such a server can only be started by a command',
    )
}

function casts(
  client: ToolClient,
  tool: Tool | undefined,
  args: Record<string, unknown>,
  place: Place,
  frame: Frame,
  since: number,
  page: PageKey | undefined,
): Promise<Answer<CastMessage>> {
  const read = (result: CallToolResult, limit: number) =>
    tool?.outputSchema
      ? readCasts(result.structuredContent, place)
      : readCastText(textOf(result), frame, place, limit)
  return paged(client, tool, args, since, page, read, timeOf)
}

/** Calls a tool that answers in pages. `read` throws an Error where the answer can't be used. */
async function paged<T>(
  client: ToolClient,
  tool: Tool | undefined,
  args: Record<string, unknown>,
  since: number,
  page: PageKey | undefined,
  read: (result: CallToolResult, limit: number) => Page<T>,
  time: (item: T) => number,
): Promise<Answer<T>> {
  if (!tool) return failed('it no longer has the tool for this')
  const able = abilities(tool)
  const asked = pageRequest(page, able)
  const answer = await ask(client, tool.name, {
    ...args,
    ...(able.since && { since: new Date(Math.max(0, since)).toISOString() }),
    ...(asked.cursor !== null && { cursor: asked.cursor }),
    limit: asked.limit,
  })
  if (answer.outcome !== 'answered') return answer
  const { result, seconds } = answer
  try {
    const { items, unfit, entries, cursor } = read(result, asked.limit)
    const proven = proof(since, asked, able, { times: items.map(time), entries, cursor })
    if (!proven) return failed('its pages are not in the order of time', seconds)
    return { outcome: 'page', items, invalid: unfit, seconds, ...proven }
  } catch (error) {
    return failed(String((error as Error).message), seconds)
  }
}

async function counts(client: ToolClient, tool: Tool, cast: CastId) {
  const answer = await ask(client, tool.name, { ...argumentsOf(cast), type: 'all' })
  if (answer.outcome !== 'answered') return answer
  const { result, seconds } = answer
  try {
    return { outcome: 'counts', counts: readReactionText(textOf(result), cast), seconds } satisfies Counts
  } catch (error) {
    return failed(String((error as Error).message), seconds)
  }
}

type Failure = Exclude<Answer<never>, { outcome: 'page' }>

async function ask(
  client: ToolClient,
  tool: string,
  args: Record<string, unknown>,
): Promise<Failure | { outcome: 'answered'; result: CallToolResult; seconds: number }> {
  const answer = await client.call(tool, args)
  if (answer.outcome === 'failed') return { ...answer, seconds: 0 }
  if (answer.outcome === 'away') return answer
  const { result } = answer
  const meta = result._meta?.[HUB_META]
  const hub: HubMeta = hubMeta.Check(meta) ? meta : {}
  const seconds = Math.min(hub.seconds ?? 0, MAX_SECONDS)
  if (!result.isError && !hub.error) return { outcome: 'answered', result, seconds }
  const why =
    printable(
      textOf(result)
        .trim()
        .split(/[\r\n]/, 1)[0]!,
    ) || 'the tool failed without a word'
  if (hub.error === 'unreachable' || hub.status === 503) return { outcome: 'away', why }
  return failed(why, seconds, Math.min(hub.retryAfter ?? 0, MAX_SECONDS))
}

/** No hub makes us wait, or a simulated clock jump, by more than a day. */
const MAX_SECONDS = DAY / SECOND

const amount = Type.Optional(Type.Number({ minimum: 0 }))
const hubMeta = Compile(
  Type.Object({
    error: Type.Optional(
      Type.Union([
        Type.Literal('unreachable'),
        Type.Literal('broken'),
        Type.Literal('refused'),
        Type.Literal('unreadable'),
      ]),
    ),
    status: Type.Optional(Type.Integer()),
    retryAfter: amount,
    seconds: amount,
  }),
)

function abilities({ inputSchema: { properties = {} } }: Tool): Abilities {
  const { limit } = properties
  const maximum = limit && 'maximum' in limit ? limit.maximum : MAX_LIMIT
  return {
    since: 'since' in properties,
    cursor: 'cursor' in properties,
    maxLimit: Number.isInteger(maximum) ? Math.min(MAX_LIMIT, Math.max(1, maximum as number)) : MAX_LIMIT,
  }
}

const textOf = ({ content }: CallToolResult): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('')

const failed = (why: string, seconds = 0, retryAfter = 0) =>
  ({ outcome: 'failed', why, retryAfter, seconds }) as const
