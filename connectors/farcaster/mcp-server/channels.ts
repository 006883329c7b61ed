import { createHash } from 'node:crypto'
import type { Static } from 'typebox'
import { clean, oneLine } from '../../../common/text.ts'
import { HOUR, MINUTE } from '../../../common/time.ts'
import type { ChannelResult } from '../tools.ts'
import { ArgumentError } from './cursor.ts'
import { type Call, type HttpClient, HubError } from './http-client.ts'

export type Channel = Static<typeof ChannelResult>

/** Those with most followers first, then by id. `version` names what stands in it. */
export type ChannelList = { version: string; channels: readonly Channel[] }

export interface Channels {
  /**
   * The list, or the one of `version`, which is kept until there have been two newer ones: pages of it neither skip nor
   * repeat a channel.
   * @throws HubError; ArgumentError for a version that isn't kept
   */
  list(call: Call, version?: string): Promise<ChannelList>
  /**
   * The parent URL of a channel's posts, which doesn't follow from its id: `given` is that URL itself, or an id or a
   * name in the list. Names are shared by several channels, so an id goes before a name. Anything may be a parent URL
   * (casts are under "chicago"), so one in the list goes before both.
   * @throws HubError; ArgumentError for none, or for several
   */
  url(given: string, call: Call): Promise<string>
}

/** Channels of a list, and UTF-16 units of what each is described by; a longer id or URL is none that can be polled. */
export const MAX_CHANNELS = 200_000
export const MAX = { id: 200, url: 1024, name: 200, description: 1000 }

const URLS = /^(https?:\/\/|chain:\/\/|0x)/

/** The channel list, downloaded when first needed and once an hour; an old one is used when that fails. */
export function channelList(host: HttpClient, now: () => number = () => performance.now()): Channels {
  let list: ChannelList | undefined
  let before: ChannelList | undefined
  let expires = Number.NEGATIVE_INFINITY
  let download: Promise<{ seconds: number | undefined; error?: unknown }> | undefined

  async function fetchList() {
    const call: Call = {}
    try {
      const read = readList(await host.get('/v2/all-channels', {}, call))
      if (read.version !== list?.version) before = list
      list = read
      expires = now() + HOUR
    } catch (error) {
      if (!list) return { seconds: call.seconds, error }
      expires = now() + MINUTE
    } finally {
      download = undefined
    }
    return { seconds: call.seconds }
  }

  async function newest(call: Call): Promise<ChannelList> {
    if (list && now() < expires) return list
    download ??= fetchList()
    const { seconds, error } = await download
    if (seconds !== undefined) call.seconds = (call.seconds ?? 0) + seconds
    if (!list) throw error
    return list
  }

  async function url(given: string, call: Call): Promise<string> {
    if (URLS.test(given)) return given
    const { channels } = await newest(call)
    if (channels.some((channel) => channel.url === given)) return given
    const wanted = given.replace(/^\//, '').toLowerCase()
    const byId = channels.find((channel) => channel.id.toLowerCase() === wanted)
    if (byId) return byId.url
    const [only, ...others] = channels.filter((channel) => channel.name.toLowerCase() === wanted)
    if (!only) throw new ArgumentError(`Channel "${oneLine(given, 100)}" not found.`)
    if (others.length === 0) return only.url
    const ids = [only, ...others].slice(0, 10).map((channel) => oneLine(channel.id, 100))
    throw new ArgumentError(
      `${others.length + 1} channels have the name "${oneLine(given, 100)}". Give an id: ${ids.join(', ')}${others.length >= 10 ? ', ...' : ''}`,
    )
  }

  return {
    async list(call, version) {
      const kept = version !== undefined && [list, before].find((one) => one?.version === version)
      if (kept) return kept
      const found = await newest(call)
      if (version === undefined || found.version === version) return found
      throw new ArgumentError('The list of channels has changed since. Leave cursor away to begin anew.')
    },
    url,
  }
}

type Json = Record<string, unknown>

function readList(json: unknown): ChannelList {
  const channels = (json as { result?: { channels?: unknown } } | null)?.result?.channels
  if (!Array.isArray(channels))
    throw new HubError('unreadable', 'Failed to fetch from Hubble: the answer is not a list of channels')
  if (channels.length > MAX_CHANNELS)
    throw new HubError(
      'unreadable',
      `Failed to fetch from Hubble: the list has over ${MAX_CHANNELS} channels`,
    )
  const read = channels.map(readChannel).filter((channel) => channel !== null)
  read.sort((a, b) => b.followers - a.followers || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const version = createHash('sha256').update(JSON.stringify(read)).digest('base64url').slice(0, 11)
  return { version, channels: read }
}

/** Null for an entry that can't be polled: one without an id or a URL. */
function readChannel(entry: unknown): Channel | null {
  const { id, url, name, description, followerCount, memberCount } = (entry ?? {}) as Json
  if (typeof id !== 'string' || typeof url !== 'string' || id === '' || url === '') return null
  if (id.length > MAX.id || url.length > MAX.url) return null
  const count = (value: unknown) =>
    Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
  return {
    id: clean(id),
    url: clean(url),
    name: clean((typeof name === 'string' && name !== '' ? name : id).slice(0, MAX.name)),
    description:
      typeof description === 'string' && description !== ''
        ? clean(description.slice(0, MAX.description))
        : null,
    followers: count(followerCount),
    members: count(memberCount),
  }
}
