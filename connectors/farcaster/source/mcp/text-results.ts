/**
 * Results that are text alone, as manimohans/farcaster-mcp and its kind print them. A cast is a block:
 *
 *     (empty line)
 *     1. <display name>
 *        FID: <fid>
 *        Time: <local time, without zone>
 *        Text: <the cast's text, raw>
 *        Reply to: <fid>/<hash>            (replies only)
 *        Embeds: <url>, embedded content   (only where there are any)
 *        Cast ID: <hash>
 *        (three spaces)
 *
 * and blocks are joined by a line `---`. Names and texts are raw, so a text may hold anything, what looks like the end
 * of its block and the beginning of the next included. It is read so:
 * - Where a block's end, a separator and a whole head with a number follow one another, a block ends. The numbers must
 *   then be 1, 2, 3, ..., and no more than were asked for: anything else is a forgery somewhere, and nothing is read.
 * - Inside a block, optional fields are read from its end. One whose text holds another line like them is given up.
 *
 * What can't be told, and is accepted: the text of the last cast of a page that is not full may forge a cast after
 * itself; the end of a text may pass for its own cast's embeds, or make a post look like a reply; quoted casts and
 * mentions are not printed.
 */
import { clean } from '../../../../common/text.ts'
import { utc } from '../../../../common/time.ts'
import { type CastId, type CastMessage, sameCast, unhex } from '../../../../schemas/message.ts'
import { type Expected, type Page, standsAt } from './structured.ts'

const DOUBT = "its text can't be read without doubt"

const FAILED = '\\d{1,5}\\. \\[(?:Invalid cast format|Error formatting cast)\\]'
const NUMBER = '\\n(\\d{1,5})\\. '
// Display names have at most 32 bytes, but nobody here has checked that.
const HEAD =
  '((?:(?!\\n {3}Cast ID: )[^]){0,200}?)\\n {3}FID: ([^\\n]{1,30})\\n {3}Time: ([^\\n]{1,60})\\n {3}Text: '
const TAIL = '\\n {3}Cast ID: ([^\\n]{0,100})\\n {3}'
const SEPARATOR = '\\n---\\n'
/** A separator with a block's end before it and a block's beginning behind it; the number is that of the latter. */
const BOUNDARY = new RegExp(
  `(?<=${TAIL}|(?:^|${SEPARATOR})${FAILED})${SEPARATOR}(?=${NUMBER}${HEAD}|(\\d{1,5})\\. \\[(?:Invalid cast format|Error formatting cast)\\](?:$|${SEPARATOR}))`,
  'g',
)
const FAILED_BLOCK = new RegExp(`^${FAILED}$`)
const BLOCK = new RegExp(`^${NUMBER}${HEAD}([^]*)${TAIL}$`)
const EMBEDS = /\n {3}Embeds: ([^\n]*)$/
const REPLY = /\n {3}Reply to: (\d{1,16})\/(0x[0-9a-fA-F]{40})$/
const FIELD = /\n {3}(?:Reply to|Embeds|Cast ID): /

/** How a tool begins its answer, and what it says where there is nothing. */
export type Frame = { header: string; empty: string }

export const channelFrame = (channel: string): Frame => ({
  header: `# Recent Casts in Channel "${channel}"`,
  empty: `No casts found for channel "${channel}"`,
})
export const repliesFrame = (hash: string): Frame => ({
  header: `# Replies to Cast ${hash}`,
  empty: `No replies found for cast ${hash}`,
})

/**
 * The casts in such a text. A post is taken to stand at the place that was asked for, since its text doesn't say.
 * @throws Error if the text is something else, or can be read in more than one way
 */
export function readCastText(
  text: string,
  frame: Frame,
  expected: Expected,
  limit: number,
): Page<CastMessage> {
  if (text === frame.empty) return { items: [], unfit: 0, entries: 0, cursor: undefined }
  const start = `${frame.header}\n\n`
  if (!text.startsWith(start)) throw new Error('it answered something else than was asked')
  // Messages that are no casts.
  if (text === `${start}No cast additions found.`)
    return { items: [], unfit: 0, entries: 0, cursor: undefined }
  const blocks = split(text.slice(start.length))
  if (blocks.length > limit) throw new Error(DOUBT)
  const items = blocks
    .map((block, i) => (FAILED_BLOCK.test(block) ? failed(block, i + 1) : cast(block, i + 1, expected)))
    .filter((item) => item !== null)
    .filter((item) => standsAt(item, expected))
  return { items, unfit: blocks.length - items.length, entries: blocks.length, cursor: undefined }
}

