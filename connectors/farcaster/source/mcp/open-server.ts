/** A Farcaster MCP server, ours or anyone's of manimohans/farcaster-mcp's kind, as the source sees it. */
import type { Tool } from '@modelcontextprotocol/sdk/types.js'
import { Compile } from 'typebox/compile'
import { HOUR, SECOND } from '../../../../common/time.ts'
import { type CastId, type CastMessage, hex } from '../../../../schemas/message.ts'
import type { Measure } from '../../../../schemas/records.ts'
import { HUB_META, HubMeta, MAX_LIMIT, type ToolName } from '../../tools.ts'
import type { Answer, Counts, FarcasterServer, PageKey } from '../port.ts'
import { type ClientOptions, connectTools } from './client.ts'
import { type Abilities, pageRequest, proof } from './proof.ts'
import { type Expected, type Page, readCasts, readChannels, readReactions } from './structured.ts'
import { channelFrame, type Frame, readCastText, readReactionText, repliesFrame } from './text-results.ts'
import type { ToolResult } from './tool-result.ts'
import type { ServerTarget } from './transport.ts'

export type { ServerTarget } from './transport.ts'

type Arguments = Record<string, unknown>
type Asked = { tool: ToolName; args: Arguments; since: number; page: PageKey | undefined }
type Failure = Exclude<Answer<never>, { outcome: 'page' }>

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
  const find = (name: ToolName): Tool | undefined => client.tools.get(name)

  async function ask(
    tool: string,
    args: Arguments,
  ): Promise<Failure | { outcome: 'answered'; result: ToolResult; seconds: number }> {
    const answer = await client.call(tool, args)
    if (answer.outcome === 'away') return answer
    if (answer.outcome === 'failed') return failed(answer.why, 0, answer.retryAfter)
    const { result } = answer
    const meta = result.meta[HUB_META]
    const hub: HubMeta = hubMeta.Check(meta) ? meta : {}
    const seconds = Math.min(hub.seconds ?? 0, MAX_SECONDS)
    if (!result.isError && !hub.error) return { outcome: 'answered', result, seconds }
    const why = reasonOf(hub, result.text)
    if (hub.error === 'unreachable' || hub.status === 503) return { outcome: 'away', why }
    return failed(why, seconds, hub.retryAfter)
  }

  /** Calls a tool that answers in pages. `read` throws an Error where the answer can't be used. */
  async function paged<T>(
    { tool: name, args, since, page }: Asked,
    time: (item: T) => number,
    read: (result: ToolResult, limit: number, isText: boolean) => Page<T>,
  ): Promise<Answer<T>> {
    const tool = find(name)
    if (!tool) return failed('it no longer has the tool for this')
    const able = abilities(tool)
    const request = pageRequest(page, able)
    const answer = await ask(name, {
      ...args,
      ...(takes(tool, 'authors') && { authors: false }),
      ...(able.since && { since: new Date(Math.max(0, since)).toISOString() }),
      ...(request.cursor !== null && { cursor: request.cursor }),
      limit: request.limit,
    })
    if (answer.outcome !== 'answered') return answer
    const { result, seconds } = answer
    try {
      const { items, unfit, entries, cursor } = read(result, request.limit, !tool.outputSchema)
      if (entries > MAX_ENTRIES) return failed(`its page has over ${MAX_ENTRIES} entries`, seconds)
      const proven = proof(since, request, able, { times: items.map(time), entries, cursor })
      if (!proven) return failed('its pages are not in the order of time', seconds)
      return { outcome: 'page', items, invalid: unfit, seconds, ...proven }
    } catch (error) {
      return failed((error as Error).message, seconds)
    }
  }

  const casts = (asked: Asked, expected: Expected, frame: Frame): Promise<Answer<CastMessage>> =>
    paged(asked, timeOf, (result, limit, isText) =>
      isText ? readCastText(result.text, frame, expected, limit) : readCasts(result.structured, expected),
    )

  async function counts(tool: ToolName, cast: CastId): Promise<Counts | Failure> {
    const answer = await ask(tool, { ...argumentsOf(cast), type: 'all' })
    if (answer.outcome !== 'answered') return answer
    const { result, seconds } = answer
    try {
      return { outcome: 'counts', counts: readReactionText(result.text, cast), seconds }
    } catch (error) {
      return failed((error as Error).message, seconds)
    }
  }

  return {
    get measures(): Measure[] {
      return ['posts', ...(['replies', 'reactions'] as const).filter((measure) => find(OPTIONAL[measure]))]
    },

    async channels(page) {
      const tool = 'list-channels'
      if (!find(tool)?.outputSchema)
        return failed('it does not tell the URLs of channels: follow them by their URL')
      // Channels have no times: a page proves nothing, and the last is the one without a cursor.
      return paged(
        { tool, args: {}, since: 0, page },
        () => 0,
        (result) => readChannels(result.structured),
      )
    },

    async posts(url, since, page) {
      const tool = 'get-channel-casts'
      // Anything else such a server takes for a name, and asks for a URL that it makes of it.
      if (!find(tool)?.outputSchema && !/^(https:\/\/|chain:\/\/|0x)/.test(url))
        return failed('it takes only channel URLs that begin with https://, chain:// or 0x')
      return casts({ tool, args: { channel: url }, since, page }, { url }, channelFrame(url))
    },

    async replies(cast, since, page) {
      const args = argumentsOf(cast)
      return casts({ tool: OPTIONAL.replies, args, since, page }, { cast }, repliesFrame(args.hash))
    },

    async reactions(cast, since, page) {
      const tool = OPTIONAL.reactions
      const found = find(tool)
      if (found && !found.outputSchema) return counts(tool, cast)
      const args = { ...argumentsOf(cast), type: 'all' }
      return paged({ tool, args, since, page }, timeOf, (result) => readReactions(result.structured, cast))
    },

    close: () => client.close(),
  }
}

