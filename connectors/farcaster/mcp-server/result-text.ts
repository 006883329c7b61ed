/**
 * Results as text, in the grammar of manimohans/farcaster-mcp, which is what readers of such servers expect. Casts' text
 * is not escaped; who needs it exactly takes the structured content.
 */
import { oneLine } from '../../../common/text.ts'
import { type CastMessage, hex } from '../../../schemas/message.ts'
import type { Result } from '../tools.ts'

/** Names by account. */
export type Names = ReadonlyMap<number, string | null>

/** `header` without its mark; null entries are messages that could not be read. */
export function castsText(header: string, casts: (CastMessage | null)[], names: Names): string {
  const blocks = casts.map((cast, i) =>
    cast === null ? `${i + 1}. [Invalid cast format]` : castBlock(i + 1, cast, names),
  )
  return `# ${header}\n\n${blocks.length === 0 ? 'No cast additions found.' : blocks.join('\n---\n')}`
}

function castBlock(number: number, cast: CastMessage, names: Names): string {
  const { fid, parent } = cast
  const embeds = [...cast.urls, ...cast.quotes.map(() => 'embedded content')]
  return [
    '',
    `${number}. ${names.get(fid) ?? `User ${fid}`}`,
    `   FID: ${fid}`,
    `   Time: ${new Date(cast.time).toISOString().slice(0, 19).replace('T', ' ')}`,
    `   Text: ${cast.text}`,
    ...(parent && 'cast' in parent ? [`   Reply to: ${parent.cast.fid}/${hex(parent.cast.hash)}`] : []),
    ...(embeds.length > 0 ? [`   Embeds: ${embeds.join(', ')}`] : []),
    `   Cast ID: ${hex(cast.hash)}`,
    '   ',
  ].join('\n')
}

/** `kinds`: those that were asked for. */
export function reactionsText(
  { cast, reactions }: Pick<Result<'get-cast-reactions'>, 'cast' | 'reactions'>,
  kinds: readonly ('like' | 'recast')[],
): string {
  const lines = kinds.flatMap((kind) => {
    const fids = reactions.filter(({ type }) => type === kind).map(({ fid }) => fid)
    const [many, by] = kind === 'like' ? ['Likes', 'Liked'] : ['Recasts', 'Recasted']
    return [
      `**${many}:** ${fids.length}`,
      ...(fids.length > 0 && fids.length <= 10 ? [`${by} by FIDs: ${fids.join(', ')}`] : []),
    ]
  })
  return `# Reactions for Cast\n**Cast:** ${cast.hash}\n**Author FID:** ${cast.fid}\n\n${lines.join('\n')}`
}

export function profileText(profile: Result<'get-user-profile'>): string {
  const { fid, username, displayName, bio, pfp, url } = profile
  if (username === null && displayName === null && bio === null && pfp === null && url === null)
    return `No profile data found for FID ${fid}`
  const fields = [
    ['FID', fid],
    ['Username', username],
    ['Display Name', displayName],
    ['Bio', bio],
    ['Profile Picture', pfp],
    ['URL', url],
  ].map(([name, value]) => `**${name}:** ${value ?? 'N/A'}`)
  return `# Profile: ${displayName ?? username ?? `FID ${fid}`}\n\n${fields.join('\n')}`
}

export function channelsText(
  channels: Result<'list-channels'>['channels'],
  search: string | undefined,
): string {
  if (channels.length === 0)
    return search === undefined ? 'No channels found' : `No channels found matching "${search}"`
  const blocks = channels.map(({ id, name, followers, members, description }, i) => {
    const about = oneLine(description ?? '', 1000)
    return [
      `${i + 1}. **${oneLine(name, 200)}** (/${oneLine(id, 200)})`,
      `   Followers: ${followers} | Members: ${members}`,
      `   ${about === '' ? 'No description' : about.length > 100 ? `${about.slice(0, 100).toWellFormed()}...` : about}`,
    ].join('\n')
  })
  return `# Farcaster Channels${search === undefined ? '' : ` matching "${search}"`}\n\n${blocks.join('\n\n')}`
}

/** So many are named. */
export const SHOWN_USERS = 10

export function linksText(
  title: string,
  empty: string,
  users: Result<'get-user-following'>['users'],
): string {
  if (users.length === 0) return empty
  const shown = users.slice(0, SHOWN_USERS).map(({ fid, name }) => `- FID ${fid}: ${name ?? 'Unknown'}`)
  const rest = users.length > SHOWN_USERS ? `\n\n...and ${users.length - SHOWN_USERS} more` : ''
  return `# ${title}\n\n**Total shown:** ${users.length}\n\n${shown.join('\n')}${rest}`
}