function split(body: string): string[] {
  const blocks: string[] = []
  let from = 0
  for (const match of body.matchAll(BOUNDARY)) {
    blocks.push(body.slice(from, match.index))
    from = match.index + match[0].length
  }
  blocks.push(body.slice(from))
  return blocks
}

function failed(block: string, number: number): null {
  if (!block.startsWith(`${number}. `)) throw new Error(DOUBT)
  return null
}

function cast(block: string, number: number, expected: Expected): CastMessage | null {
  const parts = BLOCK.exec(block)
  if (!parts || parts[1] !== String(number)) throw new Error(DOUBT)
  const [, , , fid, time, rest, hash] = parts as unknown as string[]
  const at = localTime(time!)
  if (!isFid(fid!) || !/^0x[0-9a-fA-F]{40}$/.test(hash!) || at === null) throw new Error(DOUBT)
  const embeds = EMBEDS.exec(rest!)
  const beforeEmbeds = embeds ? rest!.slice(0, embeds.index) : rest!
  const reply = REPLY.exec(beforeEmbeds)
  const own = reply ? beforeEmbeds.slice(0, reply.index) : beforeEmbeds
  if (FIELD.test(own)) return null
  return {
    type: 'cast',
    hash: unhex(hash!),
    fid: Number(fid),
    time: at,
    text: clean(own),
    parent: reply
      ? { cast: { fid: Number(reply[1]), hash: unhex(reply[2]!) } }
      : 'url' in expected
        ? expected
        : null,
    urls: embeds ? embeds[1]!.split(', ').filter(isUrl).map(clean) : [],
    quotes: [],
    mentions: [],
  }
}

const isFid = (text: string): boolean => /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))
/** Quoted casts are printed without their id. */
const isUrl = (embed: string): boolean => embed !== 'embedded content' && embed !== ''

/** As sv-SE and en-US print it, in UTC: `2024-04-30 19:01:29`, `4/30/2024, 7:01:29 PM`. */
function localTime(text: string): number | null {
  const swedish = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$/.exec(text)
  if (swedish) return utc(`${swedish[1]}T${swedish[2]}Z`)
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4}), (\d{1,2}):(\d{2}:\d{2})[ \u202F](AM|PM)$/.exec(text)
  if (!american) return null
  const [, month, day, year, hour, rest, half] = american as unknown as string[]
  if (Number(hour) < 1 || Number(hour) > 12) return null
  const hours = (Number(hour) % 12) + (half === 'PM' ? 12 : 0)
  const two = (n: number | string) => String(n).padStart(2, '0')
  return utc(`${year}-${two(month!)}-${two(day!)}T${two(hours)}:${rest}Z`)
}

/** Counts end here: the server asks its hub for no more than so many of each kind. */
const SATURATED = 50

/**
 * How many likes and recasts a cast has.
 * @throws Error if the text is something else, or one of the two could not be learned
 */
export function readReactionText(text: string, target: CastId) {
  const by = '(?:\\n(?:Liked|Recasted) by FIDs: [\\d, ]*)?'
  const form = `^# Reactions for Cast\\n\\*\\*Cast:\\*\\* (0x[0-9a-fA-F]{40})\\n\\*\\*Author FID:\\*\\* (\\d{1,16})\\n\\n\\*\\*Likes:\\*\\* (\\d{1,7}|Error fetching)${by}\\n\\*\\*Recasts:\\*\\* (\\d{1,7}|Error fetching)${by}\\n*$`
  const match = new RegExp(form).exec(text)
  if (!match) throw new Error('it answered something else than was asked')
  const [, hash, fid, likes, recasts] = match as unknown as string[]
  if (!sameCast({ fid: Number(fid), hash: unhex(hash!) }, target))
    throw new Error('it answered about another cast')
  return (['like', 'recast'] as const).map((kind) => {
    const count = Number(kind === 'like' ? likes : recasts)
    if (Number.isNaN(count)) throw new Error(`it could not learn the number of ${kind}s`)
    return { kind, count, saturated: count >= SATURATED }
  })
}