const argumentsOf = ({ fid, hash }: CastId) => ({ fid, hash: hex(hash) })
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

/** Entries of a page: a server may pass over the limit that it is given, but not without end. */
const MAX_ENTRIES = 10 * MAX_LIMIT

/** No server makes us wait, or a simulated clock jump, for longer. */
const MAX_SECONDS = (2 * HOUR) / SECOND

const hubMeta = Compile(HubMeta)

const REASONS = {
  unreachable: 'the hub does not answer',
  broken: 'the answer of the hub broke off or did not come in time',
  refused: 'the hub refused',
  unreadable: 'the answer of the hub is none that can be used',
}

/** Why a tool failed. Nothing of what it says but a number, since strangers' words may be among that. */
function reasonOf({ error, status }: HubMeta, text: string): string {
  const told = status ?? /^[\w ]{1,60}: Hubble API error: (\d{3})\b/.exec(text)?.[1]
  const why = error ? REASONS[error] : told === undefined ? 'the tool failed' : REASONS.refused
  return told === undefined ? why : `${why}: HTTP status ${told}`
}

const takes = ({ inputSchema: { properties = {} } }: Tool, name: string): boolean => name in properties

function abilities(tool: Tool): Abilities {
  const limit = tool.inputSchema.properties?.limit
  const maximum = limit && 'maximum' in limit ? limit.maximum : MAX_LIMIT
  return {
    since: takes(tool, 'since'),
    cursor: takes(tool, 'cursor'),
    maxLimit: Number.isInteger(maximum) ? Math.min(MAX_LIMIT, Math.max(1, maximum as number)) : MAX_LIMIT,
  }
}

const failed = (why: string, seconds = 0, retryAfter = 0) =>
  ({ outcome: 'failed', why, retryAfter: Math.min(retryAfter, MAX_SECONDS), seconds }) as const
