/** What each tool answers, as structured content and as text. */
import { utc } from '../../../common/time.ts'
import { type CastMessage, hex, type Message, type ReactionMessage } from '../../../schemas/message.ts'
import { fidIn } from '../hub-message.ts'
import type { Arguments, CastResult, Result, ToolName } from '../tools.ts'
import type { Channels } from './channels.ts'
import { ArgumentError, readCursor, writeCursor } from './cursor.ts'
import type { Call, HttpClient } from './http-client.ts'
import { type Page, type Paging, readPage } from './hub-pages.ts'
import { castsText, channelsText, linksText, profileText, reactionsText, SHOWN_USERS } from './result-text.ts'
import { type Names, readFid, readProfile } from './users.ts'

export type Answer<T extends ToolName> = { text: string; structured: Result<T> }
/** Arguments are valid by their schema. @throws HubError, ArgumentError */
export type Answers = { [T in ToolName]: (given: Arguments<T>, call: Call) => Promise<Answer<T>> }

type World = { hub: HttpClient; paging: Paging; channels: Channels; names: Names }
type Asked = { limit?: number; cursor?: string; authors?: boolean; since?: string; until?: string }

export function answers({ hub, paging, channels, names }: World): Answers {
  async function casts(
    path: '/v1/castsByFid' | '/v1/castsByParent',
    query: { fid?: number; hash?: string; url?: string },
    { limit = 10, cursor, authors = true, ...asked }: Asked,
    call: Call,
    words: { header: string; empty: string },
  ): Promise<Answer<'get-user-casts'>> {
    const timed = path === '/v1/castsByFid' && { timed: true as const }
    const list = { path, query, pick: isCast, ...timed }
    const page = await paging.page(list, window(asked), limit, cursor, call)
    const found = page.entries.filter((cast) => cast !== null)
    const known = await names.of(authors ? found.map((cast) => cast.fid) : [])
    const empty = page.entries.length === 0 && !page.othersSeen
    return {
      text: empty ? words.empty : castsText(words.header, page.entries, known),
      structured: {
        casts: found.map((cast) => castResult(cast, known.get(cast.fid) ?? null)),
        ...rest(page),
      },
    }
  }

  async function links(
    path: '/v1/linksByFid' | '/v1/linksByTargetFid',
    fid: number,
    { limit = 25, cursor }: Asked,
    call: Call,
  ): Promise<Result<'get-user-following'>> {
    const follows = path === '/v1/linksByFid'
    const list = `${path} ${fid}`
    const token = cursor === undefined ? undefined : readCursor(list, cursor, isToken)[0]
    const { messages, next } = readPage(
      await hub.get(
        path,
        { [follows ? 'fid' : 'target_fid']: fid, link_type: 'follow', pageSize: limit, pageToken: token },
        call,
      ),
    )
    const fids = messages.map((json) => linked(json, follows)).filter((other) => other !== null)
    const known = await names.of(fids.slice(0, SHOWN_USERS))
    return {
      fid,
      users: fids.map((other) => ({ fid: other, name: known.get(other) ?? null })),
      cursor: next === undefined ? null : writeCursor(list, [next]),
    }
  }

  const fidOf = async (username: string, call: Call): Promise<number> => {
    const fid = await readFid(hub, username, call)
    if (fid === null) throw new ArgumentError(`User "${username}" not found.`)
    return fid
  }

  return {
    'get-user-casts': ({ fid, ...asked }, call) =>
      casts('/v1/castsByFid', { fid }, asked, call, {
        header: `Casts from FID ${fid}`,
        empty: `No casts found for FID ${fid}`,
      }),

    async 'get-username-casts'({ username, ...asked }, call) {
      const fid = await fidOf(username, call)
      const name = (await names.of(asked.authors === false ? [] : [fid])).get(fid) ?? `FID: ${fid}`
      return casts('/v1/castsByFid', { fid }, asked, call, {
        header: `Casts from ${name}`,
        empty: `No casts found for ${name} (FID: ${fid})`,
      })
    },

    async 'get-channel-casts'({ channel, ...asked }, call) {
      const url = await channels.url(channel, call)
      return casts('/v1/castsByParent', { url }, asked, call, {
        header: `Recent Casts in Channel "${channel}"`,
        empty: `No casts found for channel "${channel}"`,
      })
    },

    'get-cast-replies': ({ fid, hash, ...asked }, call) =>
      casts('/v1/castsByParent', { fid, hash: hash.toLowerCase() }, asked, call, {
        header: `Replies to Cast ${hash}`,
        empty: `No replies found for cast ${hash}`,
      }),

    async 'get-cast-reactions'({ fid, hash, type = 'all', limit = 50, cursor, ...asked }, call) {
      const cast = { fid, hash: hash.toLowerCase() }
      const kinds: readonly string[] = KINDS[type]
      const pick = (message: Message): message is ReactionMessage =>
        message.type === 'reaction' && kinds.includes(message.kind)
      // Of all kinds: the two families of hubs have different names for each.
      const list = {
        path: '/v1/reactionsByCast',
        query: { target_fid: fid, target_hash: cast.hash },
        pick,
      }
      const page = await paging.page(list, window(asked), limit, cursor, call)
      const found = page.entries.filter((reaction) => reaction !== null)
      const result = {
        cast,
        likes: found.filter(({ kind }) => kind === 'like').length,
        recasts: found.filter(({ kind }) => kind === 'recast').length,
        reactions: found.map(({ hash, fid, kind, time }) => ({
          hash: hex(hash),
          fid,
          type: kind,
          time: isoTime(time),
        })),
        ...rest(page),
      }
      return { text: reactionsText(result, KINDS[type]), structured: result }
    },

    async 'get-user-profile'({ fid: given, username }, call) {
      if (given === undefined && username === undefined)
        throw new ArgumentError('Please provide either a FID or username.')
      const fid = given ?? (await fidOf(username!, call))
      const profile = (await readProfile(hub, fid, call)) ?? NO_PROFILE
      const result = { fid, ...profile }
      return { text: profileText(result), structured: result }
    },

    async 'list-channels'({ limit = 20, search, cursor }, call) {
      const list = `channels ${search ?? ''}`
      const [start, made] = cursor === undefined ? [0] : readCursor(list, cursor, isPlace)
      const wanted = search?.toLowerCase()
      const { version, channels: all } = await channels.list(call, made)
      const found = all.filter(
        ({ id, name, description }) =>
          wanted === undefined ||
          [id, name, description ?? ''].some((words) => words.toLowerCase().includes(wanted)),
      )
      const page = found.slice(start, start + limit)
      const next = start + limit < found.length ? writeCursor(list, [start + limit, version]) : null
      return { text: channelsText(page, search), structured: { channels: page, cursor: next } }
    },

    async 'get-user-following'({ fid, ...asked }, call) {
      const result = await links('/v1/linksByFid', fid, asked, call)
      const empty = `FID ${fid} is not following anyone or user not found.`
      return { text: linksText(`Following List for FID ${fid}`, empty, result.users), structured: result }
    },

    async 'get-user-followers'({ fid, ...asked }, call) {
      const result = await links('/v1/linksByTargetFid', fid, asked, call)
      const empty = `FID ${fid} has no followers or user not found.`
      return { text: linksText(`Followers of FID ${fid}`, empty, result.users), structured: result }
    },
  }
}

