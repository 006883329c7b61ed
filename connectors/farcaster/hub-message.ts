/**
 * The JSON form of a Farcaster message over HTTP, as both families of hubs write it: Hubble omits what is absent and
 * Snapchain prints nulls; hashes are 0x-hex, but the target of a removal is base64. And as the rules of proto3 JSON have it,
 * which others follow: an empty text is left out, and numbers of 64 bits are strings.
 */
import { FcmError } from '../../common/errors.ts'
import { clean } from '../../common/text.ts'
import { FARCASTER_EPOCH, SECOND } from '../../common/time.ts'
import { type CastId, type Message, unhex } from '../../schemas/message.ts'

type Json = Record<string, unknown>

/**
 * The message in `json`; null for one of a type that isn't kept: user data, links, reactions to a URL (on a channel's
 * own URI that is a follow, not a like), and types to come. Fields it doesn't know are passed over.
 * Strings stay as they are but for U+0000 and lone surrogates, which neither Postgres nor UTF-8 can hold: each becomes
 * U+FFFD. Nothing is verified: hash and signature are taken at their word.
 * @throws FcmError HUB_MESSAGE_INVALID, naming the field and never quoting it: it is a stranger's text
 */
export function parseHubMessage(json: unknown): Message | null {
  const message = object(json, 'the message')
  const data = object(message.data, 'data')
  const type = name(data.type, 'data.type', 'MESSAGE_TYPE_')
  const parse = BODIES[type]
  if (!parse) return null
  const body = parse(data)
  return (
    body && {
      ...body,
      hash: hash(message.hash, 'hash'),
      fid: fid(data.fid, 'data.fid'),
      time: timeOf(data.timestamp),
    }
  )
}

const timeOf = (timestamp: unknown): number => FARCASTER_EPOCH + uint32(timestamp, 'data.timestamp') * SECOND

/** When what `parseHubMessage` refuses, or doesn't keep, was signed, ms; null where that can't be read either. */
export function signedTime(json: unknown): number | null {
  try {
    return timeOf(object(object(json, 'the message').data, 'data').timestamp)
  } catch (error) {
    if (error instanceof FcmError) return null
    throw error
  }
}

type Body = Message extends infer M ? (M extends Message ? Omit<M, 'hash' | 'fid' | 'time'> : never) : never

const BODIES: Partial<Record<string, (data: Json) => Body | null>> = {
  MESSAGE_TYPE_CAST_ADD: (data) => cast(object(data.castAddBody, 'data.castAddBody')),
  MESSAGE_TYPE_CAST_REMOVE: (data) => {
    const body = object(data.castRemoveBody, 'data.castRemoveBody')
    return { type: 'cast-removed', target: hash(body.targetHash, 'data.castRemoveBody.targetHash') }
  },
  MESSAGE_TYPE_REACTION_ADD: (data) => reaction('reaction', object(data.reactionBody, 'data.reactionBody')),
  MESSAGE_TYPE_REACTION_REMOVE: (data) =>
    reaction('reaction-removed', object(data.reactionBody, 'data.reactionBody')),
}

function cast(body: Json): Body {
  const at = 'data.castAddBody'
  const embeds = list(body.embeds, `${at}.embeds`).map((embed) => object(embed, `${at}.embeds[]`))
  const urls = [
    ...list(body.embedsDeprecated, `${at}.embedsDeprecated`),
    ...embeds.map((embed) => embed.url).filter(present),
  ]
  const parentUrl = present(body.parentUrl) ? string(body.parentUrl, `${at}.parentUrl`) : ''
  return {
    type: 'cast',
    text: present(body.text) ? string(body.text, `${at}.text`) : '',
    parent: present(body.parentCastId)
      ? { cast: castId(body.parentCastId, `${at}.parentCastId`) }
      : parentUrl === ''
        ? null
        : { url: parentUrl },
    urls: urls.map((url) => string(url, `${at}.embeds[].url`)),
    quotes: embeds
      .map((embed) => embed.castId)
      .filter(present)
      .map((id) => castId(id, `${at}.embeds[].castId`)),
    // 0 is nobody; hubs have let it through.
    mentions: list(body.mentions, `${at}.mentions`)
      .filter((id) => number(id) !== 0)
      .map((id) => fid(id, `${at}.mentions[]`)),
  }
}

const KINDS: Partial<Record<string, 'like' | 'recast'>> = {
  REACTION_TYPE_LIKE: 'like',
  REACTION_TYPE_RECAST: 'recast',
}

function reaction(type: 'reaction' | 'reaction-removed', body: Json): Body | null {
  const at = 'data.reactionBody'
  const reactionType = name(body.type, `${at}.type`, 'REACTION_TYPE_')
  const kind = KINDS[reactionType]
  if (!present(body.targetCastId)) {
    string(body.targetUrl, `${at}.targetCastId or targetUrl`)
    return null
  }
  return kind ? { type, kind, target: castId(body.targetCastId, `${at}.targetCastId`) } : null
}

const present = (value: unknown): boolean => value !== null && value !== undefined

function invalid(field: string, why: string): never {
  throw new FcmError('HUB_MESSAGE_INVALID', { why: `${field} ${why}` })
}

function object(value: unknown, field: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  return invalid(field, present(value) ? 'is not an object' : 'is missing')
}

function list(value: unknown, field: string): unknown[] {
  if (!present(value)) return []
  return Array.isArray(value) ? value : invalid(field, 'is not a list')
}

function string(value: unknown, field: string): string {
  if (typeof value === 'string') return clean(value)
  return invalid(field, present(value) ? 'is not a string' : 'is missing')
}

function name(value: unknown, field: string, prefix: string): string {
  if (typeof value === 'string' && value.startsWith(prefix)) return value
  return invalid(field, present(value) ? `is not the name of one (${prefix}...)` : 'is missing')
}

/** A number, also one that is written as a string. */
const number = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value

/** The number of an account, also one that is written as a string; null for anything else. */
export function fidIn(value: unknown): number | null {
  const id = number(value)
  return Number.isSafeInteger(id) && (id as number) > 0 ? (id as number) : null
}

const fid = (value: unknown, field: string): number =>
  fidIn(value) ?? invalid(field, present(value) ? 'is not a positive integer' : 'is missing')

function uint32(value: unknown, field: string): number {
  const count = number(value)
  if (Number.isInteger(count) && (count as number) >= 0 && (count as number) < 2 ** 32) return count as number
  return invalid(field, present(value) ? 'is not a count of seconds' : 'is missing')
}

/** 20 bytes, in hex behind 0x or in base64: their lengths differ, so either may stand anywhere. */
function hash(value: unknown, field: string): Buffer {
  if (!present(value)) return invalid(field, 'is missing')
  if (typeof value === 'string') {
    if (/^0x[0-9a-fA-F]{40}$/.test(value)) return unhex(value)
    if (/^[0-9a-zA-Z+/_-]{27}=$/.test(value)) return Buffer.from(value, 'base64')
  }
  return invalid(field, 'is not a hash of 20 bytes')
}

function castId(value: unknown, field: string): CastId {
  const id = object(value, field)
  return { fid: fid(id.fid, `${field}.fid`), hash: hash(id.hash, `${field}.hash`) }
}
