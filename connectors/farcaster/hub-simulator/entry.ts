/** What the hub keeps of a message: what it is found by, and its JSON. */
import type { CastId, Message } from '../../../schemas/message.ts'
import { toHubJson } from '../hub-json.ts'
import { fidIn, parseHubMessage, signedTime } from '../hub-message.ts'

/** `json`: as it is served, or the message it is made of when it is first asked for. */
type Signed = { hash: string; fid: number; time: number; json: string | Message }

/** Hashes are hex without 0x; `parent` and `target` are keys as `castKey` and `urlKey` make them. */
export type Entry = Signed &
  (
    | { kind: 'cast'; parent: string | null; mentions: number[] }
    | { kind: 'cast-removed'; target: string }
    | { kind: 'reaction' | 'reaction-removed'; type: ReactionType; target: string }
    | { kind: 'link' | 'link-removed'; type: string; target: number }
    | { kind: 'user-data'; type: string; value: string }
    | { kind: 'proof'; name: string; proof: string }
  )
export type ReactionType = 'like' | 'recast'

export const castKey = (fid: number, hash: string): string => `${fid} ${hash}`
export const urlKey = (url: string): string => `url ${url}`

/** Signed time, then hash: the order of every index of a hub. */
export const byOrder = (a: Position, b: Position): number =>
  a.time - b.time || (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0)
export type Position = { time: number; hash: string }

export function jsonOf(entry: Entry): string {
  if (typeof entry.json !== 'string') entry.json = JSON.stringify(toHubJson(entry.json))
  return entry.json
}

/** The entry of `message`, served as `json` or, without it, as `toHubJson` writes it. */
export function entryOf(message: Message, json: string | Message = message): Entry {
  const signed = { hash: message.hash.toString('hex'), fid: message.fid, time: message.time, json }
  switch (message.type) {
    case 'cast': {
      const { parent } = message
      const key = parent && ('cast' in parent ? keyOf(parent.cast) : urlKey(parent.url))
      return { ...signed, kind: 'cast', parent: key, mentions: [...new Set(message.mentions)] }
    }
    case 'cast-removed':
      return { ...signed, kind: 'cast-removed', target: message.target.toString('hex') }
    default:
      return { ...signed, kind: message.type, type: message.kind, target: keyOf(message.target) }
  }
}

const keyOf = ({ fid, hash }: CastId): string => castKey(fid, hash.toString('hex'))

type Json = Record<string, unknown>

/**
 * The entry of a hub message in JSON; null for types that this hub has no route for.
 * @throws SyntaxError where it is no JSON, FcmError HUB_MESSAGE_INVALID where it is no hub message
 */
export function parseEntry(line: string): Entry | null {
  const json: unknown = JSON.parse(line)
  const message = parseHubMessage(json)
  if (message) return entryOf(message, line)
  const { data, hash } = json as { data: Json; hash: unknown }
  const [fid, time] = [fidIn(data.fid), signedTime(json)]
  if (typeof hash !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(hash)) return null
  if (fid === null || time === null) return null
  const signed = { hash: hash.slice(2).toLowerCase(), fid, time, json: line }
  const body = (name: string): Json => (data[name] ?? {}) as Json
  switch (data.type) {
    case 'MESSAGE_TYPE_REACTION_ADD':
    case 'MESSAGE_TYPE_REACTION_REMOVE': {
      const { type, targetUrl } = body('reactionBody')
      const kind = data.type === 'MESSAGE_TYPE_REACTION_ADD' ? 'reaction' : 'reaction-removed'
      const named = reactionType(type)
      return named && typeof targetUrl === 'string'
        ? { ...signed, kind, type: named, target: urlKey(targetUrl) }
        : null
    }
    case 'MESSAGE_TYPE_LINK_ADD':
    case 'MESSAGE_TYPE_LINK_REMOVE': {
      const { type, targetFid } = body('linkBody')
      const target = fidIn(targetFid)
      const kind = data.type === 'MESSAGE_TYPE_LINK_ADD' ? 'link' : 'link-removed'
      return typeof type === 'string' && target !== null ? { ...signed, kind, type, target } : null
    }
    case 'MESSAGE_TYPE_USER_DATA_ADD': {
      const { type, value: given } = body('userDataBody')
      // An empty text may be left out.
      const value = given ?? ''
      return typeof type === 'string' && typeof value === 'string'
        ? { ...signed, kind: 'user-data', type, value }
        : null
    }
    case 'MESSAGE_TYPE_USERNAME_PROOF': {
      const proof = body('usernameProofBody')
      return typeof proof.name === 'string'
        ? { ...signed, kind: 'proof', name: proof.name, proof: JSON.stringify(proof) }
        : null
    }
    default:
      return null
  }
}

/** Snapchain asks for `Like`; Hubble took `REACTION_TYPE_LIKE` and 1 too. Null for what is none. */
export function reactionType(name: unknown): ReactionType | null {
  if (name === 'Like' || name === 'REACTION_TYPE_LIKE' || name === '1') return 'like'
  if (name === 'Recast' || name === 'REACTION_TYPE_RECAST' || name === '2') return 'recast'
  return null
}
