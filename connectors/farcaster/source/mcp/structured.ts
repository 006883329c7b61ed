/** Structured results of the tools, as messages. The schema is ours (`tools.ts`); that a server keeps to it is checked. */
import { Compile } from 'typebox/compile'
import { clean } from '../../../../common/text.ts'
import { utc } from '../../../../common/time.ts'
import {
  type CastId,
  type CastMessage,
  type ReactionMessage,
  sameCast,
  unhex,
} from '../../../../schemas/message.ts'
import { type CastResult, type Result, TOOLS } from '../../tools.ts'
import type { ChannelInfo } from '../port.ts'

/** What a page holds. `unfit`: entries that are no answer to what was asked, or that can't be read. */
export type Page<T> = { items: T[]; unfit: number; entries: number; cursor: string | null | undefined }

const casts = Compile(TOOLS['get-channel-casts'].output)
const reactions = Compile(TOOLS['get-cast-reactions'].output)
const channels = Compile(TOOLS['list-channels'].output)

type Checked<T> = {
  Check(value: unknown): value is T
  Errors(value: unknown): { keyword: string; instancePath: string }[]
}

/** @throws Error that names the field which is not as the schema has it, and quotes nothing */
function checked<T>(schema: Checked<T>, value: unknown): T {
  if (schema.Check(value)) return value
  // The path to a field that the schema doesn't know ends in its name: a stranger's.
  const known = schema.Errors(value).find(({ keyword }) => keyword !== 'boolean')
  const path = known?.instancePath.slice(0, 100)
  throw new Error(`its structured result is not as the schema has it${path ? ` (${path})` : ''}`)
}

/** Where a cast must stand to be an answer: in the channel with this URL, or under this cast. */
export type Expected = { url: string } | { cast: CastId }

export function readCasts(value: unknown, expected: Expected): Page<CastMessage> {
  const result: Result<'get-channel-casts'> = checked(casts, value)
  return page(result.casts, result, (cast) => {
    const message = castMessage(cast)
    return message && standsAt(message, expected) ? message : null
  })
}

export function readReactions(value: unknown, target: CastId): Page<ReactionMessage> {
  const result: Result<'get-cast-reactions'> = checked(reactions, value)
  if (!sameCast(castId(result.cast), target)) throw new Error('it answered about another cast')
  return page(result.reactions, result, ({ hash, fid, type, time }) => {
    const at = utc(time)
    return at === null ? null : { type: 'reaction', kind: type, hash: unhex(hash), fid, time: at, target }
  })
}

export function readChannels(value: unknown): Page<ChannelInfo> {
  const result: Result<'list-channels'> = checked(channels, value)
  return page(result.channels, { cursor: result.cursor, invalid: 0 }, ({ id, url, followers }) =>
    id === '' || url === '' ? null : { id: clean(id), url: clean(url), followers },
  )
}

function page<R, T>(
  results: R[],
  { cursor, invalid }: { cursor: string | null; invalid: number },
  read: (result: R) => T | null,
): Page<T> {
  const items = results.map(read).filter((item) => item !== null)
  return { items, unfit: results.length - items.length + invalid, entries: results.length + invalid, cursor }
}

function castMessage(cast: CastResult): CastMessage | null {
  const time = utc(cast.time)
  if (time === null) return null
  return {
    type: 'cast',
    hash: unhex(cast.hash),
    fid: cast.fid,
    time,
    text: clean(cast.text),
    parent: cast.parent ? { cast: castId(cast.parent) } : cast.channel ? { url: clean(cast.channel) } : null,
    urls: cast.urls.map(clean),
    quotes: cast.quotes.map(castId),
    mentions: cast.mentions,
  }
}

export function standsAt({ parent }: CastMessage, expected: Expected): boolean {
  if (parent === null) return false
  if ('url' in expected) return 'url' in parent && parent.url === expected.url
  return 'cast' in parent && sameCast(parent.cast, expected.cast)
}

const castId = ({ fid, hash }: { fid: number; hash: string }): CastId => ({ fid, hash: unhex(hash) })
