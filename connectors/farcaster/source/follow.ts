/** Which channels a polling source follows. */
import { FcmError } from '../../../common/errors.ts'
import type { ChannelInfo } from './port.ts'

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

/**
 * The parent URLs to follow, in order of the alphabet. `listed`: the server's channels, null when they aren't known.
 * Who is followed stays so when its followers become fewer, or it leaves the list while everything is asked for.
 */
export function followedOf(
  follow: Follow,
  listed: readonly ChannelInfo[] | null,
  before: readonly string[],
): string[] {
  const matches = (id: string): boolean => follow.patterns.some((pattern) => isLike(id, pattern))
  const followed = new Set(follow.urls)
  if (follow.patterns.length > 0) {
    const known = new Set(listed?.map(({ url }) => url))
    const was = new Set(before)
    for (const { id, url, followers } of listed ?? [])
      if (matches(id) && (followers >= follow.minFollowers || was.has(url))) followed.add(url)
    if (listed === null || follow.patterns.includes('*'))
      for (const url of before) if (!known.has(url)) followed.add(url)
  }
  return [...followed].sort()
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
