/** Which channels a polling source follows. */
import { FcmError } from '../../../common/errors.ts'
import { channelOfUrl } from '../stamp.ts'
import type { ChannelInfo } from './port.ts'

/** Of the list of a server, so many channels are looked at, and of those that match so many followed: the largest first. */
export const MAX_LISTED = 100_000
export const MAX_FOLLOWED = 10_000
/** What a server may call a channel. */
const MAX_ID = 256

export type Follow = {
  urls: string[]
  /** Of ids, with `*` for anything. */
  patterns: string[]
  /** Channels that a pattern finds are followed from this many followers on. */
  minFollowers: number
}

const IS_URL = /^(https?|chain):\/\/|^0x/

/**
 * Reads a list, separated by commas, of parent URLs and of patterns of channel ids: `*`, `base,art-*`,
 * `https://onchainsummer.xyz`. @throws FcmError OPTION_INVALID
 */
export function parseFollow(list: string, minFollowers: number): Follow {
  const items = list.split(',').map((item) => item.trim())
  const bad = items.find((item) => item === '' || (!IS_URL.test(item) && !/^[\w*-]+$/.test(item)))
  if (bad !== undefined)
    throw new FcmError('OPTION_INVALID', {
      option: `--follow "${list}"`,
      why: bad === '' ? 'has an empty part' : `"${bad}" is neither the URL nor the id of a channel`,
      hint: 'It takes URLs and ids, separated by commas; in ids * stands for anything',
    })
  return {
    urls: items.filter((item) => IS_URL.test(item)),
    patterns: items.filter((item) => !IS_URL.test(item)),
    minFollowers,
  }
}

/** Whether a channel may be followed: others are nothing that a server would have. */
export const isListable = ({ id, url }: ChannelInfo): boolean =>
  id.length <= MAX_ID && channelOfUrl(url) === url

/**
 * The parent URLs to follow, in order of the alphabet. `listed`: the server's channels, null when they aren't known.
 * Who is followed stays so when its followers become fewer, or it leaves the list while everything is asked for. At most
 * `most`: those that are named by their URL, then those that were followed, then the largest.
 */
export function followedOf(
  follow: Follow,
  listed: readonly ChannelInfo[] | null,
  before: readonly string[],
  most = MAX_FOLLOWED,
): string[] {
  const matches = (id: string): boolean => follow.patterns.some((pattern) => isLike(id, pattern))
  const followed = new Set(follow.urls.filter((url) => channelOfUrl(url) === url))
  if (follow.patterns.length > 0) {
    const known = new Map(listed?.map((channel) => [channel.url, channel]))
    const stays = (url: string): boolean => {
      const channel = known.get(url)
      return channel ? matches(channel.id) : listed === null || follow.patterns.includes('*')
    }
    for (const url of before) if (stays(url)) followed.add(url)
    const bySize = (listed ?? []).toSorted((a, b) => b.followers - a.followers)
    for (const { id, url, followers } of bySize)
      if (followers >= follow.minFollowers && matches(id)) followed.add(url)
  }
  return [...followed].slice(0, most).sort()
}

/** The patterns that no channel of the server matches. */
export const unknownOf = (follow: Follow, listed: readonly ChannelInfo[]): string[] =>
  follow.patterns.filter((pattern) => !listed.some(({ id }) => isLike(id, pattern)))

/** Without a regular expression: ids are strangers', and several * would let one take for ever. */
function isLike(id: string, pattern: string): boolean {
  const text = id.toLowerCase()
  const parts = pattern.toLowerCase().split('*')
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  if (parts.length === 1) return text === first
  const end = text.length - last.length
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= end
}
