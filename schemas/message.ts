/**
 * What a Farcaster message says, in this project's words. The archive, the hub and the simulation all yield these;
 * the parsers of outside forms are in `connectors/farcaster/`.
 */
export type CastId = { fid: number; hash: Buffer }
export const sameCast = (a: CastId, b: CastId): boolean => a.fid === b.fid && a.hash.equals(b.hash)

/** Of a hash: 0x and two digits a byte; and back. */
export const hex = (hash: Buffer): string => `0x${hash.toString('hex')}`
export const unhex = (text: string): Buffer => Buffer.from(text.slice(2), 'hex')

/** Fields that every message has. `hash` is the 20-byte message hash, its identity; `time` the signed time in ms. */
type Signed = { hash: Buffer; fid: number; time: number }

export type CastMessage = Signed & {
  type: 'cast'
  text: string
  /** A cast under another cast is a reply; anything else is a post, in the channel its URL names (or in none). */
  parent: { cast: CastId } | { url: string } | null
  urls: string[]
  quotes: CastId[]
  mentions: number[]
}
export type CastRemovedMessage = Signed & { type: 'cast-removed'; target: Buffer }
export type ReactionMessage = Signed & {
  type: 'reaction' | 'reaction-removed'
  kind: 'like' | 'recast'
  target: CastId
}
export type Message = CastMessage | CastRemovedMessage | ReactionMessage