const KINDS = { likes: ['like'], recasts: ['recast'], all: ['like', 'recast'] } as const
const NO_PROFILE = { username: null, displayName: null, bio: null, pfp: null, url: null }

const isCast = (message: Message): message is CastMessage => message.type === 'cast'
const isToken = (at: unknown[]): at is [string] => at.length === 1 && typeof at[0] === 'string'
const isPlace = (at: unknown[]): at is [number, string] =>
  at.length === 2 && Number.isSafeInteger(at[0]) && (at[0] as number) >= 0 && typeof at[1] === 'string'

const isoTime = (time: number): string => new Date(time).toISOString()

const rest = ({ entries, cursor }: Page<unknown>) => ({
  cursor,
  invalid: entries.filter((entry) => entry === null).length,
})

/** @throws ArgumentError */
function window({ since, until }: Asked): { since: number; until: number } {
  const read = (name: string, text: string | undefined, fallback: number): number => {
    if (text === undefined) return fallback
    const time = utc(text)
    if (time !== null) return time
    throw new ArgumentError(
      `Wrong arguments: ${name} must be a time that exists, such as 2024-02-05T00:05:00Z.`,
    )
  }
  const from = read('since', since, Number.NEGATIVE_INFINITY)
  const to = read('until', until, Number.POSITIVE_INFINITY)
  if (from < to) return { since: from, until: to }
  throw new ArgumentError('Wrong arguments: since must be before until.')
}

function castResult(cast: CastMessage, author: string | null): CastResult {
  const { parent } = cast
  const id = ({ fid, hash }: { fid: number; hash: Buffer }) => ({ fid, hash: hex(hash) })
  return {
    hash: hex(cast.hash),
    fid: cast.fid,
    author,
    time: isoTime(cast.time),
    text: cast.text,
    channel: parent && 'url' in parent ? parent.url : null,
    parent: parent && 'cast' in parent ? id(parent.cast) : null,
    urls: cast.urls,
    quotes: cast.quotes.map(id),
    mentions: cast.mentions,
  }
}

/** The account at the other end of a follow; null for anything else. */
function linked(json: unknown, follows: boolean): number | null {
  const data = (json as { data?: Record<string, unknown> } | null)?.data
  const body = data?.linkBody as { type?: unknown; targetFid?: unknown } | undefined
  if (data?.type !== 'MESSAGE_TYPE_LINK_ADD' || body?.type !== 'follow') return null
  return fidIn(follows ? body.targetFid : data.fid)
}
